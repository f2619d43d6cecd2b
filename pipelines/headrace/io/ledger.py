"""The ledger: what entered each batch, where it went, and digests of both.

Rows in are counted at the source, outcomes in what was committed: two readings that can differ, so that agreement
means something. A digest is ``rows:hash`` with the hash a sum of 64-bit row hashes: the same in any order and on any
number of machines, different after one row is deleted, changed or doubled.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import reduce
from types import MappingProxyType
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, MapType

from headrace.io.lake import Lake, Writer
from headrace.io.table_query import query_table
from headrace.tables import LEDGER, Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "WHOLE",
    "Entry",
    "Slice",
    "Stopwatch",
    "Summary",
    "by_table",
    "committed",
    "count_committed",
    "digest",
    "ended_at",
    "last_batches",
    "record",
    "record_end",
    "record_opening",
    "slice_parts",
    "slices",
    "slices_of",
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
    readable_at: datetime | None = None
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
    lake.append_rows(spark, _rows(entries, writer), LEDGER, writer)
    summary = _summary(entries, writer, note)
    log.info("%s", summary, extra={"summary": summary})


def record_end(spark: SparkSession, lake: Lake, entry: Entry, writer: Writer) -> None:
    """Write that nothing comes after a batch: once, beside the batch's own entries."""
    lake.append_rows(spark, _rows([entry], writer), LEDGER, writer, output="end_of_input")


def record_opening(spark: SparkSession, lake: Lake, entries: Sequence[Entry], query_id: str) -> None:
    """Write what a query begins with, as its batch -1: once."""
    rows = _rows(entries, Writer(query_id, -1))
    lake.append_rows(spark, rows, LEDGER, Writer(query_id, 0), output=f"{LEDGER.name}/opening")


def _rows(entries: Sequence[Entry], writer: Writer) -> list[dict[str, object]]:
    return [{**asdict(entry), **asdict(writer)} for entry in entries]


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
    counted = envelopes.groupBy(source_slice().alias("slice")).agg(*slice_parts())
    return slices_of(counted.toPandas())


def slice_parts(envelope: str = "") -> list[Column]:
    """What of a group of envelopes its slice is made of. envelope: what the columns' names begin with."""
    position = F.col(f"{envelope}source.position")
    payload = F.xxhash64(position, F.col(f"{envelope}value")).cast("decimal(20,0)")
    return [
        F.min(position).alias("first"),
        F.max(position).alias("last"),
        F.count(F.lit(1)).alias("rows"),
        F.sum(payload).alias("hash"),
    ]


def slices_of(groups: pd.DataFrame) -> list[Slice]:
    """The slices that groups of their envelopes make up, each of one ``slice`` and with its ``slice_parts``."""
    return [
        Slice(
            str(name),
            int(parts["first"].min()),
            int(parts["last"].max()) + 1,
            rows := int(parts["rows"].sum()),
            f"{rows}:{sum(map(int, parts['hash']))}",
        )
        for name, parts in groups.groupby("slice", sort=False)
    ]


def committed(
    spark: SparkSession,
    lake: Lake,
    tables: Sequence[Table],
    writer: Writer,
    slice_of: Column,
    after: Mapping[str, int] = MappingProxyType({}),
) -> Committed:
    """What one batch committed, read back from its tables in one job: by table and slice its rows and digest.

    after: by table, a version behind which it committed, where there is one to know.
    """
    counted = count_committed(spark, lake, tables, writer, slice_of, after)
    return by_table(tables, counted.collect() if counted is not None else [])


def by_table(tables: Sequence[Table], counted: Iterable[Row]) -> Committed:
    """What ``count_committed`` counted, by table and slice."""
    found: Committed = {table.name: {} for table in tables}
    for row in counted:
        found[row["table"]][row["slice"]] = (row["rows"], row["digest"])
    return found


def count_committed(
    spark: SparkSession,
    lake: Lake,
    tables: Sequence[Table],
    writer: Writer,
    slice_of: Column,
    after: Mapping[str, int] = MappingProxyType({}),
) -> DataFrame | None:
    """As ``committed``, still to be collected: table, slice, rows, digest. None where nothing was committed."""
    written = {table.name: lake.committed(spark, table.name, writer, after.get(table.name)) for table in tables}
    parts = [_hashed(rows, name, slice_of) for name, rows in written.items() if rows is not None]
    if not parts:
        return None
    # Each is one file: a shuffle would cost more than a second task could save.
    rows = reduce(DataFrame.union, parts).coalesce(1)
    totals = F.count(F.lit(1)).alias("rows"), _digest(F.col("hash")).alias("digest")
    return rows.groupBy("table", "slice").agg(*totals)


def _hashed(rows: DataFrame, table: str, slice_of: Column) -> DataFrame:
    return rows.select(F.lit(table).alias("table"), slice_of.alias("slice"), _row(rows, rows.columns).alias("hash"))


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
