"""The as-of join: for each row the newest window that had ended by its event time; for serving and training alike.

No row is given a value from a window that ended after its event, none older than the set's time to live, and none
that a batch after the cut computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from itertools import groupby
from math import ceil
from operator import and_
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from headrace.features.spec import FeatureSet

__all__ = ["Values", "as_of", "near"]

# Among all that bears one time, values come in the order in which they count, then the rows that may see them.
_BACKFILLED: Final = 1 << 62
_ROW: Final = (1 << 63) - 1

_HOUR: Final = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What one feature set gives to rows: which values of it were known, and which of those a row takes.

    prefix: what the added columns begin with.
    log: every value that was ever computed, as in ``features_<set>_log``.
    cut: by query, the last batch that was known; of a query that is not in it, nothing was.
    backfill: the query among them whose values count before any of the stream.
    by: the set's entity columns, each with the column of the rows that holds its value.
    take: names of values in the log.
    """

    feature_set: FeatureSet
    prefix: str
    log: DataFrame
    cut: Mapping[str, int]
    backfill: str | None = None
    by: Mapping[str, str]
    take: Sequence[str]

    @property
    def entity(self) -> list[tuple[str, str]]:
        """Columns of the rows and of the log that hold the same; alike in order for all sets with the same rows."""
        return sorted((self.by[name], name) for name in self.feature_set.entity)

    @property
    def asked(self) -> list[str]:
        """The columns of the rows that name the entity."""
        return [column for column, _ in self.entity]


def as_of(rows: DataFrame, sets: Sequence[Values], *, between: tuple[int, int] | None = None) -> DataFrame:
    """Add to each row its newest values of every set; for one that is missing its default, or null.

    A value counts from the end of its window until the set's time to live has passed since, both inclusive. Of a
    window with several values the backfill's newest counts, else the stream's newest. A row without an event time, or
    without a part of the entity, gets nulls.

    rows: any columns with ``event_time``; kept, one row each.
    between: the first and the last second of event time among the rows, since 1970, where the caller knows them. Only
    what can lie before them in time is read of a log then; the result is the same.
    Added: by set, in their order, ``<prefix>_<value>`` for each of ``take`` and ``<prefix>_end``, the end of the window
    they came from.
    Cost: for all sets that are asked by the same columns together, one shuffle of both sides by entity and one sort; no
    row meets more than its neighbours. Rows of one entity are sorted by one task.
    """
    joined = rows
    for asked, alike in groupby(sorted(sets, key=lambda one: one.asked), key=lambda one: one.asked):
        joined = _joined(joined, asked, list(alike), between)
    return joined.select(*rows.columns, *[name for one in sets for name in _names(one)])


def _joined(
    rows: DataFrame, asked: Sequence[str], sets: Sequence[Values], between: tuple[int, int] | None
) -> DataFrame:
    """Rows and values under one another, in order of entity and time: each row sees the last value before it."""
    keys = [f"_key{place}" for place in range(len(asked))]
    both = rows.select(
        *[F.col(name).alias(key) for name, key in zip(asked, keys, strict=True)],
        F.col("event_time").alias("_at"),
        F.lit(_ROW).alias("_rank"),
        F.struct(*rows.columns).alias("_row"),
    )
    for place, one in enumerate(sets):
        both = both.unionByName(_known(one, keys, between, f"_value{place}"), allowMissingColumns=True)
    until_now = (
        Window.partitionBy(*keys).orderBy("_at", "_rank").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    )
    last = {f"_value{place}": F.last(f"_value{place}", ignorenulls=True).over(until_now) for place in range(len(sets))}
    seen = both.withColumns(last).where(F.col("_row").isNotNull())
    complete = reduce(and_, (F.col(key).isNotNull() for key in keys))
    return seen.select(
        "_row.*",
        *[column for place, one in enumerate(sets) for column in _taken(one, F.col(f"_value{place}"), complete)],
    )


def _known(one: Values, keys: Sequence[str], between: tuple[int, int] | None, name: str) -> DataFrame:
    """The values that were known, as rows of the union: the value as a struct under ``name``."""
    cut = F.create_map(*[F.lit(part) for pair in sorted(one.cut.items()) for part in pair])
    known = one.log.where(F.col("batch_id") <= F.try_element_at(cut, F.col("query_id")))
    if between is not None:
        known = known.where(F.col("window_end").between(*map(_time, near(between, one.feature_set.time_to_live))))
    backfilled = F.col("query_id") == F.lit(one.backfill or "")
    return known.select(
        *[F.col(column).alias(key) for (_, column), key in zip(one.entity, keys, strict=True)],
        F.col("window_end").alias("_at"),
        (F.col("batch_id") + F.when(backfilled, _BACKFILLED).otherwise(0)).alias("_rank"),
        F.struct("window_end", *one.take).alias(name),
    )


def near(between: tuple[int, int], live: timedelta) -> tuple[int, int]:
    """In seconds the ends that windows can have which are seen in that range of time, and some more.

    They are whole hours, for Spark writes them into the code it compiles: so one batch has the code of the last.
    """
    first, last = (between[0] - ceil(live.total_seconds())) // _HOUR, between[1] // _HOUR + 1
    return first * _HOUR, last * _HOUR


def _time(second: int) -> Column:
    return F.timestamp_seconds(F.lit(second))


def _taken(one: Values, value: Column, complete: Column) -> list[Column]:
    """What a row is given of the value it sees: nothing of one that is too old, or of no known entity."""
    living = F.col("_at") <= value["window_end"] + F.lit(one.feature_set.time_to_live)
    own, defaults = F.when(complete & living, value), one.feature_set.defaults
    given = [
        F.coalesce(own[field], F.lit(defaults[field])) if field in defaults else own[field]
        for field in (*one.take, "window_end")
    ]
    return [column.alias(name) for column, name in zip(given, _names(one), strict=True)]


def _names(one: Values) -> list[str]:
    return [f"{one.prefix}_{name}" for name in (*one.take, "end")]
