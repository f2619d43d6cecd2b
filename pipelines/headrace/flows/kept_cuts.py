"""The cuts that still count: those a training run, a recent decision or a batch under way was made with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.flows.project import Project
from headrace.io.lake import Lake
from headrace.io.training_runs import training_runs
from headrace.tables import BATCH_PLANS, LEDGER

__all__ = ["kept_cuts", "unfinished"]

_CUT = "STRUCT<query_id: STRING, batch_id: BIGINT, backfill_id: STRING, backfilled: BIGINT>"


def kept_cuts(
    spark: SparkSession, project: Project, name: str, since: datetime, last: Mapping[str, int]
) -> dict[str, list[int]]:
    """By query of the feature set, the batches it was cut after, in order; only cuts before the query's ``last``.

    Those of training runs always; those of plans of ``since`` or later, and of batches that have not ended.
    """
    lake = Lake(project.settings.storage)
    plans = lake.read(spark, BATCH_PLANS.name).where("choices IS NOT NULL")
    kept = plans.where(F.col("planned_at") >= F.lit(since)).unionByName(unfinished(spark, lake))
    path = F.when(F.col("flow") == "score", F.get_json_object("choices", f"$.cuts.{name}")).when(
        (F.col("flow") == "backfill") & (F.col("subject") == name), F.get_json_object("choices", "$.features")
    )
    planned = kept.select(F.from_json(path, _CUT).alias("cut")).where("cut IS NOT NULL").select("cut.*").distinct()
    learned = (run.cuts[name] for run in training_runs(project.settings.registry) if name in run.cuts)
    found = defaultdict[str, set[int]](set)
    for query, batch in _pairs([*(row.asDict() for row in planned.collect()), *learned]):
        if batch < last.get(query, 0):
            found[query].add(batch)
    return {query: sorted(batches) for query, batches in sorted(found.items())}


def unfinished(spark: SparkSession, lake: Lake) -> DataFrame:
    """The plans, as in ``batch_plans``, of batches that were begun and are not in the ledger; none was withdrawn."""
    plans = lake.read(spark, BATCH_PLANS.name)
    ended = lake.read(spark, LEDGER.name).groupBy("query_id").agg(F.max("batch_id").alias("_ended"))
    begun = plans.join(ended, "query_id", "left").where("batch_id > coalesce(_ended, -1)")
    newest = begun.groupBy("query_id", "batch_id").agg(F.max_by(F.struct(*plans.columns), "revision").alias("_newest"))
    return newest.select("_newest.*").where("choices IS NOT NULL")


def _pairs(cuts: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, int]]:
    for cut in cuts:
        yield str(cut.get("query_id")), int(cut["batch_id"])
        if cut.get("backfill_id"):
            yield str(cut["backfill_id"]), int(cut.get("backfilled", -1))
