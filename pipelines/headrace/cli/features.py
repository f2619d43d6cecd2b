"""``headrace features``: windows computed again and compared, and the newest values of an entity."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from headrace.cli import online
from headrace.cli.options import ConfDir, Env, Json, project, utc
from headrace.cli.output import notes, results
from headrace.cli.session import session_with_tables
from headrace.errors import CheckFailed, UsageError

__all__ = ["app"]

app = typer.Typer(
    help="Feature sets: compute windows again, ask for the newest.", no_args_is_help=True, add_completion=False
)


@app.callback()
def features() -> None:
    """Feature sets: compute windows again, ask for the newest."""


@app.command()
def backfill(
    feature_set: Annotated[str, typer.Argument(help="Feature set.")],
    first: Annotated[datetime | None, typer.Option("--from", help="Windows that end after then, UTC.")] = None,
    end: Annotated[datetime | None, typer.Option("--to", help="Windows that end by then, UTC.")] = None,
    conf_dir: ConfDir = Path("conf"),
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Fold late and replayed records into the final windows of a set. Doing it twice adds nothing."""
    from headrace.flows.backfill import backfill as fill

    loaded = project(conf_dir, env)
    loaded.feature_set(feature_set)
    after, until = utc(first), utc(end)
    if after is not None and until is not None and after >= until:
        raise UsageError("--from is not before --to: no window ends between them")
    say = notes().print
    spark = session_with_tables(loaded, conf_dir, say)
    done = []
    for one in fill(spark, loaded, feature_set, after, until):
        done.append(one)
        span = f"{one.first:%Y-%m-%d %H:%M} to {one.end:%Y-%m-%d %H:%M}"
        say(f"{span}: {one.changed:,} of {one.windows:,} windows changed")
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in done], default=str))
    elif done:
        windows, changed = sum(one.windows for one in done), sum(one.changed for one in done)
        typer.echo(f"{feature_set}: {changed:,} of {windows:,} final windows have another value now.")
    else:
        typer.echo(f"{feature_set} has no final window there yet: nothing was done.")


@app.command()
def check(
    feature_set: Annotated[str, typer.Argument(help="Feature set.")],
    conf_dir: ConfDir = Path("conf"),
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Compute every value of a set again and compare: its log with its signal, what models were given with its log."""
    from headrace.flows.feature_check import check as compare

    loaded = project(conf_dir, env)
    loaded.feature_set(feature_set)
    say = notes().print
    spark = session_with_tables(loaded, conf_dir, say)
    done = []
    for one in compare(spark, loaded, feature_set):
        done.append(one)
        say(f"{one.table}: {one.column}, {one.rows:,} compared, {one.differ:,} differ")
    wrong = [one for one in done if one.differ]
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in done]))
    else:
        table = Table("table", "column", "compared", "result", box=None, pad_edge=False)
        for one in done:
            table.add_row(one.table, one.column, f"{one.rows:,}", f"{one.differ:,} differ" if one.differ else "equal")
        results().print(table)
    if wrong:
        told = [f"{one.table}: {one.column}: {one.differ:,} of {one.rows:,} differ; {one.example}" for one in wrong]
        raise CheckFailed(f"{feature_set} is not what it should be:\n" + "\n".join(told))
    if not as_json:
        typer.echo(f"{feature_set} is what its signal and its decisions say it should be.")


@app.command()
def renew(
    feature_set: Annotated[str, typer.Argument(help="Feature set.")],
    conf_dir: ConfDir = Path("conf"),
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Compute all windows of a set anew, by its changed definition, and let that generation take over."""
    from headrace.flows.renew import renew as compute

    loaded = project(conf_dir, env)
    loaded.feature_set(feature_set)
    say = notes().print
    spark = session_with_tables(loaded, conf_dir, say)
    done = []
    for one in compute(spark, loaded, feature_set):
        done.append(one)
        say(f"{one.first:%Y-%m-%d %H:%M} to {one.end:%Y-%m-%d %H:%M}: {one.windows:,} windows")
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in done], default=str))
        return
    windows = sum(one.windows for one in done)
    typer.echo(f"{feature_set}: {windows:,} final windows were computed; headrace run goes on from there.")


app.command()(online.get)
app.add_typer(online.app, name="online")
