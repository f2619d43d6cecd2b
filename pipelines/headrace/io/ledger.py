"""The ledger: what entered each batch, where it went, and digests of both.

Rows in are counted at the source, outcomes in what was committed: two readings that can differ, so that agreement
means something. A digest is ``rows:hash`` with the hash a sum of 64-bit row hashes: the same in any order and on any
number of machines, different after one row is deleted, changed or doubled.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, MapType

from headrace.io.lake import Lake, Writer, local_rows
from headrace.io.table_query import query_table
from headrace.tables import LEDGER, Table

__all__ = [
    "WHOLE",
    "Entry",
    "Slice",
    "Stopwatch",
    "Summary",
    "committed",
    "digest",
    "ended_at",
    "last_batches",
    "record",
    "record_end",
    "record_opening",
    "slices",
    "source_slice",
    "total",
]

Committed = dict[str, dict[str, tuple[int, str]]]

log = logging.getLogger("headrace.batch")

WHOLE = "*"


@dataclass(frozen=True, slots=True)
class Slice:
    """One part of a source: its positions in this batch, its rows, the digest of their payloads."""

    name: str
    first: int
    end: int
    rows: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of the ledger, by the names of its columns."""

    flow: str
    subject: str
    slice: str
    slice_from: int | None = None
    slice_to: int | None = None
    rows_in: int
    digest_in: str | None = None
    outcomes: Mapping[str, int]
    digests: Mapping[str, str] = field(default_factory=dict)
    high_water: datetime | None = None
    watermark: datetime | None = None
    engine_watermark: datetime | None = None
    batch_time: datetime
    durations: Mapping[str, int] = field(default_factory=dict)
    end_of_input: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One batch in a line, for people: logged as ``headrace.batch``, with itself as the record's ``summary``."""

    query: str
    batch_id: int
    rows: int
    outcomes: Mapping[str, int]
    durations: Mapping[str, int]
    high_water: datetime | None
    note: str

    @property
    def milliseconds(self) -> int:
        return sum(self.durations.values())

    def __str__(self) -> str:
        parts = ", ".join(f"{count:,} {name}" for name, count in self.outcomes.items() if count)
        told = f" ({self.note})" if self.note else ""
        took = f"{self.milliseconds:,} ms{told}"
        return f"{self.query} batch {self.batch_id}: {self.rows:,} in, {parts or 'none out'}, {took}"


def record(spark: SparkSession, lake: Lake, entries: Sequence[Entry], writer: Writer, note: str = "") -> None:
    """Write the entries of one batch, the last thing a batch does, and log its summary."""
    if not entries:
        return
    lake.append(_rows(spark, entries, writer), LEDGER, writer)
    summary = _summary(entries, writer, note)
    log.info("%s", summary, extra={"summary": summary})


def record_end(spark: SparkSession, lake: Lake, entry: Entry, writer: Writer) -> None:
    """Write that nothing comes after a batch: once, beside the batch's own entries."""
    lake.append(_rows(spark, [entry], writer), LEDGER, writer, output="end_of_input")


def record_opening(spark: SparkSession, lake: Lake, entries: Sequence[Entry], query_id: str) -> None:
    """Write what a query begins with, as its batch -1: once."""
    rows = _rows(spark, entries, Writer(query_id, -1))
    lake.append(rows, LEDGER, Writer(query_id, 0), output=f"{LEDGER.name}/opening")


def _rows(spark: SparkSession, entries: Sequence[Entry], writer: Writer) -> DataFrame:
    return local_rows(spark, LEDGER, [{**asdict(entry), **asdict(writer)} for entry in entries])


def _summary(entries: Sequence[Entry], writer: Writer, note: str) -> Summary:
    outcomes: Counter[str] = Counter()
    for entry in entries:
        outcomes.update(entry.outcomes)
    return Summary(
        query=f"{entries[0].flow}.{entries[0].subject}",
        batch_id=writer.batch_id,
        rows=sum(entry.rows_in for entry in entries),
        outcomes=dict(outcomes),
        durations=entries[0].durations,
        high_water=entries[0].high_water,
        note=note,
    )


def digest(rows: DataFrame, columns: Sequence[str]) -> Column:
    """The aggregate ``rows:hash`` over the named columns. A null leaves a hash as it is: a new column changes none."""
    return _digest(_row(rows, columns))


