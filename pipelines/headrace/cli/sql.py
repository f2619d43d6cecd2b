"""``headrace sql``: a query over the tables and views. Reads only; no JVM."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from headrace.cli.options import ConfDir, Env, Json, project
from headrace.cli.output import as_json as json_of
from headrace.cli.output import cell, results
from headrace.errors import UsageError

if TYPE_CHECKING:
    import duckdb

    from headrace.flows.project import Project

__all__ = ["sql"]

# PIVOT makes types of its own on the way.
_READING = {"SELECT", "EXPLAIN", "PRAGMA", "MULTI", "CREATE"}
_WRITING = re.compile(r"\b(copy|export)\b", re.IGNORECASE)


def sql(
    query: Annotated[str | None, typer.Argument(help="DuckDB SQL; left out, the tables and views are listed.")] = None,
    conf_dir: ConfDir = Path("conf"),
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Query the tables and views. Times are in UTC."""
    import duckdb

    from headrace.flows.catalog import tables, views
    from headrace.io.reader import open_tables

    loaded = project(conf_dir, env)
    with open_tables(loaded.settings.storage, tables(loaded), views(loaded)) as connection:
        try:
            _refuse_writing(connection, query or "")
            answer = connection.execute(query or _listing(loaded))
            names, rows = [column[0] for column in answer.description or []], answer.fetchall()
        except duckdb.Error as error:
            raise UsageError(f"the query cannot run: {error}") from error
    if as_json:
        typer.echo(json_of([dict(zip(names, row, strict=True)) for row in rows]))
        return
    table = Table(*names, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*[_cell(value) for value in row])
    results().print(table)


def _refuse_writing(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Raises UsageError for what could write a file: the tables' own are open to the connection."""
    for statement in connection.extract_statements(query):
        kind = statement.type.name
        if kind != "SELECT" and (kind not in _READING or _WRITING.search(statement.query)):
            raise UsageError(f"the query cannot run: headrace sql only reads, and {kind} does not")


def _listing(loaded: Project) -> str:
    from headrace.flows.catalog import tables, views

    described = [(one.name, one.grain) for one in tables(loaded)] + [(one.name, one.grain) for one in views(loaded)]
    values = ", ".join("('{}', '{}')".format(name, grain.replace("'", "''")) for name, grain in described)
    return f'SELECT name, grain AS "one row is" FROM (VALUES {values}) AS listed(name, grain)'


def _cell(value: object) -> str:
    return cell(f"{value:.6g}" if isinstance(value, float) else value)
