"""``headrace train``: fit, measure and register a version of a model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from headrace.cli.options import ConfDir, Env, Json, project
from headrace.cli.output import notes, results

if TYPE_CHECKING:
    from headrace.flows.train import Trained

__all__ = ["train"]


def train(
    model: Annotated[str, typer.Argument(help="A model in conf/models.")],
    conf_dir: ConfDir = Path("conf"),
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Fit MODEL on its labelled records and their features as of each event, and register it as challenger.

    The first version takes the model's own alias too; later ones leave it where it is.
    """
    from headrace.cli.session import session_with_tables
    from headrace.flows.learn import ready
    from headrace.flows.train import train as train_model

    loaded = project(conf_dir, env)
    loaded.model(model)
    ready(loaded, loaded.written[model])
    told = notes()
    trained = train_model(session_with_tables(loaded, conf_dir, told.print), loaded, model, told.print)
    fitted = trained.fitted
    if as_json:
        typer.echo(json.dumps(_plain(model, trained)))
        return
    typer.echo(
        f"{trained.pinned.uri} ({', '.join(trained.aliases)}) learned from {fitted.learned:,} rows; "
        f"on the {fitted.held_out:,} newest:"
    )
    for name, value in fitted.metrics.items():
        typer.echo(f"  {name:<16} {value:.4f}")
    if fitted.own:
        typer.echo(f"With an estimator of their own: {', '.join(fitted.own)}.")
    segments = _segments(trained)
    if segments:
        results().print(_segment_table(segments, list(fitted.metrics)))
    small = [f"{each['field']} {each['value']}" for each in segments if each["small"]]
    if small:
        typer.echo(f"Too few rows to say much of: {', '.join(small)}.")


def _plain(model: str, trained: Trained) -> dict[str, Any]:
    fitted = trained.fitted
    return {
        "model": model,
        "version": trained.pinned.version,
        "aliases": trained.aliases,
        "learned": fitted.learned,
        "held_out": fitted.held_out,
        "rows": trained.recipe.rows,
        "own": fitted.own,
        "metrics": dict(fitted.metrics),
        "segments": _segments(trained),
    }


def _segments(trained: Trained) -> list[dict[str, Any]]:
    """As plain values: what could not be computed is None."""
    found: list[dict[str, Any]] = json.loads(trained.fitted.segments.to_json(orient="records"))
    return found


def _segment_table(segments: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> Table:
    table = Table("segment", "value", "rows", *metrics, box=None, pad_edge=False)
    for each in segments:
        measured = ["" if each.get(name) is None else f"{each[name]:.4f}" for name in metrics]
        table.add_row(*[str(cell) for cell in (each["field"], each["value"], f"{each['rows']:,}", *measured)])
    return table