def total(digests: Column) -> Column:
    """The aggregate digest of all the rows that each of the digests is of: what it would be of them together."""
    parts = F.split(digests, ":")
    rows, hashes = F.sum(parts[0].cast("bigint")), F.sum(parts[1].cast("decimal(38,0)"))
    return F.concat_ws(":", rows.cast("string"), hashes.cast("string"))


def slices(envelopes: DataFrame) -> list[Slice]:
    """Count a source by slice: for a topic its partitions, for a folder its files. Reads the source by itself.

    In: ``source`` as in ``tables.SOURCE`` and ``value`` BINARY.
    """
    source = F.col("source")
    name = F.concat_ws("/", source["name"], source["partition"].cast("string"))
    flat = envelopes.select(name.alias("slice"), source["position"].alias("position"), "value")
    counted = flat.groupBy("slice").agg(
        F.min("position"), F.max("position"), F.count(F.lit(1)), digest(flat, ["position", "value"])
    )
    return [Slice(name, first, last + 1, rows, total) for name, first, last, rows, total in counted.collect()]


def committed(spark: SparkSession, lake: Lake, tables: Sequence[Table], writer: Writer, slice_of: Column) -> Committed:
    """What one batch committed, read back from its tables in one job: by table and slice its rows and digest."""
    rows = reduce(DataFrame.union, [_hashed(lake, spark, table, writer, slice_of) for table in tables])
    # Each is one file: a shuffle would cost more than a second task could save.
    counted = rows.coalesce(1).groupBy("table", "slice").agg(F.count(F.lit(1)), _digest(F.col("hash")))
    found: Committed = {table.name: {} for table in tables}
    for table_name, name, count, total in counted.collect():
        found[table_name][name] = (count, total)
    return found


def _hashed(lake: Lake, spark: SparkSession, table: Table, writer: Writer, slice_of: Column) -> DataFrame:
    rows = lake.batches(spark, table.name, writer.query_id, writer.batch_id, writer.batch_id)
    return rows.select(
        F.lit(table.name).alias("table"), slice_of.alias("slice"), _row(rows, rows.columns).alias("hash")
    )


def source_slice(source: str = "source") -> Column:
    """The slice a record came from, by its ``source`` column."""
    return F.concat_ws("/", F.col(f"{source}.name"), F.col(f"{source}.partition").cast("string"))


def last_batches(spark: SparkSession, lake: Lake, flows: Sequence[str], subject: str) -> dict[str, int]:
    """A cut of what the flows did for a subject: by query, its last batch in the ledger, so the last that is whole."""
    marks = ", ".join("?" for _ in flows)
    of_subject = f"""
        SELECT query_id, max(batch_id) AS last FROM {{table}} WHERE subject = ? AND flow IN ({marks}) GROUP BY query_id
    """
    return {row["query_id"]: row["last"] for row in query_table(spark, lake, LEDGER, of_subject, subject, *flows)}


def ended_at(spark: SparkSession, lake: Lake, query_id: str | None) -> int | None:
    """The high-water mark, in seconds, that the ends of input of a query left; none before the first."""
    if query_id is None:
        return None
    ends = "SELECT CAST(max(high_water) AS STRING) AS at FROM {table} WHERE query_id = ? AND end_of_input"
    (row,) = query_table(spark, lake, LEDGER, ends, query_id)
    return None if row["at"] is None else int(datetime.fromisoformat(row["at"]).replace(tzinfo=UTC).timestamp())


class Stopwatch:
    """Milliseconds of each step of a batch, for the ledger, which takes them down when it is written."""

    def __init__(self) -> None:
        self.laps: dict[str, int] = {}

    @contextmanager
    def lap(self, step: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.laps[step] = round((time.perf_counter() - began) * 1000)


def _row(rows: DataFrame, columns: Sequence[str]) -> Column:
    types = {column.name: column.dataType for column in rows.schema}
    return F.xxhash64(*[_hashable(F.col(name), types[name]) for name in columns])


def _digest(row: Column) -> Column:
    total = F.coalesce(F.sum(row.cast("decimal(20,0)")), F.lit(0).cast("decimal(20,0)"))
    return F.concat_ws(":", F.count(F.lit(1)).cast("string"), total.cast("string"))


def _hashable(column: Column, type_: DataType) -> Column:
    return F.array_sort(F.map_entries(column)) if isinstance(type_, MapType) else column
