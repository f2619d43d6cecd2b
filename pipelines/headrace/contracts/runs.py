"""How many records in a row were rejected: by slice, in the order of the source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

__all__ = ["Run", "runs"]


@dataclass(frozen=True, slots=True)
class Run:
    """Of one slice: its longest run of rejected records, where that begins, and the run it ends with."""

    longest: int
    position: int
    tail: int


def runs(judged: DataFrame, rejected: Column, slice_of: Column, before: Mapping[str, int]) -> dict[str, Run]:
    """The runs of every slice that has a rejected record; a slice that is not named has none.

    In: ``envelope.source``. before: by slice, the run its last batch ended with, which goes on here.
    """
    place = F.col("envelope.source.position")
    flat = judged.select(slice_of.alias("slice"), place.alias("position"), rejected.cast("int").alias("rejected"))
    # The number of good records up to here: the same for all of one run, and it tells the first and the last.
    so_far = Window.partitionBy("slice").orderBy("position").rowsBetween(Window.unboundedPreceding, 0)
    counted = flat.select(
        "*",
        F.sum(1 - F.col("rejected")).over(so_far).alias("good"),
        F.sum(1 - F.col("rejected")).over(Window.partitionBy("slice")).alias("all_good"),
    )
    each = (
        counted.where("rejected = 1")
        .groupBy("slice", "good", "all_good")
        .agg(F.count(F.lit(1)).alias("length"), F.min("position").alias("position"))
    )
    carried = F.when(F.col("good") == 0, _carried(before)).otherwise(0)
    full = each.select("slice", "position", (F.col("length") + carried).alias("run"), "good", "all_good")
    ends = F.max(F.when(F.col("good") == F.col("all_good"), F.col("run")).otherwise(0))
    found = full.groupBy("slice").agg(F.max("run"), F.max_by("position", "run"), ends).collect()
    return {name: Run(int(longest), int(position), int(tail)) for name, longest, position, tail in found}


def _carried(before: Mapping[str, int]) -> Column:
    if not before:
        return F.lit(0)
    by_slice = F.create_map(*[F.lit(part) for pair in before.items() for part in pair])
    return F.coalesce(F.try_element_at(by_slice, F.col("slice")), F.lit(0))
