"""``headrace run``: the flows, all of them or those named, in one driver."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Annotated

import typer

from headrace.cli.options import ConfDir, Env, project
from headrace.cli.output import notes

__all__ = ["run", "stopping", "take"]


def run(
    flow: Annotated[
        list[str] | None, typer.Argument(help="ingest, features, score, or one query as ingest.<signal>. Default: all.")
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Take in what is there, bring features and scores up to it, and stop.")
    ] = False,
    conf_dir: ConfDir = Path("conf"),
    env: Env = "local",
) -> None:
    """Run the flows until stopped (SIGTERM or Ctrl-C: after the running batch; twice: at once), or once."""
    take(tuple(flow or ()), once=once, conf_dir=conf_dir, env=env)


def take(flows: Sequence[str], *, once: bool, conf_dir: Path, env: str) -> None:
    """What ``headrace run`` and the files in ``jobs/`` both do."""
    from headrace.cli.board import Board
    from headrace.cli.session import session
    from headrace.flows.preparation import load_libraries, load_versions, meanwhile
    from headrace.flows.queries import FLOWS, create_tables, queries
    from headrace.flows.run import drain
    from headrace.flows.run import run as run_flows

    loaded = project(conf_dir, env)
    chosen = queries(loaded, flows or FLOWS, patient=not once)
    console = notes()
    with meanwhile(load_libraries(chosen)):
        spark = session(loaded, conf_dir, console.print)
    # Not while Spark starts: what a version prints belongs to this process's own output.
    with stopping() as stop, meanwhile(load_versions(loaded, chosen)), Board(console) as board:
        create_tables(spark, loaded)
        if once:
            unscored = drain(spark, loaded, chosen, stop=stop, show=board.show)
        else:
            run_flows(spark, loaded, chosen, stop=stop, show=board.show)
    if stop.is_set() or not once:
        console.print("Stopped between batches.")
        return
    console.print("Everything there was has been taken in.")
    for query in unscored:
        console.print(f"{query.query.name} waits, and decides nothing until then: {query.error}.")


@contextmanager
def stopping() -> Iterator[Event]:
    """An event that SIGTERM or Ctrl-C sets; a second one ends the process at once, which loses nothing either."""
    stop = Event()

    def on_signal(number: int, _: FrameType | None) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
