"""``headrace quality``: a contract as expectations people know, and a sample of its signal judged by them. No JVM."""

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
    from headrace.contracts.expectations import Expectation
    from headrace.flows.quality import Finding

__all__ = ["app", "check", "show"]

app = typer.Typer(help="Contracts as Great Expectations.", no_args_is_help=True, add_completion=False)

Signal = Annotated[str, typer.Argument(help="Signal whose contract it is.", show_default=False)]


@app.callback()
def quality() -> None:
    """Contracts as Great Expectations."""


@app.command()
def show(signal: Signal, conf_dir: ConfDir = Path("conf"), env: Env = "local", as_json: Json = False) -> None:
    """Say what the signal's contract is as expectations, and what of it no expectation can say. Reads no data."""
    from headrace.contracts.expectations import suite

    loaded = project(conf_dir, env)
    translated = suite(loaded.contract(signal))
    if as_json:
        expectations = [each.configuration for each in translated.expectations]
        untranslated = [asdict(each) for each in translated.untranslated]
        typer.echo(json.dumps({"expectations": expectations, "untranslated": untranslated}, default=str))
        return
    table = _table("expectation", "column", "arguments", "severity", "rule")
    for each in translated.expectations:
        _row(table, each.type, each.column or "", _arguments(each), each.severity, each.rule)
    results().print(table)
    for left in translated.untranslated:
        typer.echo(f"Not translated: {left.rule}, which {left.why}.")


@app.command()
def check(
    signal: Signal,
    rows: Annotated[int, typer.Option("--rows", min=1, max=1_000_000, help="Rows to look at, at most.")] = 10_000,
    conf_dir: ConfDir = Path("conf"),
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Judge a sample of the signal's accepted records, and add a page of it to the Data Docs beside the tables.

    Exit 0: no expectation of severity error is broken. Exit 1: one is, or could not be judged.
    """
    from headrace.flows.quality_check import check as check_quality

    loaded = project(conf_dir, env)
    loaded.contract(signal)
    notes().print("Great Expectations takes some seconds to load.")
    found = check_quality(loaded, signal, rows)
    if as_json:
        answer = {"rows": found.rows, "page": None if found.page is None else str(found.page)}
        typer.echo(json.dumps({**answer, "findings": [_plain(each) for each in found.findings]}, default=str))
    else:
        table = _table("expectation", "column", "severity", "result", "looked at", "unexpected", "rule")
        for each in found.findings:
            _row(table, *_cells(each))
        results().print(table)
        typer.echo(f"{found.rows:,} rows of signals_{signal}.")
        if found.page is not None:
            typer.echo(f"Page: {found.page.as_uri()}")
    broken = dict.fromkeys(each.expectation.rule for each in found.findings if each.fails)
    if broken:
        raise CheckFailed(f"Accepted records of {signal} break what its contract says: {', '.join(broken)}")


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in titles:
        table.add_column(title, justify="right" if title in ("looked at", "unexpected") else "left")
    return table


def _row(table: Table, *cells: str) -> None:
    """As plain text: a pattern's [...] is no markup."""
    table.add_row(*[in_one_line(cell) for cell in cells])


def _arguments(expectation: Expectation) -> str:
    return json.dumps(dict(expectation.arguments), default=str) if expectation.arguments else ""


def _cells(finding: Finding) -> tuple[str, ...]:
    expectation, outcome = finding.expectation, finding.outcome
    result = outcome.error or ("holds" if outcome.success else "broken")
    looked_at = "" if outcome.rows is None else f"{outcome.rows:,}"
    unexpected = "" if outcome.unexpected is None else f"{outcome.unexpected:,} ({outcome.share:.2%})"
    return (
        expectation.type,
        expectation.column or "",
        expectation.severity,
        result,
        looked_at,
        unexpected,
        expectation.rule,
    )


def _plain(finding: Finding) -> dict[str, Any]:
    outcome = finding.outcome
    return {
        **finding.expectation.configuration,
        "success": outcome.success,
        "rows": outcome.rows,
        "unexpected": outcome.unexpected,
        "share": outcome.share,
        "error": outcome.error,
    }
