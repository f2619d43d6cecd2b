"""``headrace sources``: which sources are read, which are paused and why, and how to change that."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from headrace.cli.options import ConfDir, Env, Json, project
from headrace.cli.output import in_one_line, notes, results
from headrace.cli.session import session_with_tables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from headrace.flows.project import Project
    from headrace.flows.sources import Transition
    from headrace.io.lake import Lake

__all__ = ["app"]

app = typer.Typer(help="Sources: which are read, which are paused.", no_args_is_help=True, add_completion=False)

Signal = Annotated[str, typer.Argument(help="Signal the source sends.")]
Said = Annotated[str, typer.Option("--note", help="Why; kept in source_log.")]


@app.callback()
def sources() -> None:
    """Sources: which are read, which are paused."""


@app.command("ls")
def list_(conf_dir: ConfDir = Path("conf"), env: Env = "local", as_json: Json = False) -> None:
    """Every signal's source: where it is, whether it is read, when a driver last looked, why it is paused, limits."""
    from headrace.flows.source_standings import source_standings

    found = source_standings(project(conf_dir, env))
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(one) for one in found], default=lambda at: f"{at.isoformat()}Z"))
        return
    table = Table("signal", "source", "state", "last look", "since", "limits", "why", box=None, pad_edge=False)
    for one in found:
        since = f"{one.since:%Y-%m-%d %H:%M}" if one.since else ""
        looked_at = f"{one.looked_at:%Y-%m-%d %H:%M:%S}" if one.looked_at else "never"
        limits = ", ".join(f"{name} {value}" for name, value in one.limits.items())
        table.add_row(one.signal, one.source, one.state, looked_at, since, limits or "none", one.why)
    results().print(table)
    for one in found:
        for line in one.unread:
            typer.echo(in_one_line(f"{one.signal}: {line}"))


@app.command()
def pause(
    signal: Signal, note: Said = "", conf_dir: ConfDir = Path("conf"), env: Env = "local", as_json: Json = False
) -> None:
    """Stop reading a source. A running driver ends the batch it is in, and goes on with everything else."""
    from headrace.flows import sources as flow

    loaded = _loaded(conf_dir, env, signal)
    _tell(flow.pause(*_tables(loaded, conf_dir), signal, note), as_json)


@app.command()
def resume(
    signal: Signal,
    let_pass: Annotated[
        bool, typer.Option("--let-pass", help="Take the batch that was held back as it is, whatever limit it breaks.")
    ] = False,
    replan: Annotated[
        bool,
        typer.Option("--replan", help="Plan a begun batch that wrote nothing anew, by the contract as it is now."),
    ] = False,
    note: Said = "",
    conf_dir: ConfDir = Path("conf"),
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Read a source again, from the batch that was held back on. A running driver notices within seconds."""
    from headrace.flows import sources as flow
    from headrace.flows.replan import replan as plan_anew

    loaded = _loaded(conf_dir, env, signal)
    spark, lake = _tables(loaded, conf_dir)
    if replan:
        typer.echo(plan_anew(spark, loaded, signal), err=True)
    _tell(flow.resume(spark, lake, signal, note, waive=let_pass), as_json)


def _loaded(conf_dir: Path, env: str, signal: str) -> Project:
    loaded = project(conf_dir, env)
    loaded.contract(signal)
    return loaded


def _tables(loaded: Project, conf_dir: Path) -> tuple[SparkSession, Lake]:
    from headrace.io.lake import Lake

    return session_with_tables(loaded, conf_dir, notes().print), Lake(loaded.settings.storage)


def _tell(now: Transition, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"signal": now.signal, "state": now.state, "sequence": now.sequence, "note": now.note}))
        return
    since = f" since {now.changed_at:%Y-%m-%d %H:%M}" if now.sequence else ""
    waived = f"; batch {now.held_batch_id} may pass as it is" if now.waived else ""
    why = f": {now.note}" if now.note else ""
    typer.echo(in_one_line(f"The source of {now.signal} is {now.state}{since}{waived}{why}."))
