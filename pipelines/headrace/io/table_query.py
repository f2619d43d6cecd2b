"""A small question to one table, in the SQL that Spark and DuckDB share.

Of a folder of this machine delta-rs reads the log and DuckDB the files: some ten milliseconds, where the first job of
a session costs seconds and each later one a good part of a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from headrace.errors import InfrastructureError
from headrace.io.lake import Lake
from headrace.io.reader import rows_of
from headrace.io.table_log import open_log_in_folder
from headrace.io.table_scan import scan_table
from headrace.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["query_table"]

# DuckDB opens every file, Spark only those whose ranges fit; above so many that is quicker.
_MOST_FILES = 2_000


def query_table(spark: SparkSession, lake: Lake, table: Table, sql: str, *values: object) -> list[dict[str, Any]]:
    """The rows of a query over the table as it is now.

    sql: names the table as ``{table}`` and the values, in their order, as ``?``. A time has to be cast to a text, which
    is in UTC: as values the two hand it out differently.
    """
    found = _query_in_folder(lake, table, sql, values)
    if found is not None:
        return found
    rows = spark.sql(_in_spark(sql, lake.sql_name(table.name), values)).collect()
    return [row.asDict(recursive=True) for row in rows]


def _query_in_folder(lake: Lake, table: Table, sql: str, values: Sequence[object]) -> list[dict[str, Any]] | None:
    """The same without Spark; None where it takes Spark."""
    import duckdb

    path = f"{lake.storage.root}/{table.name}"
    log = None if lake.storage.root is None else open_log_in_folder(path)
    if log is None or len(log.file_uris()) > _MOST_FILES:
        return None
    with closing(duckdb.connect()) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        try:
            scan = scan_table(connection, table.name, path, log)
            return rows_of(connection, sql.format(table=f"({scan.sql})"), values)
        except (InfrastructureError, duckdb.IOException):
            return None


def _in_spark(sql: str, name: str, values: Sequence[object]) -> str:
    """The query with its values in it: behind Delta's parser Spark binds no parameters."""
    first, *others = (part.format(table=name) for part in sql.split("?"))
    return first + "".join(f"{_literal(value)}{part}" for value, part in zip(values, others, strict=True))


def _literal(value: object) -> str:
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"
