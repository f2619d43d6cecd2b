"""``headrace models``: the versions there are, and one of them made again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from headrace.cli.options import ConfDir, Env, Json, project
from headrace.cli.output import in_one_line, notes, results
from headrace.errors import CheckFailed

if TYPE_CHECKING:
    from headrace.flows.project import Project
    from headrace.io.versions import Version
    from headrace.models.recipe import Part

__all__ = ["app", "ls", "reproduce"]

app = typer.Typer(help="Versions of models.", no_args_is_help=True, add_completion=False)


@app.callback()
def models() -> None:
    """Versions of models."""


@app.command()
def ls(
    model: Annotated[str | None, typer.Argument(help="A model in conf/models; all if left out.")] = None,
    conf_dir: ConfDir = Path("conf"),
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """List the versions in MLflow's registry, the newest first: aliases, run, digest of the rows, metrics."""
    from headrace.io.versions import versions

    loaded = project(conf_dir, env)
    found = {name: versions(loaded.settings.registry, registered) for name, registered in _asked(loaded, model).items()}
    if as_json:
        typer.echo(json.dumps({name: [asdict(one) for one in there] for name, there in found.items()}, default=str))
        return
    table = Table("model", "version", "aliases", "registered", "run", "rows", "metrics", box=None, pad_edge=False)
    for name, there in found.items():
        for one in there:
            _row(table, name, *_cells(one))
    if table.row_count:
        results().print(table)
    for name in (name for name, there in found.items() if not there):
        typer.echo(f"{name} has no version yet: {loaded.models[name].first_version}.")


@app.command()
def reproduce(
    run: Annotated[str, typer.Argument(help="A run's id, or models:/name/version.")],
    conf_dir: ConfDir = Path("conf"),
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Make a version again from the rows it was made from, and compare. Nothing is registered.

    Exit 0: rows, metrics and answers are equal to the last bit. Exit 1: one is not; the table says what differs.
    """
    from headrace.cli.session import session_with_tables
    from headrace.flows.reproduce import reproduce as reproduce_run

    loaded = project(conf_dir, env)
    say = notes().print
    found = reproduce_run(session_with_tables(loaded, conf_dir, say), loaded, run, say)
    if as_json:
        answer = {"run": found.run, "model": found.model, "equal": found.equal}
        typer.echo(json.dumps({**answer, "parts": [_plain(part) for part in found.parts]}))
    else:
        table = Table("part", "decides", "result", "recorded", "now", box=None, pad_edge=False)
        for part in found.parts:
            for cells in _lines(part):
                _row(table, *cells)
        results().print(table)
    differing = [part.name for part in found.parts if part.decides and not part.equal]
    if differing:
        raise CheckFailed(f"{run} is not reproduced: {', '.join(differing)} differ")
    if not as_json:
        typer.echo(f"{run} is reproduced: rows, metrics and answers are equal.")


def _asked(loaded: Project, model: str | None) -> dict[str, str]:
    asked = [model] if model else sorted(loaded.models)
    return {name: loaded.model(name).registered_model for name in asked}


def _cells(one: Version) -> tuple[str, ...]:
    metrics = ", ".join(f"{name} {value:.4f}" for name, value in one.metrics.items())
    at = f"{one.registered_at:%Y-%m-%d %H:%M}"
    return one.version, ", ".join(one.aliases), at, one.run, one.rows or "", metrics


def _lines(part: Part) -> list[tuple[str, ...]]:
    """One line a difference, so that nothing is left out."""
    decides = "yes" if part.decides else ""
    if part.equal:
        return [(part.name, decides, "equal", "", "")]
    return [
        (part.name, decides, f"differs{f': {each.key}' if each.key else ''}", _text(each.recorded), _text(each.found))
        for each in part.differences
    ]


def _text(value: Any) -> str:
    return "none" if value is None else str(value)


def _plain(part: Part) -> dict[str, Any]:
    return {**asdict(part), "equal": part.equal}


def _row(table: Table, *cells: str) -> None:
    """As plain text: what comes from a registry is no markup."""
    table.add_row(*[in_one_line(cell) for cell in cells])
