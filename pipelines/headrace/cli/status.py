"""``headrace status``: where every query stands. Reads tables only; no JVM."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import typer
from rich.table import Table

from headrace.cli.options import ConfDir, Env, Json, project
from headrace.cli.output import results

__all__ = ["status"]


def status(conf_dir: ConfDir = Path("conf"), env: Env = "local", as_json: Json = False) -> None:
    """Where every query stands: batches, rows and where they went, event time reached, what waits, what is open."""
    from headrace.flows.status import status as standings

    found = standings(project(conf_dir, env))
    if as_json:
        typer.echo(
            json.dumps([dataclasses.asdict(one) for one in found], default=lambda value: f"{value.isoformat()}Z")
        )
        return
    table = Table(box=None, pad_edge=False)
    titles = ["query", "batches", "rows in", "event time", "waiting", "windows", "where they went"]
    viewed = any(one.online for one in found)
    for title in [*titles, *(["online view"] if viewed else [])]:
        table.add_column(title, justify="right" if title in ("batches", "rows in", "waiting") else "left")
    for one in found:
        state = "paused" if one.paused else "ended" if one.ended else ""
        open_windows = {None: "", 0: "all final"}.get(one.provisional, f"{one.provisional} ends provisional")
        table.add_row(
            one.query,
            str(one.batches),
            f"{one.rows_in:,}",
            f"{one.high_water:%Y-%m-%d %H:%M}" if one.high_water else "",
            one.pending or "?",
            state if one.provisional is None else open_windows,
            ", ".join(f"{count:,} {name}" for name, count in one.outcomes.items()),
            *([one.online or ""] if viewed else []),
        )
    results().print(table)
