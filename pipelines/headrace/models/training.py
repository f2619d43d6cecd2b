"""Fit a version: rows in one order → split by time → estimator → metrics on the newest rows, which it never saw."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from headrace.errors import ModelFailed
from headrace.models.answers import answers
from headrace.models.estimators import Build
from headrace.models.labels import LABEL
from headrace.models.metrics import by_segment, metrics
from headrace.models.reference import histograms
from headrace.models.routed import Routed, routed
from headrace.models.spec import Model, Training

__all__ = ["Fitted", "fit", "segment_column"]


def segment_column(field: str) -> str:
    """Where the rows to fit hold a field that segments them: not under its own name, which an input may have."""
    return f"_segment_{field}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """An estimator and what is known of it.

    learned, held_out: the rows it learned from and those it was measured on.
    metrics, segments: on the rows held out, over all and as from ``by_segment``.
    answers: SHA-256 of the answers to the rows held out, in their order, as float64: equal only if every bit is.
    reference: histograms of every input over all rows, and of the answers to the rows held out.
    own: the values of ``per`` that have an estimator of their own.
    """

    estimator: Any
    learned: int
    held_out: int
    metrics: Mapping[str, float]
    segments: pd.DataFrame
    answers: str
    reference: Mapping[str, Any]
    own: tuple[str, ...]


def fit(model: Model, training: Training, build: Build, rows: pd.DataFrame) -> Fitted:
    """Fit on the older rows and measure on the newest share; the same rows, in any order, give the same bits.

    rows: ``record_id``, ``event_time``, ``label``, the model's inputs, and a ``segment_column`` for each field that
    is measured by. Text inputs are categories, a null is a value of its own. build: of the declared estimator.
    The split is by time, never at random: a random one lets the model learn from what had not happened yet.
    Raises ValueError if either side of the split is empty, a classifier has only one class to learn, or an input has no
    value in any row to learn from.
    """
    from threadpoolctl import threadpool_limits

    older, newer = _split(rows, training.holdout)
    if model.classifies and older[LABEL].nunique() < 2:
        raise ValueError(f"all {len(older)} rows to learn from have the same label")
    inputs = list(model.inputs.columns)
    empty = [name for name in inputs if older[name].isna().all()]
    if empty:
        raise ValueError(f"{', '.join(empty)}: there is no value in any of the {len(older)} rows to learn from")
    # Sums formed by several threads need not be equal; and on a busy machine several are many times slower.
    with threadpool_limits(limits=1):
        estimator = _fitted(model, training, build, older)
        predict = estimator.predict_proba if model.classifies else estimator.predict
        answered = _answers(model, training, predict(newer[inputs]), len(newer))
    segments = newer[[segment_column(field) for field in training.measured_by]].set_axis(
        list(training.measured_by), axis="columns"
    )
    return Fitted(
        estimator=estimator,
        learned=len(older),
        held_out=len(newer),
        metrics=metrics(newer[LABEL], answered, classifies=model.classifies),
        segments=by_segment(segments, newer[LABEL], answered, classifies=model.classifies),
        answers=_digest(answered),
        reference=histograms(rows[inputs]) | histograms(pd.DataFrame({model.output.name: answered})),
        own=tuple(map(str, estimator.values)) if isinstance(estimator, Routed) else (),
    )


def _split(rows: pd.DataFrame, holdout: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    ordered = rows.sort_values(["event_time", "record_id"], ignore_index=True)
    edge = int(len(ordered) * (1 - holdout))
    older, newer = ordered.iloc[:edge], ordered.iloc[edge:]
    if older.empty or newer.empty:
        raise ValueError(f"{len(ordered)} labelled rows are too few to learn from and to measure on")
    return older, newer


def _fitted(model: Model, training: Training, build: Build, rows: pd.DataFrame) -> Any:
    inputs, labels = rows[list(model.inputs.columns)], rows[LABEL]
    text = [name for name in model.inputs.columns if not pd.api.types.is_numeric_dtype(inputs[name])]
    numbers = [name for name in model.inputs.columns if name not in text]
    if training.per is None:
        return build(numbers, text).fit(inputs, labels)
    return routed(
        build,
        inputs,
        labels,
        by=training.per,
        min_rows=training.min_rows,
        numbers=numbers,
        text=text,
        classifies=model.classifies,
    )


def _answers(model: Model, training: Training, returned: Any, rows: int) -> npt.NDArray[np.float64]:
    try:
        found = answers(returned, model.output, rows)
    except ModelFailed as error:
        raise ValueError(f"{training.estimator} {error}") from error
    unusable = [reason for reason in found.reasons if reason is not None]
    if unusable:
        raise ValueError(
            f"{training.estimator} has no usable {model.output.name} for {len(unusable)} rows: it {unusable[0]}"
        )
    return found.values


def _digest(values: npt.NDArray[np.float64]) -> str:
    return hashlib.sha256(np.ascontiguousarray(values, dtype="<f8").tobytes()).hexdigest()
