"""Cuts: what was known. Per feature set, the query and its last committed batch, and how far its signal had come."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from headrace.io.lake import Lake
from headrace.tables import LEDGER

__all__ = ["Cut", "cuts", "wait_for"]

_LOOK_AGAIN = 0.5


@dataclass(frozen=True, slots=True)
class Cut:
    """A feature set as it stood: every value of ``query_id`` up to ``batch_id``, none later; and of its backfills.

    high_water: seconds since 1970 that the set's signal had reached in those batches; None before the first.
    backfill_id, backfilled: the query of the set's backfills and its last batch; none and -1 before the first.
    """

    query_id: str
    batch_id: int
    high_water: int | None
    backfill_id: str | None = None
    backfilled: int = -1

    @property
    def batches(self) -> dict[str, int]:
        """By query, the last batch that was known."""
        known = {self.query_id: self.batch_id}
        return known if self.backfill_id is None else {**known, self.backfill_id: self.backfilled}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Cut:
        return cls(**value)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


NOTHING = Cut("", -1, None)


def cuts(spark: SparkSession, lake: Lake, feature_sets: Collection[str]) -> dict[str, Cut]:
    """The newest cut of each set: of its newest generation, the last batch the ledger holds, so one that is whole."""
    rows = lake.read(spark, LEDGER.name).where(
        F.col("flow").isin("features", "backfill") & F.col("subject").isin(list(feature_sets))
    )
    by_query = rows.groupBy("flow", "subject", "query_id").agg(
        F.max("batch_id").alias("batch_id"),
        F.max(F.unix_seconds("high_water")).alias("high_water"),
        F.max("batch_time").alias("at"),
    )
    newest = by_query.groupBy("flow", "subject").agg(
        F.max_by(F.struct("query_id", "batch_id", "high_water"), "at").alias("cut")
    )
    rows_of = {(row["flow"], row["subject"]): row["cut"] for row in newest.collect()}
    found = {}
    for name in feature_sets:
        streamed, filled = rows_of.get(("features", name)), rows_of.get(("backfill", name))
        cut = Cut(*streamed) if streamed is not None else NOTHING
        if filled is not None:
            cut = replace(cut, backfill_id=filled["query_id"], backfilled=filled["batch_id"])
        found[name] = cut
    return found


def wait_for(spark: SparkSession, lake: Lake, needed: Mapping[str, int], *, patience: float) -> dict[str, Cut]:
    """The cuts once every set's signal has reached the second it is needed at, or after ``patience`` seconds."""
    deadline = time.monotonic() + patience
    while True:
        found = cuts(spark, lake, needed)
        reached = all((cut.high_water or 0) >= needed[name] for name, cut in found.items())
        if reached or not needed or time.monotonic() >= deadline:
            return found
        time.sleep(_LOOK_AGAIN)
