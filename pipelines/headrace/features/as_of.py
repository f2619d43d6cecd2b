"""The as-of join: for each row the newest window that had ended by its event time; for serving and training alike.

No row is given a value from a window that ended after its event, none older than the set's time to live, and none
that a batch after the cut computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import DataType

from headrace.features.spec import FeatureSet

__all__ = ["as_of", "newest"]


def newest(
    log: DataFrame, feature_set: FeatureSet, *, cut: Mapping[str, int], backfill: str | None = None
) -> DataFrame:
    """The log as it stood at a cut: of every window the newest value, one of a backfill before any of the stream.

    cut: by query, the last batch that was known. backfill: the query of it that is the set's backfill.
    """
    keys = [*feature_set.entity, "window_end"]
    known = F.create_map(*[F.lit(part) for pair in sorted(cut.items()) for part in pair])
    at_cut = log.where(F.col("batch_id") <= F.try_element_at(known, F.col("query_id")))
    rank = F.struct((F.col("query_id") == F.lit(backfill or "")).alias("backfilled"), "batch_id")
    latest = at_cut.groupBy(*keys).agg(F.max_by(F.struct(*feature_set.columns), rank).alias("value"))
    return latest.select(*keys, *[F.col(f"value.{name}").alias(name) for name in feature_set.columns])


def as_of(
    rows: DataFrame,
    values: DataFrame,
    feature_set: FeatureSet,
    *,
    by: Mapping[str, str],
    take: Sequence[str],
) -> DataFrame:
    """Add to each row its newest values, or nulls.

    rows: any columns with ``event_time``; kept, one row each. values: as from ``newest``.
    by: the set's entity columns, each with the column of ``rows`` that holds its value.
    Added: ``<set>_<feature>`` for each of ``take``, and ``<set>_end``, the end of the window they came from.
    Cost: one shuffle of both sides by entity and one sort; no row meets more than its neighbours.
    """
    entity = feature_set.entity
    left = rows.select(
        *[F.col(by[name]).alias(f"_e{place}") for place, name in enumerate(entity)],
        F.col("event_time").alias("_at"),
        F.lit(1).alias("_side"),
        F.lit(None).cast(_value(values, take)).alias("_value"),
        F.struct(*rows.columns).alias("_row"),
    )
    right = values.select(
        *[F.col(name).alias(f"_e{place}") for place, name in enumerate(entity)],
        F.col("window_end").alias("_at"),
        F.lit(0).alias("_side"),
        F.struct("window_end", *take).alias("_value"),
        F.lit(None).cast(left.schema["_row"].dataType).alias("_row"),
    )
    order = Window.partitionBy(*[f"_e{place}" for place in range(len(entity))]).orderBy("_at", "_side")
    seen = order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    joined = left.unionByName(right).withColumn("_last", F.last("_value", ignorenulls=True).over(seen))
    alive = F.col("_last.window_end") >= F.col("_at") - F.expr(_interval(feature_set))
    own = F.when(alive & _known(len(entity)), F.col("_last"))
    return joined.where("_side = 1").select(
        "_row.*",
        *[own.getField(name).alias(f"{feature_set.name}_{name}") for name in take],
        own.getField("window_end").alias(f"{feature_set.name}_end"),
    )


def _known(count: int) -> Column:
    condition = F.lit(True)
    for place in range(count):
        condition = condition & F.col(f"_e{place}").isNotNull()
    return condition


def _value(values: DataFrame, take: Sequence[str]) -> DataType:
    return values.select(F.struct("window_end", *take).alias("v")).schema["v"].dataType


def _interval(feature_set: FeatureSet) -> str:
    return f"INTERVAL '{int(feature_set.time_to_live.total_seconds())}' SECOND"
