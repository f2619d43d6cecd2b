"""What every batch function shares: who writes, when, and which batches of the table before it are its input."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import overload

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.errors import InfrastructureError
from headrace.io.checkpoint import Checkpoint
from headrace.io.lake import Lake, Writer
from headrace.io.offsets import Offsets, last_version

__all__ = ["Batch", "Upstream", "instant", "opened", "seconds", "stamped", "upstream"]


@dataclass(frozen=True, slots=True)
class Batch:
    """One attempt at one micro-batch: its session, its writer, and what Spark's log says of it."""

    spark: SparkSession
    writer: Writer
    offsets: Offsets
    before: Offsets | None


@dataclass(frozen=True, slots=True)
class Upstream:
    """One batch of the table a query reads: who wrote it, and how many rows its commit says it has."""

    writer: Writer
    rows: int

    @property
    def slice(self) -> str:
        return f"{self.writer.query_id}/{self.writer.batch_id}"


def opened(frame: DataFrame, batch_id: int, checkpoint: Checkpoint) -> Batch:
    """The batch as Spark's own log has it."""
    spark = frame.sparkSession
    query_id, offsets = checkpoint.query_id(spark), checkpoint.offsets(spark, batch_id)
    if query_id is None or offsets is None:
        raise InfrastructureError(
            f"checkpoint {checkpoint.path} has no record of batch {batch_id}: it was altered while the query ran"
        )
    return Batch(spark, Writer(query_id, batch_id), offsets, checkpoint.offsets(spark, batch_id - 1))


def stamped(rows: DataFrame, writer: Writer) -> DataFrame:
    """The rows with who writes them, ``query_id`` and ``batch_id``, in place of who wrote what they came from."""
    return rows.withColumns({"query_id": F.lit(writer.query_id), "batch_id": F.lit(writer.batch_id).cast("bigint")})


def upstream(batch: Batch, lake: Lake, table: str, begin: int = 0) -> list[Upstream]:
    """The upstream batches this batch consists of, from the versions Spark's log says it read, oldest first.

    begin: the version the query's first batch begins with.
    """
    first = last_version(batch.before.source) + 1 if batch.before else begin
    commits = lake.commits(batch.spark, table, first, last_version(batch.offsets.source))
    return [Upstream(writer, rows) for _, writer, rows in commits]


@overload
def instant(value: int) -> datetime: ...
@overload
def instant(value: int | None) -> datetime | None: ...
def instant(value: int | None) -> datetime | None:
    """Seconds since 1970 as a time in UTC."""
    return None if value is None else datetime.fromtimestamp(value, tz=UTC)


def seconds(value: datetime) -> int:
    return int(value.timestamp())
