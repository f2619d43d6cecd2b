"""``headrace validate``: is everything under ``conf/`` right, and what does it declare? No JVM."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from headrace.cli.options import ConfDir, Env, Json, project
from headrace.cli.output import in_one_line, results
from headrace.config import DeltaSource, KafkaSource, Source, duration_text
from headrace.errors import ConfigError
from headrace.features.window import Window
from headrace.flows.project import Project

__all__ = ["validate"]


def validate(conf_dir: ConfDir = Path("conf"), env: Env = "local", as_json: Json = False) -> None:
    """Check the configuration and say what it declares, and what in its contracts no record is judged by.

    Exit 0: it is right. Exit 2: it is not, and each mistake is one line, with its file and key.
    """
    try:
        loaded = project(conf_dir, env)
    except ConfigError as error:
        if not as_json:
            raise
        typer.echo(json.dumps({"valid": False, "environment": env, "mistakes": error.mistakes}))
        raise typer.Exit(error.exit_code) from error
    if as_json:
        notes = [asdict(note) for note in loaded.notes]
        typer.echo(json.dumps({"valid": True, "mistakes": [], "notes": notes, **_declared(loaded)}))
        return
    for table in _tables(loaded):
        if table.row_count:
            results().print(table, "")
    for note in loaded.notes:
        typer.echo(in_one_line(str(note)))
    typer.echo(f"Project {loaded.settings.project}, environment {env}: the configuration is right.")


def _declared(loaded: Project) -> dict[str, Any]:
    return {
        "project": loaded.settings.project,
        "environment": loaded.environment,
        "signals": {
            name: {"contract": contract.id, "version": contract.version, "fingerprint": contract.fingerprint}
            for name, contract in loaded.contracts.items()
        },
        "feature_sets": {
            name: {"signal": one.signal, "features": list(one.columns), "fingerprint": one.fingerprint}
            for name, one in loaded.feature_sets.items()
        },
        "models": {
            name: {"signal": one.signal, "inputs": list(one.inputs.columns)} for name, one in loaded.models.items()
        },
    }


def _tables(loaded: Project) -> Iterator[Table]:
    signals = _table("signal", "source", "contract", "fields", "rules")
    for name, contract in loaded.contracts.items():
        source = _said(loaded.settings.signals[name].source)
        counts = (str(len(contract.fields)), str(len(contract.rules) + len(contract.aggregates)))
        signals.add_row(name, source, f"{contract.id} {contract.version}", *counts)
    yield signals
    sets = _table("feature set", "of", "by", "window", "features")
    for one in loaded.feature_sets.values():
        sets.add_row(one.name, one.signal, ", ".join(one.entity), _windows(one.window), str(len(one.columns)))
    yield sets
    models = _table("model", "of", "registered as", "inputs")
    for model in loaded.models.values():
        models.add_row(
            model.name, model.signal, f"{model.registered_model}@{model.alias}", str(len(model.inputs.columns))
        )
    yield models


def _windows(window: Window) -> str:
    if window.gap:
        return f"sessions, {duration_text(window.gap)} apart"
    return f"{', '.join(map(duration_text, window.length))} every {duration_text(window.step)}"


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in titles:
        table.add_column(title, justify="right" if title in ("fields", "rules", "features", "inputs") else "left")
    return table


def _said(source: Source) -> str:
    if isinstance(source, DeltaSource):
        return "table"
    return f"topic {source.topic}" if isinstance(source, KafkaSource) else "files"
