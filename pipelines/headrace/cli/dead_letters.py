"""``headrace dead-letters``: what was rejected, why, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from headrace.cli.dead_letter_actions import Reason, Since, Until, Version, codes, discard, park, replay
from headrace.cli.options import ConfDir, Env, Json, known, project, utc
from headrace.cli.output import as_json as json_of
from headrace.cli.output import cell, results
from headrace.errors import UsageError

if TYPE_CHECKING:
    from headrace.flows.project import Project

__all__ = ["app"]

app = typer.Typer(help="Rejected records: look, replay, park, discard.", no_args_is_help=True, add_completion=False)

_STATES = ("open", "parked", "resolved", "discarded")


@app.callback()
def dead_letters() -> None:
    """Rejected records: look, replay, park, discard."""


@app.command("ls")
def list_(
    signal: Annotated[str | None, typer.Option("--signal", help="Signal it was sent as.")] = None,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    contract_version: Version = None,
    state: Annotated[str, typer.Option("--state", help="open, parked, resolved, discarded or all.")] = "open",
    conf_dir: ConfDir = Path("conf"),
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Count dead letters by signal, reason and contract version, with the oldest, the newest and one to look at."""
    loaded, conditions, values = project(conf_dir, env), ["true"], list[Any]()
    known("state", (state,), (*_STATES, "all"))
    known("signal", (signal,) if signal else (), tuple(loaded.contracts))
    known("reason", reason or (), codes() if reason else ())
    first, end = utc(since), utc(until)
    for condition, value in (
        ("signal = ?", signal),
        ("rejected_at >= ?", first and first.replace(tzinfo=None)),
        ("rejected_at < ?", end and end.replace(tzinfo=None)),
        ("contract_version = ?", contract_version),
        ("state = ?", None if state == "all" else state),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    if reason:
        conditions.append("list_has_any(list_transform(reasons, lambda each: each.code), ?)")
        values.append(reason)
    answer = _ask(
        loaded,
        "SELECT signal, stage, reasons[1].code AS reason, reasons[1].field AS field, contract_version, state, "
        "count(*) AS letters, min(rejected_at) AS oldest, max(rejected_at) AS newest, min(record_id) AS example "
        f"FROM dead_letters_by_state WHERE {' AND '.join(conditions)} GROUP BY ALL "
        "ORDER BY letters DESC, signal, stage, reason, field, contract_version, state",
        values,
    )
    if as_json:
        typer.echo(json_of(answer))
        return
    table = Table(box=None, pad_edge=False)
    titles = ("signal", "reason", "field", "contract_version", "state", "letters", "newest", "example")
    for title in titles:
        table.add_column(title.replace("_", " "), justify="right" if title == "letters" else "left")
    for row in answer:
        table.add_row(*[cell(f"{row[title]:,}" if title == "letters" else row[title]) for title in titles])
    results().print(table)
    typer.echo(f"{sum(row['letters'] for row in answer):,} dead letters, by the first reason of each.")


@app.command()
def show(
    record: Annotated[str, typer.Argument(help="record_id of the dead letter.")],
    conf_dir: ConfDir = Path("conf"),
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Show one dead letter whole: payload, all reasons, where it came from, what was done with it."""
    loaded = project(conf_dir, env)
    found = _ask(loaded, "SELECT * FROM dead_letters_by_state WHERE record_id = ?", [record])
    if not found:
        raise UsageError(f"there is no dead letter {record!r}: 'headrace dead-letters ls' shows some of each kind")
    actions = _ask(
        loaded, "SELECT * FROM dead_letter_actions WHERE record_id = ? ORDER BY acted_at, batch_id", [record]
    )
    if as_json:
        typer.echo(json_of({"letters": found, "actions": actions}))
        return
    for letter in found:
        done = [each for each in actions if each["stage"] == letter["stage"]]
        results().print(_whole(letter, done))


def _whole(letter: dict[str, Any], actions: list[dict[str, Any]]) -> Table:
    """All columns of a letter, a line each; then its reasons, and what was done with it."""
    table = Table.grid(padding=(0, 2))
    for name, value in letter.items():
        if name != "reasons":
            table.add_row(name, cell(value))
    for each in letter["reasons"]:
        table.add_row("reason", cell(_reason(each)))
    for each in actions:
        told = f"{each['action']} {each['attempt']}: {each['outcome']} at {each['acted_at']} {each['note'] or ''}"
        table.add_row("action", cell(told))
        if each["patch"]:
            table.add_row("", cell(f"patch: {cell(each['patch'])}"))
        for reason in each["reasons"] or ():
            table.add_row("", cell(_reason(reason)))
    return table


def _reason(reason: dict[str, Any]) -> str:
    return f"{reason['code']} {reason['field'] or ''}: {reason['message']} ({reason['rule']})"


def _ask(loaded: Project, sql: str, values: list[Any]) -> list[dict[str, Any]]:
    from headrace.flows.catalog import tables, views
    from headrace.io.reader import open_tables, rows_of

    with open_tables(loaded.settings.storage, tables(loaded), views(loaded)) as connection:
        return rows_of(connection, sql, values)


for _acting in (replay, park, discard):
    app.command()(_acting)
