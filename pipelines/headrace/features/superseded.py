"""Which values of a feature set's log nobody can ask for any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

__all__ = ["superseded"]


def superseded(log: DataFrame, key: Sequence[str], cuts: Mapping[str, Sequence[int]]) -> DataFrame:
    """The rows of a log that a later batch of the same query replaced, but for those that are the newest at a cut.

    log: any columns, ``query_id`` and ``batch_id`` among them; given back unchanged.
    key: the columns that name a row of it, those two included.
    cuts: by query, the batches some decision or training run was made after. The row of batch b whose successor is of
    batch b' is what the cut c sees where b <= c < b'.
    """
    of_one_window = Window.partitionBy(*[name for name in key if name != "batch_id"]).orderBy("batch_id")
    followed = log.withColumn("_next", F.lead("batch_id").over(of_one_window))
    rows = followed.where(F.col("_next").isNotNull())
    if cuts:
        by_query = F.create_map(
            *[part for query, batches in sorted(cuts.items()) for part in (F.lit(query), F.lit(list(batches)))]
        )
        mine = F.coalesce(F.try_element_at(by_query, F.col("query_id")), F.array().cast("array<bigint>"))
        seen = F.exists(mine, lambda cut: (cut >= F.col("batch_id")) & (cut < F.col("_next")))
        rows = rows.where(~seen)
    return rows.select(*log.columns)
