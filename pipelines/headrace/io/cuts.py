"""Cuts: what was known. Per feature set, the query and its last committed batch, and how far its signal had come."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from headrace.io.lake import Lake
from headrace.tables import LEDGER

__all__ = ["Cut", "backfill_of", "cuts", "history_of", "wait_for"]

_LOOK_AGAIN = 0.5


@dataclass(frozen=True, slots=True)
class Cut:
    """A feature set's generation as it stood: every value of ``query_id`` up to ``batch_id``, none later.

    high_water: seconds since 1970 that the set's signal had reached in those batches; None before the first.
    backfill_id, backfilled: the query of its backfills and its last batch; none and -1 before the first.
    history: the last batch of what it began with; -1 if it began with nothing.
    """

    query_id: str
    batch_id: int
    high_water: int | None
    backfill_id: str | None = None
    backfilled: int = -1
    history: int = -1

    @property
    def batches(self) -> dict[str, int]:
        """By query, the last batch that was known."""
        known = {self.query_id: self.batch_id}
        if self.history >= 0:
            known[history_of(self.query_id)] = self.history
        return known if self.backfill_id is None else {**known, self.backfill_id: self.backfilled}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Cut:
        return cls(**value)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


NOTHING = Cut("", -1, None)


def backfill_of(query_id: str) -> str:
    """The query of the backfills of a generation, given that of its stream."""
    return f"{query_id}.backfill"


def history_of(query_id: str) -> str:
    """The query of the history a generation began with, given that of its stream."""
    return f"{query_id}.history"


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
