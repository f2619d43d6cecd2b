"""``headrace doctor``: is this machine able to run the project? Starts no Spark."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import typer
from rich.table import Table

from headrace.cli.extras import EXTRAS, Extra
from headrace.cli.options import ConfDir, Env, Json, project
from headrace.cli.output import results
from headrace.config import DeltaSource, FileSource, KafkaSource, Online, RedisOnline, SqliteOnline, Topic
from headrace.errors import HeadraceError, InfrastructureError
from headrace.flows.project import Project

__all__ = ["Examined", "doctor", "examine"]


@dataclass(frozen=True, slots=True)
class Examined:
    """One thing that was looked at: what was found, or what is wrong with it and the remedy."""

    what: str
    healthy: bool
    found: str


def doctor(conf_dir: ConfDir = Path("conf"), env: Env = "local", as_json: Json = False) -> None:
    """Look at Java, Python, extras, jars, paths, brokers, the online view. Exit 0: all well; 3: something is not."""
    examined = list(examine(project(conf_dir, env), conf_dir))
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in examined]))
    else:
        table = Table(box=None, pad_edge=False, show_header=False)
        for one in examined:
            table.add_row("ok" if one.healthy else "NOT", one.what, one.found)
        results().print(table)
    if not all(one.healthy for one in examined):
        raise InfrastructureError("Something above keeps headrace from running; each line says what to do.")


def examine(loaded: Project, conf_dir: Path) -> Iterator[Examined]:
    """Everything a run needs that can fail before it starts."""
    yield _try("Java", _java)
    yield _try("Python of the workers", _worker_python)
    for extra, needed in _extras(loaded):
        yield _installed(extra, needed=needed)
    yield _try("jars", lambda: _jars(conf_dir))
    yield _try("loopback", _loopback)
    for what, path in _paths(loaded):
        yield _try(what, partial(_writable, path))
    if loaded.settings.online is not None:
        yield _try("online view", partial(_online, loaded.settings.online))
    for name, signal in loaded.settings.signals.items():
        if isinstance(signal.source, FileSource):
            yield _try(f"folder of {name}", partial(_folder, loaded, name))
        if isinstance(signal.source, KafkaSource):
            yield _try(f"topic of {name}", partial(_topic, signal.source))
        if signal.dead_letter_topic is not None:
            yield _try(f"dead-letter topic of {name}", partial(_topic, signal.dead_letter_topic))
        if isinstance(signal.source, DeltaSource):
            yield _try(f"table of {name}", partial(_table, signal.source))


def _extras(loaded: Project) -> Iterator[tuple[Extra, bool]]:
    """Every extra, and whether the project needs it for a run."""
    settings, estimators = (
        loaded.settings,
        [model.training and model.training.estimator for model in loaded.models.values()],
    )
    needed = {
        "spark": True,
        "mlflow": bool(loaded.models),
        "lightgbm": "lightgbm" in estimators,
        "quality": any(signal.quality is not None for signal in settings.signals.values()),
        "redis": isinstance(settings.online, RedisOnline),
        "demo": False,
    }
    return ((extra, needed[name]) for name, extra in EXTRAS.items())


def _installed(extra: Extra, *, needed: bool) -> Examined:
    if not extra.missing:
        return Examined(f"extra {extra.name}", True, f"installed, for: {extra.purpose}")
    found = f"{', '.join(extra.missing)} not installed, for: {extra.purpose}; {extra.remedy}"
    return Examined(f"extra {extra.name}", not needed, found if needed else f"not needed by this project; {found}")


def _try(what: str, look: Callable[[], str]) -> Examined:
    try:
        return Examined(what, True, look())
    except HeadraceError as error:
        return Examined(what, False, str(error))


def _java() -> str:
    from headrace.io import java

    found = java.find(os.environ)
    return f"{found.version} at {found.path}"


def _worker_python() -> str:
    worker = os.environ.get("PYSPARK_PYTHON", sys.executable)
    script = "import pandas, pyarrow, sys; print('%d.%d' % sys.version_info[:2])"
    try:
        ran = subprocess.run([worker, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise InfrastructureError(
            f"PYSPARK_PYTHON is {worker}, which cannot import pandas and pyarrow: queries would yield no rows. "
            f"Unset it, or set it to {sys.executable}."
        ) from error
    mine = "{}.{}".format(*sys.version_info[:2])
    if ran.stdout.strip() != mine:
        raise InfrastructureError(
            f"PYSPARK_PYTHON is Python {ran.stdout.strip()}, this is {mine}: set it to {sys.executable}."
        )
    return f"{mine} at {worker}"


def _jars(conf_dir: Path) -> str:
    from headrace.io import jars

    cache = jars.cache_folder(os.environ)
    found = jars.for_spark(conf_dir=conf_dir, cache=cache, say=lambda _: None)
    return f"{len(found)} in {found[0].parent}, digests right"


def _loopback() -> str:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            return f"free ports, such as {server.getsockname()[1]}"
    except OSError as error:
        raise InfrastructureError(f"no port can be opened on 127.0.0.1 ({error}): Spark needs some") from error


def _paths(loaded: Project) -> Iterator[tuple[str, str]]:
    storage, uri = loaded.settings.storage, loaded.settings.registry.tracking_uri
    if storage.root is not None:
        yield "tables", storage.root
    yield "checkpoints", storage.checkpoint_root
    if uri.startswith("sqlite:///"):
        yield "models", str(Path(uri.removeprefix("sqlite:///")).parent)


def _writable(path: str) -> str:
    if "://" in path:
        return f"{path} (not a local folder: not tried)"
    folder = Path(path)
    there = next(one for one in (folder, *folder.parents) if one.exists())
    if there == Path(folder.anchor) != folder:
        top = there / folder.relative_to(there).parts[0]
        raise InfrastructureError(f"{path}: this machine has no {top}; make it, or ask on the machine headrace runs on")
    try:
        with tempfile.TemporaryFile(dir=there):
            return f"{path} can be written"
    except OSError as error:
        raise InfrastructureError(
            f"{there} cannot be written ({error.strerror}): change its owner or the path"
        ) from error


def _online(place: Online) -> str:
    from headrace.io.online import open_store

    if isinstance(place, SqliteOnline):
        return _writable(str(Path(place.path).parent))
    with open_store(place) as store:
        store.held("doctor")
    return f"the server answers; keys begin with {place.prefix}"


def _folder(loaded: Project, signal: str) -> str:
    from headrace.flows.unread import source_folder, unread_files

    folder = source_folder(loaded, signal)
    if folder is None:
        return "not a local folder: not tried"
    unread = unread_files(loaded, signal)
    if unread:
        raise InfrastructureError("\n".join(unread))
    return folder.note or f"{folder.path}, {len(folder.sizes):,} files"


def _topic(source: Topic) -> str:
    from headrace.io import kafka_admin

    ends = kafka_admin.end_offsets(source.bootstrap, source.topic, source.opened)
    return f"{source.topic} at {source.bootstrap}, {len(ends)} partitions, {sum(ends.values()):,} offsets"


def _table(source: DeltaSource) -> str:
    from headrace.io.table_log import table_log

    if source.path is None or "://" in source.path:
        return f"{source.place} (not a local folder: not tried)"
    found = table_log(source.path)
    missing = [name for name in source.key if name.lower() not in {column.lower() for column in found.columns}]
    if missing:
        raise InfrastructureError(f"{source.place} has no column {', '.join(missing)}: correct source.key")
    return f"{source.place} at version {found.version}"
