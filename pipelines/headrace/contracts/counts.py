"""What rules over many records count, as aggregate columns: all of a contract's in one pass."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from headrace.contracts.aggregates import Aggregate, Metric

__all__ = ["counts", "counts_by_window"]


def counts(aggregates: Sequence[Aggregate]) -> list[Column]:
    """One aggregate column a rule, in their order: how many records it counts. Null values are never invalid."""
    return [F.coalesce(_count(one), F.lit(0)).cast("bigint") for one in aggregates]


def counts_by_window(
    accepted: DataFrame, aggregates: Sequence[Aggregate], windows: Collection[range], event_time: str
) -> DataFrame:
    """One row a window that holds a record: its start in seconds, its records, then what each rule counts of them.

    windows: the starts of those asked for, all of one length. A condition on ``event_time``, the column it stands in,
    leaves out records of other times.
    """
    step = next(iter(windows)).step
    time = F.col(event_time)
    second = F.unix_seconds(time)
    start = (second - F.pmod(second, F.lit(step))).alias("_start")
    measures = [F.count(F.lit(1)), *counts(aggregates)]
    grouped = accepted.where(reduce(or_, (_within(each, time) for each in windows))).groupBy(start)
    return grouped.agg(*[measure.alias(f"_{place}") for place, measure in enumerate(measures)])


def _within(windows: range, time: Column) -> Column:
    first, end = (F.lit(datetime.fromtimestamp(at, tz=UTC)) for at in (windows.start, windows.stop))
    return (time >= first) & (time < end)


def _count(one: Aggregate) -> Column:
    if one.metric is Metric.ROW_COUNT:
        return F.count(F.lit(1))
    if one.metric is Metric.DUPLICATE_VALUES:
        # Rows beyond the first of each value; a value with a null in it is no value, as in SQL.
        known = F.when(F.forall(F.array(*[F.col(name).isNotNull() for name in one.fields]), lambda each: each), True)
        key = F.when(known, F.struct(*one.fields))
        return F.count(key) - F.count_distinct(key)
    value = F.col(one.fields[0])
    return F.count_if(_counted(one, value))


def _counted(one: Aggregate, value: Column) -> Column:
    if one.metric is Metric.NULL_VALUES:
        return value.isNull()
    if one.metric is Metric.MISSING_VALUES:
        return value.isNull() | F.coalesce(value.isin(list(one.missing)), F.lit(False))
    invalid = F.lit(False)
    if one.allowed:
        invalid = invalid | ~value.isin(list(one.allowed))
    if one.pattern is not None:
        invalid = invalid | ~value.rlike(rf"\A(?:{one.pattern})\z")
    return F.coalesce(invalid, F.lit(False))
