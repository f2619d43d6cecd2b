"""Accepted records in, one row an entity and window out. The same functions serve stream, backfill and check."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from headrace.config import duration_text
from headrace.features.aggregates import aggregate, finite
from headrace.features.spec import FeatureSet

__all__ = ["WINDOW", "aggregated", "in_time", "in_windows", "wanted", "windowed", "within"]

WINDOW = "_window"


def wanted(feature_set: FeatureSet) -> Column:
    """True for a record the set is about: of a known entity, and one its condition holds for."""
    condition = F.coalesce(F.expr(feature_set.where), F.lit(False)) if feature_set.where else F.lit(True)
    return reduce(and_, (F.col(name).isNotNull() for name in feature_set.entity), condition)


def in_time(feature_set: FeatureSet) -> Column:
    """True for a record that is not late for the set. A replayed record has no ``late_by``, and is late."""
    return F.coalesce(F.col("late_by") <= int(feature_set.delay.total_seconds() * 1000), F.lit(False))


def within(records: DataFrame, feature_set: FeatureSet, first: datetime, end: datetime) -> DataFrame:
    """Only records that a window ending in ``(first, end]`` can hold; a session may have begun at any time."""
    until = F.col("event_time") <= F.lit(end)
    window = feature_set.window
    return records.where(until if window.gap else until & (F.col("event_time") >= F.lit(first - window.longest)))


def windowed(
    records: DataFrame, feature_set: FeatureSet, *, watermark: timedelta | None = None, late: bool = False
) -> DataFrame:
    """Aggregate records into the set's windows.

    In: the set's signal as accepted (``event_time``, ``record_id``, ``late_by``, contract fields). Out: entity columns,
    ``window_start``, ``window_end``, the set's columns, ``records`` BIGINT.
    Late records are left out here, by a visible condition before any watermark, so that the result depends on
    which records there are and not on how they were cut into batches; ``late`` takes them in, for a backfill.
    watermark: how long Spark keeps a window's state after the newest event; only for a stream.
    """
    about = wanted(feature_set)
    taken = records.where(about if late else about & in_time(feature_set))
    if watermark is not None:
        taken = taken.withWatermark("event_time", duration_text(watermark))
    return aggregated(in_windows(taken, feature_set), feature_set)


def in_windows(records: DataFrame, feature_set: FeatureSet) -> DataFrame:
    """Each record as often as it falls into a window, that window being ``WINDOW``: STRUCT of start and end."""
    window = feature_set.window
    if window.gap:
        return records.withColumn(WINDOW, F.session_window("event_time", duration_text(window.gap)))
    return records.withColumn(WINDOW, F.window("event_time", duration_text(window.longest), duration_text(window.step)))


def aggregated(rows: DataFrame, feature_set: FeatureSet, by: Sequence[str] = ()) -> DataFrame:
    """One row an entity and window, and for each value of ``by``: what ``windowed`` gives, ``by`` put before it.

    A window of several lengths is the longest of them; each value takes what falls into the end of it that is its own.
    """
    start, end = _bounds(feature_set)
    grouped = rows.groupBy(*by, WINDOW, *feature_set.entity).agg(
        start.alias("window_start"),
        end.alias("window_end"),
        *[aggregate(value).alias(value.name) for value in feature_set.values],
        F.count(F.lit(1)).alias("records"),
    )
    derived = {
        name: F.expr(one.expression) if one.kind == "condition" else finite(F.expr(one.expression))
        for name, one in feature_set.derived.items()
    }
    return grouped.withColumns(derived).select(
        *by,
        *feature_set.entity,
        "window_start",
        "window_end",
        *feature_set.columns,
        "records",
    )


def _bounds(feature_set: FeatureSet) -> tuple[Column, Column]:
    """Start and end of the window of a group.

    Of a session as aggregates: a condition on the group's own key Spark tests on each record, before it makes sessions
    of them, and so cuts them short.
    """
    gap = feature_set.window.gap
    if gap is None:
        return F.col(f"{WINDOW}.start"), F.col(f"{WINDOW}.end")
    return F.min("event_time"), F.max("event_time") + F.lit(gap)
