"""SQL over the tables without a JVM: delta-rs reads the log, DuckDB runs the query, and nothing can be changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from headrace.config import Storage
from headrace.errors import UsageError
from headrace.io.table_log import open_log
from headrace.io.table_scan import TableScan, scan_table
from headrace.tables import Table, View

if TYPE_CHECKING:
    import duckdb

__all__ = ["open_tables", "rows_of"]


@contextmanager
def open_tables(
    storage: Storage, tables: Iterable[Table], views: Iterable[View]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that knows every table that is there, and the views upon them, as of now; closed at the end.

    Times are plain TIMESTAMPs in UTC, which DuckDB takes apart without its extensions. The query can open no file but
    those of these tables, and nothing of the network.
    Raises UsageError where tables are three-level names (ask the platform's SQL), InfrastructureError where one
    cannot be read.
    """
    import duckdb

    if storage.root is None:
        raise UsageError("tables with three-level names are queried with the platform's own SQL")
    with closing(duckdb.connect()) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET python_enable_replacements = false")
        scans = dict(_scans(connection, storage.root, tables))
        if not scans:
            raise UsageError(f"there is no table under {storage.root} yet: 'headrace run --once' makes them")
        for name, scan in scans.items():
            connection.execute(f"CREATE TEMP VIEW {name} AS {scan.sql}")
        for view in views:
            _create_view(connection, view)
        connection.execute("SET allowed_paths = ?", [[file for scan in scans.values() for file in scan.files]])
        connection.execute("SET enable_external_access = false")
        yield connection


def rows_of(connection: duckdb.DuckDBPyConnection, sql: str, values: Sequence[object] = ()) -> list[dict[str, Any]]:
    """The rows a query gives, each by the names of its columns."""
    answer = connection.execute(sql, list(values))
    names = [column[0] for column in answer.description or []]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def _scans(
    connection: duckdb.DuckDBPyConnection, root: str, tables: Iterable[Table]
) -> Iterator[tuple[str, TableScan]]:
    for table in tables:
        path = f"{root}/{table.name}"
        log = open_log(path)
        if log is not None:
            yield table.name, scan_table(connection, table.name, path, log)


def _create_view(connection: duckdb.DuckDBPyConnection, view: View) -> None:
    import duckdb

    try:
        connection.execute(f"CREATE TEMP VIEW {view.name} AS {view.sql}")
    except duckdb.CatalogException as error:
        if "does not exist" not in str(error):
            raise
        # One of its tables is not there yet.
