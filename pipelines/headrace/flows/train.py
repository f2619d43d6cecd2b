"""Train: what was learned so far → a registered version, with its evidence and the recipe to make it again."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pyspark.sql import SparkSession

from headrace.flows.learn import Learned, Say, learn
from headrace.flows.project import Project
from headrace.io import runs
from headrace.io.registry import Pinned
from headrace.io.training_runs import CUTS
from headrace.models.recipe import Recipe
from headrace.models.spec import Model
from headrace.models.training import Fitted

__all__ = ["CHALLENGER", "RECIPE", "Trained", "train"]

CHALLENGER = "challenger"
"""The alias of the version that was trained last."""
RECIPE = "recipe.json"


@dataclass(frozen=True, slots=True)
class Trained:
    """A registered version, the aliases that stand for it now, and the evidence for it."""

    pinned: Pinned
    aliases: tuple[str, ...]
    fitted: Fitted
    recipe: Recipe


def train(spark: SparkSession, project: Project, name: str, say: Say) -> Trained:
    """Fit the model on everything labelled so far, measure it and register it as ``challenger``.

    Where nothing has the model's alias yet, the version takes that as well; an alias that stands for a version is
    never moved, for that is a decision about evidence.
    Raises UsageError if there is too little to learn from, ConfigError if the estimator cannot be had.
    """
    model = project.written[name]
    learned = learn(spark, project, model, None, say)
    pinned = _registered(project, model, learned)
    first = model.alias != CHALLENGER and runs.take_free_alias(pinned, model.alias)
    return Trained(pinned, (model.alias, CHALLENGER) if first else (CHALLENGER,), learned.fitted, learned.recipe)


def _registered(project: Project, model: Model, learned: Learned) -> Pinned:
    fitted, recipe, training = learned.fitted, learned.recipe, learned.training
    per = {"per": training.per, "min_rows": training.min_rows} if training.per else {}
    return runs.register(
        project.settings.registry,
        model.registered_model,
        fitted.estimator,
        learned.example,
        alias=CHALLENGER,
        method="predict_proba" if model.classifies else "predict",
        parameters={"estimator": training.estimator, "seed": training.seed, **per, **training.parameters},
        metrics=fitted.metrics,
        tags={
            runs.ROWS: recipe.rows,
            CUTS: json.dumps(recipe.features, sort_keys=True),
            "headrace.contract": recipe.contracts[model.signal],
            "headrace.commit": str(recipe.code["commit"] or ""),
        },
        documents={
            RECIPE: recipe.model_dump_json(indent=2),
            "environment.txt": "".join(f"{name}=={version}\n" for name, version in recipe.environment.items()),
            "reference.json": json.dumps(fitted.reference, indent=2),
            "segments.json": fitted.segments.to_json(orient="records", indent=2),
        },
    )
