"""Upkeep of one Delta table: merge its small files, take rows out, remove files that are no longer part of it.

None of it is a batch: such commits carry no writer, so whoever asks for a table's batches is not told of them, and its
streams pass over them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.io.lake import Lake

__all__ = ["Change", "changes", "merge_files", "remove_files", "take_out"]

# Commits after which every file that was part of the table still is.
_ADDING = ("WRITE", "STREAMING UPDATE", "CREATE TABLE", "ADD COLUMNS", "SET TBLPROPERTIES", "CHANGE COLUMN")
_VACUUM = ("VACUUM START", "VACUUM END")


@dataclass(frozen=True, slots=True)
class Change:
    """A commit that only upkeep makes: its version, when it was made, and Delta's name for it."""

    version: int
    at: datetime
    operation: str

    @property
    def replaces(self) -> bool:
        """Whether files that were part of the table may no longer be."""
        return self.operation not in _VACUUM


def changes(spark: SparkSession, lake: Lake, table: str) -> list[Change]:
    """Every commit that is not an append or a change of columns, oldest first."""
    history = spark.sql(f"DESCRIBE HISTORY {lake.sql_name(table)}")
    mode = F.coalesce(F.col("operationParameters")["mode"], F.lit("Append"))
    appends = F.col("operation").isin(*_ADDING) & (mode == "Append")
    found = history.where(~appends).select("version", F.unix_micros("timestamp").alias("at"), "operation")
    return [Change(version, _instant(at), operation) for version, at, operation in sorted(found.collect())]


def merge_files(spark: SparkSession, lake: Lake, table: str, *, small: int) -> tuple[int, int]:
    """Merge files below ``small`` bytes, within each partition; how many were replaced, and by how many.

    Delta's OPTIMIZE: no row is changed, and no reader is brought a row. A file of that size is left alone from then
    on, so a row is rewritten a few times at most, however often this is done.
    """
    sizes = {"minFileSize": small, "maxFileSize": 8 * small}
    with lake.turn(table), _optimizing(spark, sizes):
        row = spark.sql(f"OPTIMIZE {lake.sql_name(table)}").select("metrics.*").first()
    assert row is not None, "OPTIMIZE tells what it did"
    return row["numFilesRemoved"], row["numFilesAdded"]


def take_out(spark: SparkSession, lake: Lake, table: str, rows: DataFrame, key: Sequence[str]) -> None:
    """Delete the rows that have the key of one of ``rows``, in one commit. The key holds query_id and batch_id."""
    named = rows.select(*key).distinct()
    last = rows.agg(F.collect_set("query_id").alias("queries"), F.max("batch_id").alias("batch")).first()
    if last is None or last["batch"] is None:
        return
    # Said in literals, so that files of other queries and later batches are not opened.
    queries = ", ".join(f"'{query}'" for query in sorted(last["queries"]))
    near = f"t.query_id IN ({queries}) AND t.batch_id <= {last['batch']}"
    same = " AND ".join(f"t.`{name}` <=> gone.`{name}`" for name in key)
    with lake.turn(table):
        spark.sql(
            f"MERGE INTO {lake.sql_name(table)} AS t USING {{gone}} AS gone ON {near} AND {same} "
            "WHEN MATCHED THEN DELETE",
            gone=named,
        )


def remove_files(spark: SparkSession, lake: Lake, table: str, *, older: timedelta) -> None:
    """Remove files that have not been part of the table for so long. Delta refuses less than a week."""
    hours = int(older.total_seconds()) // 3_600
    with lake.turn(table):
        spark.sql(f"VACUUM {lake.sql_name(table)} RETAIN {hours} HOURS").collect()


@contextmanager
def _optimizing(spark: SparkSession, sizes: Mapping[str, int]) -> Iterator[None]:
    names = {f"spark.databricks.delta.optimize.{name}": str(size) for name, size in sizes.items()}
    before = {name: spark.conf.get(name, None) for name in names}
    for name, value in names.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, was in before.items():
            if was is None:
                spark.conf.unset(name)
            else:
                spark.conf.set(name, was)


def _instant(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1_000_000, tz=UTC)
