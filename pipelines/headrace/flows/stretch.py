"""A stretch of time, whose windows one batch of a history or of a backfill computes from the signal's table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.features.spec import FeatureSet
from headrace.features.windows import windowed, within
from headrace.io import ledger
from headrace.io.lake import Lake, Writer
from headrace.tables import Table

__all__ = ["Stretch", "ending", "stretches", "write"]

# How many days one batch takes: memory is bounded by it, and so is what a kill costs.
DAYS = 7


@dataclass(frozen=True, slots=True)
class Stretch:
    """All moments in ``(first, end]``."""

    first: datetime
    end: datetime


def stretches(feature_set: FeatureSet, first: datetime, end: datetime) -> Iterator[Stretch]:
    """``(first, end]`` week by week; of sessions, which may be of any length, in one."""
    step = end - first if feature_set.window.gap else timedelta(days=DAYS)
    while first < end:
        yield Stretch(first, min(first + step, end))
        first += step


def ending(rows: DataFrame, feature_set: FeatureSet, stretch: Stretch, *, late: bool = False) -> DataFrame:
    """The set's windows of these records that end in the stretch, as ``windowed`` makes them."""
    windows = windowed(within(rows, feature_set, stretch.first, stretch.end), feature_set, late=late)
    return windows.where((F.col("window_end") > F.lit(stretch.first)) & (F.col("window_end") <= F.lit(stretch.end)))


def write(
    spark: SparkSession, lake: Lake, rows: DataFrame, target: Table, writer: Writer, watch: ledger.Stopwatch
) -> tuple[int, dict[str, str]]:
    """Append a batch's rows to its one table; how many that were, and their digest for the ledger, read back."""
    with watch.lap("write"):
        lake.append(rows, target, writer)
    with watch.lap("account"):
        written = ledger.committed(spark, lake, (target,), writer, F.lit(ledger.WHOLE))[target.name]
    count, digest = written.get(ledger.WHOLE, (0, ""))
    return count, {target.name: digest} if count else {}
