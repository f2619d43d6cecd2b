"""What a model was given of a feature set, against the set's log at the cut that the batch recorded.

Not by the as-of join that served it, but by another: each decision meets every value of its entity that it could have
been given, and the newest of them has to be the one it was. Left out is a decision whose record has expired, and one
that is older than what its set's log still holds all values for.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.features.compare import Compared, compared
from headrace.features.spec import FeatureSet
from headrace.flows import score_job
from headrace.flows.catalog import input_columns
from headrace.flows.expiry import decisions_count_from, expired_until
from headrace.flows.plans.score import ScorePlan
from headrace.flows.project import Project
from headrace.io.lake import Lake
from headrace.io.plan_format import read_plan
from headrace.models.spec import FeatureInput, Model
from headrace.tables import BATCH_PLANS

__all__ = ["served"]

_KEYS = ("record_id", "query_id", "batch_id")


def served(spark: SparkSession, project: Project, model: Model, part: FeatureInput) -> Iterator[Compared]:
    """One result for each feature that the model takes of the set, and one for the rows."""
    feature_set, lake = project.feature_sets[part.set], Lake(project.settings.storage)
    plans = _cuts(spark, lake, model, part.set)
    if plans is None:
        return
    inputs = {column.name: column.type for column in input_columns(project, model)}
    given = {f"{part.name}_{name}": inputs[f"{part.name}_{name}"] for name in part.take}
    decisions = lake.read(spark, f"predictions_{model.name}").join(
        F.broadcast(plans.select("query_id", "batch_id").distinct()), ["query_id", "batch_id"], "left_semi"
    )
    held = decisions.select(*_KEYS, *[F.col(f"inputs.{name}").alias(name) for name in given])
    rows = _asked(spark, lake, model, part, decisions)
    if expired_until(spark, lake, model.signal) is not None:
        held = held.join(rows.select(*_KEYS), list(_KEYS), "left_semi")
    newest = _newest(rows, plans, lake.read(spark, f"features_{part.set}_log"), feature_set, part)
    right = {f"{part.name}_{name}": _or_default(feature_set, name) for name in part.take}
    expected = newest.select(*_KEYS, *[value.cast(given[name]).alias(name) for name, value in right.items()])
    yield from compared(held, expected, f"predictions_{model.name}", _KEYS, given, how="full_outer")


def _cuts(spark: SparkSession, lake: Lake, model: Model, name: str) -> DataFrame | None:
    """For each batch that decided, the queries whose values it knew, each with its last batch; None: none decided."""
    rows = lake.read(spark, BATCH_PLANS.name).where(
        (F.col("flow") == score_job.FLOW) & (F.col("subject") == model.name)
    )
    since = decisions_count_from(spark, lake, f"features_{name}_log")
    rows = rows if since is None else rows.where(F.col("planned_at") >= F.lit(since))
    # A batch whose version failed was planned anew: it was decided by its newest plan.
    newest = rows.groupBy("query_id", "batch_id").agg(F.max_by("choices", "revision").alias("choices"))
    found = []
    for row in newest.where("choices IS NOT NULL").collect():
        plan = read_plan(ScorePlan, row["choices"], f"batch {row['batch_id']} of {score_job.FLOW} {model.name}")
        if (known := plan.cuts.get(name)) is not None:
            found += [
                (row["query_id"], row["batch_id"], query_id, last, query_id == known.backfill_id)
                for query_id, last in known.batches.items()
            ]
    schema = "query_id STRING, batch_id BIGINT, of STRING, last BIGINT, backfilled BOOLEAN"
    return spark.createDataFrame(found, schema) if found else None


def _asked(spark: SparkSession, lake: Lake, model: Model, part: FeatureInput, decisions: DataFrame) -> DataFrame:
    """Each decision with the entity it was about, as the record named it."""
    records = lake.read(spark, f"signals_{model.signal}").select(
        "record_id",
        F.col("query_id").alias("signal_query_id"),
        *[F.col(column).alias(f"_{name}") for name, column in part.by.items()],
    )
    asked = decisions.select(*_KEYS, "event_time", "signal_query_id")
    return asked.join(records, ["record_id", "signal_query_id"])


def _newest(
    rows: DataFrame, plans: DataFrame, log: DataFrame, feature_set: FeatureSet, part: FeatureInput
) -> DataFrame:
    """Each decision with the newest values it could have been given, or nulls.

    Values meet decisions by entity and by stretches of the set's time to live, of which a decision can see two.
    """
    alive = int(feature_set.time_to_live.total_seconds())
    at, end = F.unix_seconds("event_time"), F.unix_seconds("window_end")
    length = max(alive, 1)
    stretch = F.floor(at / length)
    asking = rows.withColumn("_stretch", F.explode(F.array(stretch, stretch - 1))).join(
        F.broadcast(plans), ["query_id", "batch_id"]
    )
    values = log.select(
        *[F.col(name).alias(f"_{name}") for name in feature_set.entity],
        F.col("query_id").alias("of"),
        F.col("batch_id").alias("_batch"),
        "window_end",
        F.floor(end / length).alias("_stretch"),
        F.struct(*part.take).alias("_value"),
    )
    met = asking.join(values, ["of", "_stretch", *[f"_{name}" for name in feature_set.entity]])
    could = met.where(
        (F.col("_batch") <= F.col("last"))
        & (F.col("window_end") <= F.col("event_time"))
        & (F.col("window_end") >= F.col("event_time") - F.expr(f"INTERVAL '{alive}' SECOND"))
    )
    rank = F.struct("window_end", "backfilled", "_batch")
    newest = could.groupBy(*_KEYS).agg(F.max_by("_value", rank).alias("_value"))
    return rows.select(*_KEYS).join(newest, list(_KEYS), "left").select(*_KEYS, "_value.*")


def _or_default(feature_set: FeatureSet, name: str) -> Column:
    default = feature_set.defaults.get(name)
    return F.col(name) if default is None else F.coalesce(F.col(name), F.lit(default))
