"""Reproduce: a version made again from the cuts of its recipe, and compared with what it was."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from pydantic import ValidationError
from pyspark.sql import SparkSession

from headrace.errors import UsageError
from headrace.flows.learn import Say, learn
from headrace.flows.project import Project
from headrace.flows.train import RECIPE
from headrace.flows.training_set import At
from headrace.io.versions import document
from headrace.models.recipe import Part, Recipe, compared
from headrace.models.spec import Model

__all__ = ["Reproduced", "reproduce", "undeclared"]


@dataclass(frozen=True, slots=True)
class Reproduced:
    """What became of each part of a run."""

    run: str
    model: str
    parts: tuple[Part, ...]

    @property
    def equal(self) -> bool:
        """Whether rows, metrics and answers are what they were, to the last bit."""
        return all(part.equal for part in self.parts if part.decides)


def reproduce(spark: SparkSession, project: Project, run: str, say: Say) -> Reproduced:
    """Read what the run read, fit what it fitted, and compare. Nothing is written.

    run: a run's id, or ``models:/name/version``. The declaration is the one of the recipe; where conf/ says something
    else by now, that is a part that differs.
    Raises UsageError if the run has no recipe, or what it was made from is not declared any more.
    """
    recorded = _recipe(project, run)
    gone = undeclared(project, recorded)
    if gone:
        raise UsageError(f"{run} was made from what conf/ no longer declares: {', '.join(gone)}")
    model = recorded.model
    found = learn(spark, project, model, At.from_json(recorded.signals, recorded.features), say).recipe
    declared = project.written.get(model.name, model)
    parts = compared(recorded, found.model_copy(update={"model": declared}))
    return Reproduced(run, model.name, tuple(parts))


def _recipe(project: Project, run: str) -> Recipe:
    text = document(project.settings.registry, run, RECIPE)
    try:
        return Recipe.model_validate_json(text)
    except ValidationError as error:
        raise UsageError(f"{run}: this version of headrace cannot read its {RECIPE}: {error}") from error


def undeclared(project: Project, recorded: Recipe) -> list[str]:
    """What a recipe takes from signals and feature sets that is not declared any more."""
    declared: dict[str, Collection[str]] = {
        **{f"signal {name}": contract.names for name, contract in project.contracts.items()},
        **{f"feature set {name}": one.columns for name, one in project.feature_sets.items()},
    }
    lost = []
    for owner, names in _taken(recorded.model):
        if owner in declared:
            lost += [f"{name} of {owner}" for name in names if name not in declared[owner]]
        else:
            lost.append(owner)
    return lost


def _taken(model: Model) -> Iterator[tuple[str, Iterable[str]]]:
    keys = [field for part in model.inputs.features for field in part.by.values()]
    training = model.training
    if training is not None:
        keys += [training.label.by, *training.measured_by]
        yield f"signal {training.label.signal}", [training.label.by]
    yield f"signal {model.signal}", dict.fromkeys((*model.inputs.signal, *keys))
    for part in model.inputs.features:
        yield f"feature set {part.set}", part.take
