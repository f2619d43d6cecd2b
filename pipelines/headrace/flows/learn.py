"""Learn: a declaration and a cut → a fitted version and its recipe. Nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from pyspark.sql import SparkSession

from headrace.config import duration_text
from headrace.errors import ConfigError, UsageError
from headrace.flows import score_job
from headrace.flows.model_references import compiled
from headrace.flows.project import Project
from headrace.flows.training_set import At, newest, training_set
from headrace.io.environment import code, installed
from headrace.models.estimators import Build, builder
from headrace.models.recipe import Recipe
from headrace.models.spec import Model, Training
from headrace.models.training import Fitted, fit

__all__ = ["Learned", "Say", "learn", "ready"]

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Learned:
    """A fitted version before it is registered. example: a few rows of its inputs."""

    training: Training
    recipe: Recipe
    fitted: Fitted
    example: pd.DataFrame


def learn(spark: SparkSession, project: Project, model: Model, at: At | None, say: Say) -> Learned:
    """Fit a declaration on what was known at a cut; None is now. The same cut gives the same bits.

    model: with training, its expressions as written. project: gives contracts, feature sets and tables.
    """
    training, build, score = ready(project, model)
    cut = at or newest(spark, score.lake, score, training)
    say(f"train {model.name}: joining labels and features as of each event")
    found = training_set(spark, score, training, cut)
    say(f"train {model.name}: fitting {training.estimator} on {len(found.rows):,} rows")
    try:
        fitted = fit(model, training, build, found.rows)
    except ValueError as error:
        raise UsageError(f"train {model.name}: {error}") from error
    recipe = Recipe(
        model=model,
        signals={name: dict(batches) for name, batches in cut.signals.items()},
        features={name: one.to_json() for name, one in cut.features.items()},
        rows=found.digest,
        contracts={name: project.contracts[name].fingerprint for name in cut.signals},
        feature_sets={
            name: {"fingerprint": one.fingerprint, "time_to_live": duration_text(one.time_to_live)}
            for name, one in score.feature_sets.items()
        },
        code=code(project.root),
        environment=installed(),
        metrics=dict(fitted.metrics),
        answers=fitted.answers,
    )
    return Learned(training, recipe, fitted, found.rows[list(model.inputs.columns)].head(5))


def ready(project: Project, model: Model) -> tuple[Training, Build, score_job.Score]:
    """All that can be known to be wrong before anything is read; no Spark.

    Raises ConfigError or UsageError if it is.
    """
    try:
        safe = compiled(model, project.contracts)
    except ValueError as error:
        raise UsageError(f"{model.name}: its expressions do not fit the contracts of today: {error}") from error
    if safe.training is None:
        raise UsageError(f"models/{model.name}.yml declares no training: register a version in MLflow, or declare one")
    try:
        build = builder(safe.training, classifies=model.classifies)
    except ValueError as error:
        raise ConfigError([f"models/{model.name}.yml: training.{error}"]) from error
    return safe.training, build, score_job.described(project, safe)
