"""A training set: the records a model would be asked about, their features as of each event, their late labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.flows import score as scoring
from headrace.flows.ingest_job import ACCEPTING
from headrace.io import ledger
from headrace.io.cuts import Cut, cuts
from headrace.io.lake import Lake
from headrace.models.spec import Training
from headrace.models.training import LABEL, segment_column

__all__ = ["At", "TrainingSet", "labelled", "newest", "training_set"]


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """What was known of every table that is read: of each signal by query its last batch, of each set its cut."""

    signals: Mapping[str, Mapping[str, int]]
    features: Mapping[str, Cut]

    @classmethod
    def from_json(cls, signals: Mapping[str, Mapping[str, int]], features: Mapping[str, Mapping[str, Any]]) -> At:
        return cls(signals=signals, features={name: Cut.from_json(cut) for name, cut in features.items()})


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The rows, in no order, and the digest of their identities, times, labels and inputs."""

    rows: pd.DataFrame
    digest: str


def newest(spark: SparkSession, lake: Lake, score: scoring.Score, training: Training) -> At:
    """The tables as the ledger has them now: every batch that is whole, none that is being written."""
    signals = dict.fromkeys((score.model.signal, training.label.signal))
    return At(
        signals={name: ledger.last_batches(spark, lake, ACCEPTING, name) for name in signals},
        features=cuts(spark, lake, score.feature_sets),
    )


def training_set(spark: SparkSession, score: scoring.Score, training: Training, at: At) -> TrainingSet:
    """The labelled rows at a cut: the same whenever it is asked for.

    Columns: ``record_id``, ``event_time``, ``label``, the model's inputs; and for each field that is measured by its
    value as text, in its ``segment_column``, which is not in the digest.
    """
    model, lake = score.model, score.lake
    joined = scoring.with_features(
        labelled(spark, lake, score, training, at), model, score.feature_sets, lake, at.features
    )
    segments = [F.col(field).cast("string").alias(segment_column(field)) for field in training.measured_by]
    inputs = scoring.input_values(model, score.contract)
    table = joined.select("record_id", "event_time", LABEL, *inputs, *segments).persist()
    try:
        digest = table.agg(ledger.digest(table, ["record_id", "event_time", LABEL, *model.inputs.columns])).first()
        return TrainingSet(table.toPandas(), str(digest[0]) if digest else "")
    finally:
        table.unpersist()


def labelled(spark: SparkSession, lake: Lake, score: scoring.Score, training: Training, at: At) -> DataFrame:
    """The records the model would be asked about whose label has come in time, each with its ``label``.

    label: BOOLEAN where the model answers with a probability, else DOUBLE.
    A record without a label is left out, one with several takes the first by event time, then by record.
    """
    label, model = training.label, score.model
    # Only what the contract names: a column the table has grown may have the name of a feature, or of the label.
    known = lake.as_of(spark, f"signals_{model.signal}", at.signals[model.signal])
    asked = known.select(*score.contract.names, "record_id", "event_time")
    if model.where:
        asked = asked.where(F.expr(model.where))
    value = F.expr(label.expression).try_cast("boolean" if model.classifies else "double")
    came = F.struct("event_time", "record_id")
    truth = (
        lake.as_of(spark, f"signals_{label.signal}", at.signals[label.signal])
        .groupBy(F.col(label.by).alias("_by"))
        .agg(F.min_by(value, came).alias(LABEL), F.min("event_time").alias("_at"))
    )
    joined = asked.join(truth, F.col(label.by) == F.col("_by"), how="inner")
    wait = F.expr(f"INTERVAL '{int(label.within.total_seconds())}' SECOND")
    return joined.where((F.col("_at") <= F.col("event_time") + wait) & F.col(LABEL).isNotNull()).drop("_by", "_at")
