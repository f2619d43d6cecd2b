"""Accepted records in, one row an entity and window out. The same function serves stream, backfill and check."""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from headrace.config import duration_text
from headrace.features.spec import Feature, FeatureSet, Op

__all__ = ["feature_type", "on_time", "windowed"]

_NUMERIC = ("BIGINT", "DOUBLE")


def on_time(feature_set: FeatureSet) -> Column:
    """True for a record that belongs in the set's windows: not late for it, and of a known entity.

    A replayed record has no ``late_by``, and is late.
    """
    in_time = F.coalesce(F.col("late_by") <= int(feature_set.delay.total_seconds() * 1000), F.lit(False))
    return in_time & _of_known_entity(feature_set)


def _of_known_entity(feature_set: FeatureSet) -> Column:
    return reduce(and_, (F.col(name).isNotNull() for name in feature_set.entity))


def windowed(
    records: DataFrame, feature_set: FeatureSet, *, watermark: timedelta | None = None, late: bool = False
) -> DataFrame:
    """Aggregate records into the set's windows.

    In: the set's signal as accepted (``event_time``, ``late_by``, contract fields). Out: entity columns,
    ``window_start``, ``window_end``, the features, ``records`` BIGINT.
    Late records are left out here, by a visible condition before any watermark, so that the result depends on
    which records there are and not on how they were cut into batches; ``late`` takes them in, for a backfill.
    watermark: how long Spark keeps a window's state after the newest event; only for a stream.
    """
    timely = records.where(_of_known_entity(feature_set) if late else on_time(feature_set))
    if watermark is not None:
        timely = timely.withWatermark("event_time", duration_text(watermark))
    window = feature_set.window
    span = F.window("event_time", duration_text(window.length), duration_text(window.step))
    grouped = timely.groupBy(span, *feature_set.entity).agg(
        *[_aggregate(feature).alias(name) for name, feature in feature_set.features.items()],
        F.count(F.lit(1)).alias("records"),
    )
    return grouped.select(
        *feature_set.entity,
        F.col("window.start").alias("window_start"),
        F.col("window.end").alias("window_end"),
        *feature_set.columns,
        "records",
    )


def feature_type(feature: Feature, field_type: str | None) -> str:
    """The DDL type of a feature, given that of the field it is taken of."""
    match feature.op:
        case Op.COUNT:
            return "BIGINT"
        case Op.MEAN | Op.STDDEV:
            return "DOUBLE"
        case Op.SUM if field_type not in _NUMERIC:
            return "DECIMAL(38,6)"
        case _:
            return field_type or "BIGINT"


def _aggregate(feature: Feature) -> Column:
    """No form here can raise: an overflow is null, never the end of the query."""
    value = F.col(feature.of) if feature.of else F.lit(1)
    match feature.op:
        case Op.COUNT:
            return F.count(value)
        case Op.SUM:
            return F.try_sum(value)
        case Op.MEAN:
            return F.avg(value.cast("double"))
        case Op.MIN:
            return F.min(value)
        case Op.MAX:
            return F.max(value)
        case Op.STDDEV:
            return F.stddev_samp(value.cast("double"))
