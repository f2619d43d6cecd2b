"""The online view: of each entity the newest windows, so that who asks at any instant from now on has the as-of value.

An asker is given the newest window that had ended by the instant of the question, as the as-of join gives it. Windows
that go on are in the log already, so one window an entity would not do: beside those that may still be open the newest
that has ended is kept. The newest ``n`` windows of a union are the newest ``n`` of those of its parts, so batches may
come twice and in any order.
"""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from headrace.features.spec import FeatureSet

__all__ = ["kept", "newest_windows"]


def kept(feature_set: FeatureSet, leeway: timedelta) -> int:
    """How many windows of an entity are kept: all that can end after an instant, and the newest that ended by then.

    leeway: how far ahead of that instant a record may be; its windows begin no later than it.
    """
    window = feature_set.window
    # Two sessions of an entity end no closer than the silence that parts them.
    return -(-(window.longest + leeway) // (window.gap or window.step)) + 1


def newest_windows(log: DataFrame, feature_set: FeatureSet, *, keep: int, backfill: str | None) -> DataFrame:
    """Of every entity the newest windows, of each the value that counts: one of a backfill before any of the stream.

    In: rows of ``features_<set>_log`` of one generation and its backfills. Out: entity columns, ``window_end``,
    ``backfilled`` INT (1 or 0) and ``batch_id`` BIGINT, which together rank the values of a window, ``computed_at``,
    and the set's values. backfill: the query that is the set's backfill.
    Cost: one shuffle by entity and one sort.
    """
    ranked = log.withColumn("backfilled", F.col("query_id").eqNullSafe(F.lit(backfill)).cast("int"))
    of_entity = Window.partitionBy(*feature_set.entity).orderBy(F.desc("window_end"))
    of_window = Window.partitionBy(*feature_set.entity, "window_end").orderBy(F.desc("backfilled"), F.desc("batch_id"))
    placed = ranked.withColumns(
        {"_window": F.dense_rank().over(of_entity), "_value": F.row_number().over(of_window)},
    )
    columns = [*feature_set.entity, "window_end", "backfilled", "batch_id", "computed_at", *feature_set.columns]
    return placed.where((F.col("_value") == 1) & (F.col("_window") <= keep)).select(*columns)
