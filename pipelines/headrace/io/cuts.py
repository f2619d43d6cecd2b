"""The cuts of feature sets as the ledger has them."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from headrace.io.cut import NOTHING, Cut, backfill_of, history_of
from headrace.io.lake import Lake
from headrace.tables import LEDGER

__all__ = ["cuts", "wait_for"]

_LOOK_AGAIN = 0.5


def cuts(spark: SparkSession, lake: Lake, feature_sets: Collection[str]) -> dict[str, Cut]:
    """The newest cut of each set: of its newest generation, the last batch the ledger holds, so one that is whole."""
    rows = lake.read(spark, LEDGER.name).where(
        F.col("flow").isin("features", "backfill", "history") & F.col("subject").isin(list(feature_sets))
    )
    by_query = rows.groupBy("flow", "subject", "query_id").agg(
        F.max("batch_id").alias("batch_id"),
        F.max(F.unix_seconds("high_water")).alias("high_water"),
        F.max("batch_time").alias("at"),
    )
    found = by_query.collect()
    newest = {row["subject"]: row for row in sorted(found, key=lambda row: row["at"]) if row["flow"] == "features"}
    last = {row["query_id"]: row["batch_id"] for row in found if row["flow"] != "features"}
    return {name: _cut(newest[name], last) if name in newest else NOTHING for name in feature_sets}


def _cut(stream: Row, last: Mapping[str, int]) -> Cut:
    """last: of the queries beside the stream's, the last batch."""
    query_id = stream["query_id"]
    backfill = backfill_of(query_id)
    return Cut(
        query_id,
        stream["batch_id"],
        stream["high_water"],
        backfill_id=backfill if backfill in last else None,
        backfilled=last.get(backfill, -1),
        history=last.get(history_of(query_id), -1),
    )


def wait_for(spark: SparkSession, lake: Lake, needed: Mapping[str, int], *, patience: float) -> dict[str, Cut]:
    """The cuts once every set's signal has reached the second it is needed at, or after ``patience`` seconds."""
    deadline = time.monotonic() + patience
    while True:
        found = cuts(spark, lake, needed)
        reached = all((cut.high_water or 0) >= needed[name] for name, cut in found.items())
        if reached or not needed or time.monotonic() >= deadline:
            return found
        time.sleep(_LOOK_AGAIN)
