"""How each operation of a feature is computed.

No form here can raise: an overflow is null, never the end of the query. And none depends on the order of records, but
for the last digits of sums of DOUBLE, so that a stream, however it was cut into batches, gives what a backfill gives.
"""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import Column
from pyspark.sql import functions as F

from headrace.features.feature import Feature, Op
from headrace.features.spec import Value

__all__ = ["aggregate", "finite"]

# The error of ranks is 1 in this many: up to half as many records the quantile is exact.
_ACCURACY = 10_000


def aggregate(value: Value) -> Column:
    """The value over the rows of one group, whose window is ``_window``; null where there is nothing to say it of."""
    feature, records = value.feature, _taken(value)
    match feature.op:
        case Op.COUNT:
            return F.count(records)
        case Op.SUM:
            return finite(F.try_sum(records))
        case Op.MEAN:
            return finite(F.avg(records.cast("double")))
        case Op.MIN:
            return F.min(records)
        case Op.MAX:
            return F.max(records)
        case Op.STDDEV:
            return finite(F.stddev_samp(records.cast("double")))
        case Op.APPROX_DISTINCT:
            # HyperLogLog++, standard error 0.05 (Heule et al. 2013).
            return F.approx_count_distinct(records)
        case Op.APPROX_QUANTILE:
            # Greenwald and Khanna 2001.
            return F.percentile_approx(records.cast("double"), F.lit(feature.at), F.lit(_ACCURACY))
        case Op.FIRST:
            return F.min_by(records, _order(records))
        case Op.LAST:
            return F.max_by(records, _order(records))
        case Op.SHARE:
            return F.avg(records.cast("double"))
        case Op.RATE:
            return F.try_divide(F.count(records), _lasted(value.length) / F.lit(_seconds(feature.per)))
        case Op.SINCE_LAST:
            last = F.max(F.when(records.isNotNull(), F.col("event_time")))
            return (F.unix_micros("_window.end") - F.unix_micros(last)) / F.lit(1e6)


def finite(number: Column) -> Column:
    """The number; null where it is beyond the largest, or none."""
    return F.when(F.abs(number.cast("double")) < float("inf"), number)


def _taken(value: Value) -> Column:
    """What the aggregate is of, null for a record that is not to be taken."""
    feature, of = value.feature, _of(value.feature)
    if feature.where:
        of = F.when(F.expr(feature.where), of)
    if value.length is not None:
        begin = F.col("_window.end") - F.expr(f"INTERVAL '{_seconds(value.length)}' SECOND")
        of = F.when(F.col("event_time") >= begin, of)
    return of


def _of(feature: Feature) -> Column:
    if feature.of is None:
        return F.lit(1)
    if feature.op is Op.SHARE:
        return F.coalesce(F.expr(feature.of), F.lit(False)).cast("int")
    # A field is its name, and an expression was written anew by the compiler, with brackets.
    return F.expr(feature.of) if "(" in feature.of else F.col(f"`{feature.of}`")


def _order(of: Column) -> Column:
    """Records by event time, those of one time by their id; null, so not looked at, where there is no value."""
    return F.when(of.isNotNull(), F.struct("event_time", "record_id"))


def _lasted(length: timedelta | None) -> Column:
    """Seconds the window is long."""
    if length is not None:
        return F.lit(float(_seconds(length)))
    return (F.unix_micros("_window.end") - F.unix_micros("_window.start")) / F.lit(1e6)


def _seconds(length: timedelta | None) -> int:
    return int(length.total_seconds()) if length else 0
