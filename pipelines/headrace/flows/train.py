"""Train: accepted records + features as of their event time + late labels → a fitted, registered version."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.errors import UsageError
from headrace.flows import score as scoring
from headrace.flows.project import Project
from headrace.io import ledger, registry
from headrace.io.cuts import cuts
from headrace.io.lake import Lake
from headrace.models.spec import Training
from headrace.models.training import LABEL, Fitted, fit

__all__ = ["Trained", "labelled", "train"]


@dataclass(frozen=True, slots=True)
class Trained:
    """A registered version and the evidence for it."""

    pinned: registry.Pinned
    fitted: Fitted


def train(spark: SparkSession, project: Project, name: str, say: Callable[[str], None]) -> Trained:
    """Fit the model on everything labelled so far, register it, and let the model's alias stand for it."""
    model = project.models[name]
    if model.training is None:
        raise UsageError(f"models/{name}.yml declares no training: register a version in MLflow, or declare one")
    score, lake = scoring.job(project, name), Lake(project.settings.storage)
    at = cuts(spark, lake, score.feature_sets)
    say(f"train {name}: joining labels and features as of each event")
    rows = scoring.with_features(labelled(spark, lake, score, model.training), model, score.feature_sets, lake, at)
    table = rows.select("record_id", "event_time", LABEL, *scoring.input_values(model, score.contract)).persist()
    try:
        digest = table.agg(ledger.digest(table, table.columns)).first()
        frame = table.toPandas()
    finally:
        table.unpersist()
    say(f"train {name}: fitting {model.training.estimator} on {len(frame):,} rows")
    try:
        fitted = fit(model, model.training, frame)
    except ValueError as error:
        raise UsageError(f"train {name}: {error}") from error
    pinned = registry.register(
        project.settings.registry,
        model.registered_model,
        fitted.estimator,
        frame[list(model.inputs.columns)].head(5),
        alias=model.alias,
        method="predict_proba" if model.output.kind == "probability" else "predict",
        parameters={"estimator": model.training.estimator, "seed": model.training.seed, **model.training.parameters},
        metrics=fitted.metrics,
        tags={
            "headrace.cuts": json.dumps({name: cut.to_json() for name, cut in at.items()}, sort_keys=True),
            "headrace.rows": str(digest[0]) if digest else "",
            "headrace.contract": score.contract.fingerprint,
        },
    )
    return Trained(pinned, fitted)


def labelled(spark: SparkSession, lake: Lake, score: scoring.Score, training: Training) -> DataFrame:
    """The records the model would be asked about whose label has come in time, each with its ``label``.

    A record without a label is left out, one with several takes the first that came.
    """
    label, model = training.label, score.model
    # Only what the contract names: a column the table has grown may have the name of a feature, or of the label.
    asked = lake.read(spark, f"signals_{model.signal}").select(*score.contract.names, "record_id", "event_time")
    if model.where:
        asked = asked.where(F.expr(model.where))
    truth = (
        lake.read(spark, f"signals_{label.signal}")
        .select(F.col(label.by).alias("_by"), F.expr(label.expression).alias(LABEL), F.col("event_time").alias("_at"))
        .groupBy("_by")
        .agg(F.min_by(LABEL, "_at").alias(LABEL), F.min("_at").alias("_at"))
    )
    joined = asked.join(truth, F.col(label.by) == F.col("_by"), how="inner")
    wait = F.expr(f"INTERVAL '{int(label.within.total_seconds())}' SECOND")
    return joined.where((F.col("_at") <= F.col("event_time") + wait) & F.col(LABEL).isNotNull()).drop("_by", "_at")
