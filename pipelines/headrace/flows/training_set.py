"""A training set: the records a model would be asked about, their features as of each event, their late labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.flows import score_job
from headrace.flows.ingest_job import ACCEPTING
from headrace.io import ledger
from headrace.io.cut import Cut
from headrace.io.cuts import cuts
from headrace.io.lake import Lake
from headrace.models.labels import LABEL, labelled
from headrace.models.spec import Training
from headrace.models.training import segment_column

__all__ = ["At", "TrainingSet", "newest", "training_set"]


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


def newest(spark: SparkSession, lake: Lake, score: score_job.Score, training: Training) -> At:
    """The tables as the ledger has them now: every batch that is whole, none that is being written."""
    signals = dict.fromkeys((score.model.signal, training.label.signal))
    return At(
        signals={name: ledger.last_batches(spark, lake, ACCEPTING, name) for name in signals},
        features=cuts(spark, lake, score.feature_sets),
    )


def training_set(spark: SparkSession, score: score_job.Score, training: Training, at: At) -> TrainingSet:
    """The labelled rows at a cut: the same whenever it is asked for.

    Columns: ``record_id``, ``event_time``, ``label``, the model's inputs; and for each field that is measured by its
    value as text, in its ``segment_column``, which is not in the digest.
    """
    model, lake = score.model, score.lake
    labels = _labelled(spark, score, training, at)
    joined = score_job.with_features(labels, model, score.feature_sets, lake, at.features)
    segments = [F.col(field).cast("string").alias(segment_column(field)) for field in training.measured_by]
    inputs = score_job.input_values(score)
    table = joined.select("record_id", "event_time", LABEL, *inputs, *segments).persist()
    try:
        digest = table.agg(ledger.digest(table, ["record_id", "event_time", LABEL, *model.inputs.columns])).first()
        return TrainingSet(table.toPandas(), str(digest[0]) if digest else "")
    finally:
        table.unpersist()


def _labelled(spark: SparkSession, score: score_job.Score, training: Training, at: At) -> DataFrame:
    """The records the model would be asked about whose label is known."""
    model, lake, label = score.model, score.lake, training.label
    # Only what the contract names: a column the table has grown may have the name of a feature, or of the label.
    known = lake.as_of(spark, f"signals_{model.signal}", at.signals[model.signal])
    asked = known.select(*score.contract.names, "record_id", "event_time")
    told = lake.as_of(spark, f"signals_{label.signal}", at.signals[label.signal])
    return labelled(
        asked.where(F.expr(model.where)) if model.where else asked, told, label, classifies=model.classifies
    )
