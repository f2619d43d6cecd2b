"""``headrace maintain``: the upkeep of the tables, beside whatever runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from headrace.cli.options import ConfDir, Env, Json, project
from headrace.cli.output import notes, results

if TYPE_CHECKING:
    from headrace.flows.maintain import Step

__all__ = ["maintain", "upkeep"]


def maintain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")] = False,
    conf_dir: ConfDir = Path("conf"),
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Let rows expire as declared, merge small files, remove files that nobody reads any more."""
    done = upkeep(conf_dir, env, dry_run=dry_run, say=lambda text: notes().print(text, markup=False))
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in done]))
    elif done:
        table = Table("table", "step", "", "what", box=None, pad_edge=False)
        for one in done:
            table.add_row(one.table, one.step, one.outcome, one.said)
        results().print(table)
    else:
        typer.echo("No table needs anything.")


def upkeep(conf_dir: Path, env: str, *, dry_run: bool, say: Callable[[str], None]) -> list[Step]:
    """The steps there was a cause for, each told as it is done."""
    from headrace.cli.session import session
    from headrace.flows.maintain import maintain as steps
    from headrace.io.wall import now

    loaded = project(conf_dir, env)
    done = []
    for one in steps(session(loaded, conf_dir, say), loaded, now(), dry_run=dry_run):
        say(f"{one.table}, {one.step}, {one.outcome}: {one.said}")
        done.append(one)
    return done
