"""What every batch function shares: who writes, when, and which batches of the table before it are its input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import overload

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.errors import InfrastructureError
from headrace.io.checkpoint import Checkpoint
from headrace.io.jvm_lease import is_held_alone
from headrace.io.lake import Lake, Writer
from headrace.io.offsets import Offsets, last_version
from headrace.io.wall import now
from headrace.tables import Table

__all__ = ["Batch", "Upstream", "instant", "opened", "readable_at", "rows_of", "seconds", "stamped", "upstream"]


_FEW_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Batch:
    """One attempt at one micro-batch: its session, its writer, and what Spark's log says of it.

    alone: whether no other driver can be writing this batch.
    """

    spark: SparkSession
    writer: Writer
    offsets: Offsets
    before: Offsets | None
    alone: bool

    def versions(self, lake: Lake, tables: Iterable[Table]) -> dict[str, int]:
        """For the plan of the batch: behind which version of each table it commits, where its first attempt is made.

        None where another driver might write the same batch: transaction ids keep those apart.
        """
        return lake.versions(tables) if self.alone else {}


@dataclass(frozen=True, slots=True)
class Upstream:
    """One batch of the table a query reads: who wrote it, and how many rows its commit says it has.

    files: those it is in, where that is known.
    """

    writer: Writer
    rows: int
    files: tuple[Path, ...] | None = None

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
    before = checkpoint.offsets(spark, batch_id - 1)
    return Batch(spark, Writer(query_id, batch_id), offsets, before, alone=is_held_alone(checkpoint.path))


def stamped(rows: DataFrame, writer: Writer) -> DataFrame:
    """The rows with who writes them, ``query_id`` and ``batch_id``, in place of who wrote what they came from."""
    return rows.withColumns({"query_id": F.lit(writer.query_id), "batch_id": F.lit(writer.batch_id).cast("bigint")})


def upstream(batch: Batch, lake: Lake, table: str, begin: int = 0) -> list[Upstream]:
    """The upstream batches this batch consists of, from the versions Spark's log says it read, oldest first.

    begin: the version the query's first batch begins with.
    """
    first = last_version(batch.before.source) + 1 if batch.before else begin
    commits = lake.commits(batch.spark, table, first, last_version(batch.offsets.source))
    return [Upstream(commit.writer, commit.rows, commit.files) for commit in commits]


def rows_of(spark: SparkSession, lake: Lake, table: str, read: Sequence[Upstream]) -> DataFrame | None:
    """The rows of these upstream batches; None where it is not known of each in which files they are, or in any."""
    if any(batch.files is None for batch in read):
        return None
    files = [file for batch in read for file in batch.files or ()]
    if not files:
        return None
    rows = lake.files(spark, table, files)
    # Of few rows a shuffle would cost more than a second task could save.
    return rows.coalesce(1) if sum(batch.rows for batch in read) <= _FEW_ROWS else rows


def readable_at(batch: Batch, lake: Lake, table: Table, after: Mapping[str, int]) -> datetime:
    """When what the batch has committed to the table could be read; now, where the log is not at hand to say so."""
    commit = lake.commit_of(table.name, batch.writer, after[table.name]) if table.name in after else None
    return commit.at if commit is not None else now()


@overload
def instant(value: int) -> datetime: ...
@overload
def instant(value: int | None) -> datetime | None: ...
def instant(value: int | None) -> datetime | None:
    """Seconds since 1970 as a time in UTC."""
    return None if value is None else datetime.fromtimestamp(value, tz=UTC)


def seconds(value: datetime) -> int:
    return int(value.timestamp())
