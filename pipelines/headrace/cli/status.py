"""``headrace status``: where every query stands, and of how many files each table is. Reads tables only; no JVM."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from headrace.cli.options import ConfDir, Env, Json, project
from headrace.cli.output import results

if TYPE_CHECKING:
    from headrace.flows.holdings import Holding
    from headrace.flows.status import Standing

__all__ = ["status"]


def status(conf_dir: ConfDir = Path("conf"), env: Env = "local", as_json: Json = False) -> None:
    """Where every query stands: rows, where they went, event time reached, what waits. Of how many files tables are."""
    from headrace.flows.holdings import holdings
    from headrace.flows.status import status as standings

    loaded = project(conf_dir, env)
    found, held = standings(loaded), holdings(loaded)
    if as_json:
        told = {
            "queries": [dataclasses.asdict(one) for one in found],
            "tables": [dataclasses.asdict(one) for one in held],
        }
        typer.echo(json.dumps(told, default=lambda value: f"{value.isoformat()}Z"))
        return
    results().print(_of_queries(found))
    for one in found:
        if one.lacking:
            results().print(f"{one.query} waits: {one.lacking}.")
    results().print()
    results().print(_of_tables(held))


def _of_queries(found: Sequence[Standing]) -> Table:
    table = Table(box=None, pad_edge=False)
    titles = ["query", "batches", "rows in", "event time", "waiting", "windows", "driver", "where they went"]
    viewed = any(one.online for one in found)
    for title in [*titles, *(["online view"] if viewed else [])]:
        table.add_column(title, justify="right" if title in ("batches", "rows in", "waiting") else "left")
    for one in found:
        state = "paused" if one.paused else "ended" if one.ended else "waits for a version" if one.lacking else ""
        open_windows = {None: "", 0: "all final"}.get(one.provisional, f"{one.provisional} ends provisional")
        table.add_row(
            one.query,
            str(one.batches),
            f"{one.rows_in:,}",
            f"{one.high_water:%Y-%m-%d %H:%M}" if one.high_water else "",
            one.pending or "?",
            state if one.provisional is None else open_windows,
            _driver(one),
            ", ".join(f"{count:,} {name}" for name, count in one.outcomes.items()),
            *([one.online or ""] if viewed else []),
        )
    return table


def _driver(one: Standing) -> str:
    looked_at = f"{one.looked_at:%Y-%m-%d %H:%M:%S}" if one.looked_at else ""
    match one.driver_alive:
        case True:
            return f"alive, looked {looked_at}"
        case False:
            return f"none since {looked_at}" if looked_at else "none yet"
        case _:
            return f"unknown, looked {looked_at}" if looked_at else "unknown"


def _of_tables(held: Sequence[Holding]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("table", "files", "small", "MB", ""):
        table.add_column(title, justify="right" if title in ("files", "small", "MB") else "left")
    for one in held:
        said = "over budget: 'headrace maintain' merges them" if one.over_budget else ""
        table.add_row(one.table, f"{one.files:,}", f"{one.small:,}", f"{one.bytes / 2**20:,.1f}", said)
    return table
