"""The JVM jars: resolved once with the Ivy that pyspark carries, checked against digests, then kept in a cache.

The reader of records is headrace's own, and compiled from the sources it carries.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal

from headrace.errors import InfrastructureError, UsageError
from headrace.io import java
from headrace.io.jars import ivy, reader
from headrace.io.jars.lock import Lock, exclusive

__all__ = ["Conf", "built_reader", "cache_folder", "fetch", "for_spark"]

Conf = Literal["connectors", "compiler", "broker"]

_NO_PATH: Final = re.compile(r"[,#\[\]{}*?\\]|%[0-9A-Fa-f]{2}")


def cache_folder(environ: Mapping[str, str]) -> Path:
    """``$HEADRACE_CACHE``, else ``~/.cache/headrace``."""
    named = environ.get("HEADRACE_CACHE")
    return Path(named).absolute() if named else Path.home() / ".cache" / "headrace"


def for_spark(*, conf_dir: Path | None, cache: Path, say: Callable[[str], None]) -> tuple[Path, ...]:
    """All that Spark has to be given: the connectors, fetched as ``fetch`` does, and the reader of records.

    Raises UsageError where Spark would take the path of the cache for something else.
    """
    _refuse_path(cache)
    return (*fetch("connectors", conf_dir=conf_dir, cache=cache, say=say), built_reader(cache, say))


def _refuse_path(cache: Path) -> None:
    """Spark's list of jars has commas between them, and each is a pattern and a URI."""
    found = _NO_PATH.search(str(cache))
    if found is not None:
        raise UsageError(
            f"{str(cache)!r}, where the jars are kept, has {found[0]!r} in its path, and Spark would not find them: "
            "set HEADRACE_CACHE to another folder"
        )


def built_reader(cache: Path, say: Callable[[str], None]) -> Path:
    """The jar of headrace's own classes, compiled once for each version of their sources.

    Raises InfrastructureError when the compiler cannot be had, or they cannot be compiled; UsageError as ``for_spark``.
    """
    _refuse_path(cache)
    folder = cache / "jars" / "reader" / reader.version()
    if not folder.is_dir():
        with exclusive(folder.with_suffix(".lock")):
            if not folder.is_dir():
                (compiler,) = fetch("compiler", conf_dir=None, cache=cache, say=say)
                reader.build(compiler, java.find(os.environ).path, folder)
    return folder / reader.JAR


def fetch(conf: Conf, *, conf_dir: Path | None, cache: Path, say: Callable[[str], None]) -> tuple[Path, ...]:
    """The jars of one configuration, sorted by name, each with the content its digest promises.

    ``ivy.xml`` and ``digests.sha256`` come from ``conf_dir/jars`` where that holds them, else from the package.
    Once fetched, neither a JVM nor the network is used. A folder appears in the cache whole or not at all, and
    of several processes that fetch at once one does the work.

    Raises InfrastructureError when a jar cannot be had, or is not what its digest says.
    """
    lock = Lock.read(conf_dir)
    folder = cache / "jars" / lock.name / conf
    if not folder.is_dir():
        with exclusive(folder.with_suffix(".lock")):
            if not folder.is_dir():
                _download(conf, lock, folder, say)
    return _verified(conf, lock, folder, f"Remove {folder} to fetch them anew.")


def _download(conf: Conf, lock: Lock, folder: Path, say: Callable[[str], None]) -> None:
    for abandoned in folder.parent.glob(f"{conf}.partial-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    launcher = java.find(os.environ).path
    with tempfile.TemporaryDirectory(prefix=f"{conf}.partial-", dir=folder.parent) as scratch:
        say(f"Fetching {lock.count(conf)} jars ({conf}) into {folder}: once, needs the network, about a minute.")
        found = ivy.retrieve(conf, lock, launcher, Path(scratch))
        _verified(conf, lock, found, "Nothing was kept. Run again; if it stays, the mirror serves another file.")
        found.rename(folder)


def _verified(conf: Conf, lock: Lock, folder: Path, remedy: str) -> tuple[Path, ...]:
    jars = tuple(sorted(folder.glob("*.jar")))
    wrong = lock.differences(conf, {jar.name: _digest(jar) for jar in jars})
    if wrong:
        raise InfrastructureError("\n".join([f"Jars in {folder} do not match {lock.origin}:", *wrong, remedy]))
    return jars


def _digest(jar: Path) -> str:
    with jar.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
