"""``headrace train``: fit, measure and register a version of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.options import ConfDir, Env, Json, project
from headrace.cli.output import notes
from headrace.errors import UsageError

__all__ = ["train"]


def train(
    model: Annotated[str, typer.Argument(help="A model in conf/models.")],
    conf_dir: ConfDir = Path("conf"),
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Fit MODEL on its labelled records and their features as of each event, register it, move its alias to it."""
    import json

    from headrace.cli.session import session
    from headrace.flows.train import train as train_model

    loaded = project(conf_dir, env)
    if model not in loaded.models:
        raise UsageError(f"there is no model {model!r}; there are {', '.join(sorted(loaded.models))}")
    told = notes()
    trained = train_model(session(loaded, conf_dir, told.print), loaded, model, told.print)
    fitted = trained.fitted
    if as_json:
        found = {"model": model, "version": trained.pinned.version, "learned": fitted.learned}
        typer.echo(json.dumps({**found, "held_out": fitted.held_out, "metrics": dict(fitted.metrics)}))
        return
    typer.echo(f"{trained.pinned.uri} learned from {fitted.learned:,} rows; on the {fitted.held_out:,} newest:")
    for name, value in fitted.metrics.items():
        typer.echo(f"  {name:<16} {value:.4f}")
