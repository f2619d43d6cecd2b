"""A model as declared in ``conf/models/<name>.yml``: what it is asked, with which inputs, how it is trained."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from pydantic import AwareDatetime, Field, field_validator

from headrace.config import Duration, Name, Section

__all__ = ["ESTIMATORS", "LABEL", "FeatureInput", "Inputs", "Label", "Model", "Output", "Training"]

ESTIMATORS = ("gradient_boosting", "logistic_regression", "lightgbm")
# What is learned is called so among the columns it is learned from.
LABEL = "label"
_CALLABLE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


class FeatureInput(Section):
    """Values taken as of a record's event time from one feature set.

    by: the set's entity columns, each with the signal's field that holds its value.
    take: names of its features; the model sees them as ``<prefix>_<feature>``.
    prefix: left out, the set's name. A set may be asked about several entities, as the weather at both ends of a
        flight: each time with a prefix of its own.
    """

    set: Name
    prefix: Name | None = None
    by: dict[str, str] = Field(min_length=1)
    take: tuple[Name, ...] = Field(min_length=1)

    @property
    def name(self) -> str:
        """What the model's columns and the ages of its decisions know these values by."""
        return self.prefix or self.set

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(f"{self.name}_{feature}" for feature in self.take)


class Inputs(Section):
    """What the model sees, in this order: fields of the signal, then features."""

    signal: tuple[str, ...] = ()
    features: tuple[FeatureInput, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return self.signal + tuple(column for part in self.features for column in part.columns)


class Output(Section):
    """What the model answers.

    column: name or position of the answer in what ``predict`` returns; left out, it returns one column.
    kind: a ``probability`` lies in [0, 1], and its confidence is max(p, 1 - p); a ``value`` is any finite number.
    """

    name: Name
    column: str | int | None = None
    kind: Literal["probability", "value"] = "value"


class Label(Section):
    """The ground truth that comes late.

    signal, by: the signal that brings it and the field, common to both, that joins it to the scored one.
    expression: over that signal's fields; its value is the label.
    within: a label later than this after the event is not waited for.
    """

    signal: Name
    by: str
    expression: str
    within: Duration


class Training(Section):
    """How ``headrace train`` fits a version.

    estimator: one of ``ESTIMATORS``, or ``package.module:name``: a callable that takes the parameters and
        ``random_state`` and gives an estimator as scikit-learn's are, which is given the inputs as a DataFrame.
    holdout: the newest share of the rows, kept for the metrics.
    segments: fields of the signal; of each of their values the metrics are given too.
    per: a field among the inputs. Each of its values with at least ``min_rows`` rows to learn from has an estimator
        of its own; one that learned from all rows answers for the others, and for values never seen.
    """

    label: Label
    estimator: str = "gradient_boosting"
    parameters: Mapping[str, int | float | str | bool] = Field(default_factory=dict)
    holdout: float = Field(default=0.25, gt=0, lt=1)
    seed: int = 0
    segments: tuple[str, ...] = ()
    per: str | None = None
    min_rows: int = Field(default=500, ge=1)

    @field_validator("estimator")
    @classmethod
    def _known(cls, value: str) -> str:
        if value in ESTIMATORS or _CALLABLE.fullmatch(value):
            return value
        raise ValueError(f"must be one of {', '.join(ESTIMATORS)}, or a callable as package.module:name")

    @property
    def measured_by(self) -> tuple[str, ...]:
        """The fields whose values are measured apart: the segments, and what estimators are fitted by."""
        return tuple(dict.fromkeys((*self.segments, *([self.per] if self.per else []))))


class Model(Section):
    """One model that scores one signal.

    registered_model, alias: where MLflow's registry keeps it, and the alias whose version is pinned per batch.
    where: only records for which this holds are scored; the others are counted as skipped.
    start: records of events before this are not scored.
    wait: how long a batch waits for features to reach its event time before its rows are marked as behind.
    """

    name: Name
    description: str = ""
    signal: Name
    registered_model: str
    alias: str = "champion"
    where: str | None = None
    start: AwareDatetime | None = None
    wait: Duration = timedelta(seconds=30)
    inputs: Inputs
    output: Output
    training: Training | None = None

    @property
    def first_version(self) -> str:
        """How a version comes to be that the alias stands for."""
        if self.training is not None:
            return f"'headrace train {self.name}' makes one"
        return f"register one of yours under that alias, or declare 'training' in conf/models/{self.name}.yml"

    @property
    def classifies(self) -> bool:
        """Whether it answers with the probability that something is so."""
        return self.output.kind == "probability"
