"""``headrace demo``: the whole product on real data, and the proof that nothing got lost on the way."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from headrace.cli.extras import need_extras
from headrace.cli.options import ConfDir, Json, project
from headrace.cli.output import notes, results
from headrace.errors import CheckFailed, UsageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from headrace.demo.story import Delivery, Sent
    from headrace.demo.summary import Reconciled
    from headrace.flows.project import Project

__all__ = ["demo"]

_MARK = ".headrace-demo"


def demo(
    kafka: Annotated[
        bool, typer.Option("--kafka", help="Through a real Kafka broker, started and stopped here.")
    ] = False,
    year: Annotated[bool, typer.Option("--year", help="All of 2013 instead of four weeks.")] = False,
    conf_dir: ConfDir = Path("conf"),
    as_json: Json = False,
) -> None:
    """Stream the flights that left New York in 2013 through contract, features and model. Starts anew each time."""
    from headrace.cli.board import Board
    from headrace.cli.run import stopping
    from headrace.cli.session import session
    from headrace.demo.story import play, span
    from headrace.demo.summary import reconcile
    from headrace.flows.catalog import tables, views
    from headrace.io.reader import open_tables

    began = time.monotonic()
    console = notes()
    env = "kafka" if kafka else "local"
    need_extras("headrace demo", ("spark", "mlflow", "demo"))
    loaded = project(conf_dir, env)
    home = _fresh_home(loaded)
    with ExitStack() as stack:
        delivery = stack.enter_context(_delivery(loaded, conf_dir, home, kafka=kafka, year=year, console=console))
        spark = session(loaded, conf_dir, console.print)
        stop = stack.enter_context(stopping())
        with Board(console) as board:
            sent = play(spark, loaded, delivery, days=span(year=year), stop=stop, show=board.show, say=console.print)
        if stop.is_set():
            raise UsageError("the demo was stopped; run it again to start anew")
        console.print("4/4 Comparing what was sent with what is in the tables")
        with open_tables(loaded.settings.storage, tables(loaded), views(loaded)) as connection:
            found = reconcile(connection, sent, sorted(loaded.feature_sets))
        if kafka:
            console.print("Checking the ledger against the broker's own offsets before it stops")
            found = _with_ledger(found, spark, loaded)
    seconds = time.monotonic() - began
    if as_json:
        typer.echo(json.dumps({"seconds": round(seconds), **dataclasses.asdict(found)}))
    else:
        _print(results(), loaded, sent, found, seconds=seconds, env=env)
    if found.wrong:
        raise CheckFailed("The demo does not reconcile:\n" + "\n".join(found.wrong))


def _with_ledger(found: Reconciled, spark: SparkSession, loaded: Project) -> Reconciled:
    from headrace.flows.ledger_check import check

    unbalanced = tuple(line for finding in check(spark, loaded) for line in finding.wrong)
    return dataclasses.replace(found, wrong=found.wrong + unbalanced)


def _fresh_home(loaded: Project) -> Path:
    """The folder everything goes to: emptied if an earlier demo made it, refused if somebody else did."""
    root = loaded.settings.storage.root
    if root is None:
        raise UsageError("the demo writes to a folder; its environment names a catalog")
    home = Path(root).parent
    if home.exists() and any(home.iterdir()):
        if not (home / _MARK).exists():
            raise UsageError(f"{home} holds something the demo did not make: move it away, or set HEADRACE_HOME")
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    (home / _MARK).touch()
    return home


@contextmanager
def _delivery(
    loaded: Project, conf_dir: Path, home: Path, *, kafka: bool, year: bool, console: Console
) -> Iterator[Delivery]:
    from headrace.demo.story import Files, Topics

    if not kafka:
        yield Files(home / "landing", days=7 if year else 1, clock=time.time)
        return
    from headrace.config import KafkaSource
    from headrace.io import jars, kafka_admin
    from headrace.io.broker import running_broker

    sources = {name: one.source for name, one in loaded.settings.signals.items() if isinstance(one.source, KafkaSource)}
    needed = jars.fetch("broker", conf_dir=conf_dir, cache=jars.cache_folder(os.environ), say=console.print)
    bootstrap = next(iter(sources.values())).bootstrap
    console.print(f"Starting a Kafka broker at {bootstrap}")
    with running_broker(needed, home / "kafka", port=int(bootstrap.rsplit(":", 1)[1])) as broker:
        for source in sources.values():
            kafka_admin.create_topic(broker.bootstrap, source.topic, 1, {})
        yield Topics(broker.bootstrap, {name: source.topic for name, source in sources.items()})


def _print(out: Console, loaded: Project, sent: Sent, found: Reconciled, *, seconds: float, env: str) -> None:
    out.print(f"\n{sum(found.sent.values()):,} records in {seconds:,.0f} s", style="bold")
    flow = Table("signal", "sent", "accepted", "rejected", box=None, pad_edge=False)
    for signal, count in found.sent.items():
        flow.add_row(signal, f"{count:,}", f"{found.accepted[signal]:,}", f"{found.rejected[signal]:,}")
    out.print(flow)
    reasons = Table("dead letters by reason", "planted", "caught", box=None, pad_edge=False)
    for one in found.reasons:
        reasons.add_row(one.reason, str(one.planted), str(one.caught))
    out.print("", reasons)
    windows = Table("feature set", "windows", "final", "late records left out", box=None, pad_edge=False)
    for name, (final, whole) in found.windows.items():
        windows.add_row(name, f"{whole:,}", f"{final:,}", f"{found.late[name]:,}")
    out.print("", windows, "")
    made = found.decisions
    out.print(
        f"{made.made:,} decisions by version {sent.learned.pinned.version} of {sent.learned.pinned.name}, "
        f"{made.behind:,} of them on features that were behind; the arrival of {made.known:,} is known since:\n"
        f"accuracy {made.accuracy:.3f}, log loss {made.log_loss:.3f} (always answering the average: "
        f"{made.base_log_loss:.3f}); {sent.label_unknown} flights were diverted and never arrive."
    )
    missing = ", ".join(f"{count} at {origin}" for origin, count in sent.missing_hours.items())
    out.print(f"Hours of weather that nobody sent: {missing}.")
    for name, at in found.freshness.items():
        out.print(f"{name}: {at}")
    there = Path(str(loaded.settings.storage.root)).parent
    out.print(f"\nTables, checkpoints, models: {there}\nTry:")
    option = "" if env == "local" else f" --env {env}"
    if env == "local":
        out.print("  .venv/bin/headrace ledger check")
    out.print(f'  .venv/bin/headrace sql{option} "SELECT * FROM features_origin_departures_latest"', markup=False)
    out.print(f"  .venv/bin/headrace sql{option}")
    out.print(f"  .venv/bin/headrace status{option}")
    if not found.wrong:
        balanced = "" if env == "local" else " The ledger balances, up to the broker's end offsets."
        out.print(f"\nEvery record is accounted for.{balanced}")
