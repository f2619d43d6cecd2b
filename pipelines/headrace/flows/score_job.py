"""The scoring of one model as plain values: what its batches need, and what goes into the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.config import Registry
from headrace.contracts.model import Contract
from headrace.features.as_of import Values, as_of, near
from headrace.features.spec import FeatureSet
from headrace.flows.catalog import input_columns
from headrace.flows.checkpoints import checkpoint_path
from headrace.flows.project import Project
from headrace.io.checkpoint import Checkpoint
from headrace.io.cut import Cut
from headrace.io.lake import Lake
from headrace.models.spec import Model
from headrace.tables import Column

__all__ = [
    "FLOW",
    "Score",
    "described",
    "eligible_records",
    "input_values",
    "job",
    "with_features",
]

FLOW = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """All that one model's batches need.

    inputs: what goes into the model, as columns. at_most: how many upstream batches a batch takes.
    patient: whether it waits for features that are behind.
    """

    model: Model
    contract: Contract
    feature_sets: Mapping[str, FeatureSet]
    inputs: tuple[Column, ...]
    registry: Registry
    lake: Lake
    checkpoint: Checkpoint
    at_most: int
    patient: bool = True


def job(project: Project, name: str, *, patient: bool = True) -> Score:
    """The flow of one model as the project declares it."""
    return described(project, project.models[name], patient=patient)


def described(project: Project, model: Model, *, patient: bool = True) -> Score:
    """The flow of a declaration, on the project's contracts, feature sets and tables."""
    contract = project.contracts[model.signal]
    return Score(
        model=model,
        contract=contract,
        feature_sets={part.set: project.feature_sets[part.set] for part in model.inputs.features},
        inputs=tuple(input_columns(project, model)),
        registry=project.settings.registry,
        lake=Lake(project.settings.storage),
        at_most=project.settings.upstream_batches,
        checkpoint=Checkpoint(checkpoint_path(project, FLOW, model.name)),
        patient=patient,
    )


def with_features(
    rows: DataFrame,
    model: Model,
    feature_sets: Mapping[str, FeatureSet],
    lake: Lake,
    at: Mapping[str, Cut],
    *,
    between: tuple[int, int] | None = None,
) -> DataFrame:
    """The rows with the model's features as of their event time, at the given cuts; for serving and training alike.

    between: the first and the last second of their event times, where they are known; see ``as_of``.
    """
    sets = [
        Values(
            feature_set=feature_sets[part.set],
            prefix=part.name,
            log=_log(rows.sparkSession, lake, feature_sets[part.set], between),
            cut=at[part.set].batches,
            backfill=at[part.set].backfill_id,
            by=part.by,
            take=part.take,
        )
        for part in model.inputs.features
    ]
    return as_of(rows, sets, between=between)


def _log(spark: SparkSession, lake: Lake, feature_set: FeatureSet, between: tuple[int, int] | None) -> DataFrame:
    """The set's log, or what of it rows between two seconds can see."""
    table = f"features_{feature_set.name}_log"
    if between is None:
        return lake.read(spark, table)
    return lake.between(spark, table, "window_end", *near(between, feature_set.time_to_live))


def eligible_records(model: Model) -> SparkColumn:
    """True for a record the model is asked about; a condition that is null means no."""
    condition = F.coalesce(F.expr(model.where), F.lit(False)) if model.where else F.lit(True)
    return condition & (F.col("event_time") >= F.lit(model.start)) if model.start else condition


def input_values(score: Score) -> list[SparkColumn]:
    """The model's inputs under their names and types."""
    return [F.col(column.name).cast(column.type).alias(column.name) for column in score.inputs]
