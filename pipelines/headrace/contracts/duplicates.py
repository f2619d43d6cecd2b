"""Records that repeat a primary key: which of them are duplicates, decided in the order they came.

A record is a duplicate if one with the same key was accepted before it and the event times of the two are no farther
apart than the horizon. What was itself set aside as a duplicate makes no other record one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

__all__ = ["duplicates"]

_ORDER = ("arrived_at", "name", "partition", "position")


def duplicates(accepted: DataFrame, before: DataFrame, key: Sequence[str], within: timedelta) -> DataFrame:
    """The duplicates among the records of a batch: one column, ``record_id``.

    In: ``accepted`` with the fields of the key, ``event_time`` and ``envelope`` (``record_id``, ``source``); ``before``
    with the fields of the key and ``event_time``: what had been accepted when the batch began. A key with a null in it
    is no key, so that record is no duplicate.
    """
    named = [F.col(name).alias(f"_{place}") for place, name in enumerate(key)]
    keys = [f"_{place}" for place in range(len(key))]
    order = [F.col(f"envelope.source.{name}").alias(name) for name in _ORDER]
    came = F.struct(*order, F.unix_micros("event_time").alias("at"), F.col("envelope.record_id").alias("record_id"))
    batch = accepted.select(*named, came.alias("came")).dropna(subset=keys)
    grouped = batch.groupBy(keys).agg(F.sort_array(F.collect_list("came")).alias("came"))
    bounds = accepted.select(F.min("event_time").alias("_low"), F.max("event_time").alias("_high"))
    near = F.col("event_time").between(F.col("_low") - F.lit(within), F.col("_high") + F.lit(within))
    earlier = before.join(F.broadcast(bounds), near).select(*named, F.unix_micros("event_time").alias("at"))
    known = earlier.join(F.broadcast(grouped.select(*keys)), keys, "left_semi").groupBy(keys)
    joined = grouped.join(known.agg(F.collect_list("at").alias("kept")), keys, "left")
    there = F.coalesce("kept", F.array().cast("array<bigint>"))
    repeated = joined.where((F.size("came") > 1) | (F.size(there) > 0))
    return repeated.select(F.explode(_repeats(F.col("came"), there, within)).alias("record_id"))


def _repeats(came: Column, kept: Column, within: timedelta) -> Column:
    """The ids of the duplicates among the records of one key, looked at one after the other."""
    span = int(within.total_seconds()) * 1_000_000
    start = F.struct(kept.alias("kept"), F.array().cast("array<string>").alias("repeats"))

    def step(seen: Column, one: Column) -> Column:
        again = F.exists(seen["kept"], lambda at: F.abs(at - one["at"]) <= span)
        return F.struct(
            F.when(again, seen["kept"]).otherwise(F.array_append(seen["kept"], one["at"])).alias("kept"),
            F.when(again, F.array_append(seen["repeats"], one["record_id"]))
            .otherwise(seen["repeats"])
            .alias("repeats"),
        )

    return F.aggregate(came, start, step, lambda seen: seen["repeats"])
