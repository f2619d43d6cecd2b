"""``headrace ledger check``: the proof that nothing was lost, doubled or changed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import typer
from rich.table import Table

from headrace.cli.options import ConfDir, Env, Json, project
from headrace.cli.output import notes, results
from headrace.errors import CheckFailed, UsageError

__all__ = ["app", "check"]

app = typer.Typer(help="The book that balances every batch.", no_args_is_help=True, add_completion=False)


@app.callback()
def ledger() -> None:
    """The book that balances every batch."""


@app.command()
def check(conf_dir: ConfDir = Path("conf"), env: Env = "local", as_json: Json = False) -> None:
    """Read sources, tables and ledger again and compare. Exit 0: all agree; 1: something does not, and what."""
    from headrace.cli.session import session
    from headrace.flows.ledger_check import check as check_ledger
    from headrace.flows.queries import create_tables
    from headrace.io.lake import Lake
    from headrace.tables import LEDGER

    loaded = project(conf_dir, env)
    told = notes()
    spark, lake = session(loaded, conf_dir, told.print), Lake(loaded.settings.storage)
    if not lake.exists(spark, LEDGER.name):
        raise UsageError(f"there is no {lake.sql_name(LEDGER.name)} yet: 'headrace run --once' makes it")
    create_tables(spark, loaded)
    findings = []
    for finding in check_ledger(spark, loaded):
        findings.append(finding)
        told.print(f"{finding.check} {finding.subject}: {'differs' if finding.wrong else 'ok'}")
        for line in finding.unread:
            told.print(f"  cannot be told: {line}", markup=False)
    wrong = [line for finding in findings for line in finding.wrong]
    if as_json:
        typer.echo(json.dumps({"balanced": not wrong, "findings": [dataclasses.asdict(one) for one in findings]}))
    else:
        table = Table("check", "of", "looked at", "result", box=None, pad_edge=False)
        for one in findings:
            result = f"{len(one.wrong)} differ" if one.wrong else "ok"
            untold = f", {len(one.unread)} cannot be told" if one.unread else ""
            table.add_row(one.check, one.subject, f"{one.looked_at:,}", result + untold)
        results().print(table)
    if wrong:
        raise CheckFailed("The ledger does not balance:\n" + "\n".join(wrong))
    if not as_json:
        typer.echo("The ledger balances.")
