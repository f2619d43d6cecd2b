"""SQL over the tables without a JVM: delta-rs reads the log, DuckDB runs the query, and nothing can be changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from headrace.config import Storage
from headrace.errors import InfrastructureError, UsageError
from headrace.tables import Table, View

if TYPE_CHECKING:
    import duckdb

__all__ = ["open_tables"]


def open_tables(storage: Storage, tables: Iterable[Table], views: Iterable[View]) -> duckdb.DuckDBPyConnection:
    """A connection that knows every table that is there, and the views upon them, as of now.

    Times are plain TIMESTAMPs in UTC, which DuckDB takes apart without its extensions. Files and network are closed
    to the query: it sees these tables and nothing else.
    Raises UsageError where tables are three-level names (ask the platform's SQL), InfrastructureError where one
    cannot be read.
    """
    import duckdb

    if storage.root is None:
        raise UsageError("tables with three-level names are queried with the platform's own SQL")
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    there = [table for table in tables if _register(connection, storage.root, table)]
    if not there:
        raise UsageError(f"there is no table under {storage.root} yet: 'headrace run --once' makes them")
    for view in views:
        _create(connection, view)
    connection.execute("SET enable_external_access = false")
    return connection


def _register(connection: duckdb.DuckDBPyConnection, root: str, table: Table) -> bool:
    from deltalake import DeltaTable
    from deltalake.exceptions import TableNotFoundError

    try:
        dataset = DeltaTable(f"{root}/{table.name}").to_pyarrow_dataset()
    except TableNotFoundError:
        return False
    except Exception as error:
        raise InfrastructureError(f"table {table.name} under {root} cannot be read: {error}") from error
    connection.register(f"_{table.name}", dataset)
    times = [column.name for column in table.columns if column.type == "TIMESTAMP"]
    plain = ", ".join(f'CAST("{name}" AS TIMESTAMP) AS "{name}"' for name in times)
    replaced = f"REPLACE ({plain})" if plain else ""
    connection.execute(f"CREATE TEMP VIEW {table.name} AS SELECT * {replaced} FROM _{table.name}")
    return True


def _create(connection: duckdb.DuckDBPyConnection, view: View) -> None:
    import duckdb

    try:
        connection.execute(f"CREATE TEMP VIEW {view.name} AS {view.sql}")
    except duckdb.CatalogException as error:
        if "does not exist" not in str(error):
            raise
        # One of its tables is not there yet.
