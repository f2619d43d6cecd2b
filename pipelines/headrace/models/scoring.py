"""From what a model returned to one answer a row. Works on the columns of a whole batch, never on single rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from headrace.models.spec import Model, Output

__all__ = ["answered", "answers", "confidence"]

Floats = npt.NDArray[np.float64]

# So often it may raise in a batch before it is the model that fails, and not a record; of fewer records that all fail
# nobody can tell.
_FAILURES, _FEW = 200, 10


def answered(model: Model, frame: pd.DataFrame, predict: Callable[[pd.DataFrame], Any]) -> pd.DataFrame:
    """The frame with the model's output and ``confidence``; NaN where it gave no usable answer.

    frame: a column for each of the model's inputs, and any others. predict: of the pinned version; records it raises
    for have no answer. Raises what it raises, where that is for all of them or again and again.
    """
    values = _answers_of_halves(frame[list(model.inputs.columns)], model.output, predict)
    return frame.assign(**{model.output.name: values, "confidence": confidence(values, model.output)})


def answers(returned: Any, output: Output, rows: int) -> Floats:
    """The model's answer for each of ``rows`` rows as floats; NaN where it gave none that can be used.

    returned: what ``predict`` gave: an array of one or two dimensions, a Series, a DataFrame or a list.
    A wrong number of rows, a missing column, one of several that is not named, or something that is not a number makes
    every answer NaN, for then no answer can be matched to its row.
    """
    try:
        column = np.asarray(_column(returned, output.column), dtype=np.float64)
    except (KeyError, IndexError, TypeError, ValueError, OverflowError):
        return np.full(rows, np.nan)
    if column.shape != (rows,):
        return np.full(rows, np.nan)
    usable = np.isfinite(column)
    if output.kind == "probability":
        usable &= (column >= 0) & (column <= 1)
    return np.where(usable, column, np.nan)


def _answers_of_halves(inputs: pd.DataFrame, output: Output, predict: Callable[[pd.DataFrame], Any]) -> Floats:
    """The answers; where it raises, those of each half, down to the records it raises for."""
    values, answered_some = np.full(len(inputs), np.nan), False
    left, errors = [(0, len(inputs))] if len(inputs) else [], list[Exception]()
    while left:
        first, end = left.pop()
        try:
            returned = predict(inputs.iloc[first:end])
        except Exception as error:
            errors.append(error)
            middle = (first + end) // 2
            left += [(middle, end), (first, middle)] if end - first > 1 else []
            if len(errors) > _FAILURES:
                raise errors[0] from None
        else:
            values[first:end], answered_some = answers(returned, output, end - first), True
    if errors and not answered_some and len(inputs) >= _FEW:
        raise errors[0]
    return values


def confidence(values: Floats, output: Output) -> Floats:
    """max(p, 1 - p) of probabilities; NaN for any other answer."""
    return np.maximum(values, 1 - values) if output.kind == "probability" else np.full(len(values), np.nan)


def _column(returned: Any, column: str | int | None) -> Any:
    if isinstance(returned, pd.DataFrame):
        return returned[column] if isinstance(column, str) else _column(returned.to_numpy(), column)
    array = np.asarray(returned)
    if array.ndim != 2:
        return array
    if isinstance(column, int):
        return array[:, column]
    return array[:, 0] if array.shape[1] == 1 else array
