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


def answered(model: Model, frame: pd.DataFrame, predict: Callable[[pd.DataFrame], Any]) -> pd.DataFrame:
    """The frame with the model's output and ``confidence``; NaN where it gave no usable answer.

    frame: a column for each of the model's inputs, and any others. predict: of the pinned version.
    """
    inputs = frame[list(model.inputs.columns)]
    values = answers(predict(inputs), model.output, len(frame)) if len(frame) else np.empty(0)
    return frame.assign(**{model.output.name: values, "confidence": confidence(values, model.output)})


def answers(returned: Any, output: Output, rows: int) -> Floats:
    """The model's answer for each of ``rows`` rows as floats; NaN where it gave none that can be used.

    returned: what ``predict`` gave: an array of one or two dimensions, a Series, a DataFrame or a list.
    A wrong number of rows, a missing column or something that is not a number makes every answer NaN, for then no
    answer can be matched to its row.
    """
    try:
        column = np.asarray(_column(returned, output.column), dtype=np.float64).reshape(-1)
    except (KeyError, IndexError, TypeError, ValueError):
        return np.full(rows, np.nan)
    if len(column) != rows:
        return np.full(rows, np.nan)
    usable = np.isfinite(column)
    if output.kind == "probability":
        usable &= (column >= 0) & (column <= 1)
    return np.where(usable, column, np.nan)


def confidence(values: Floats, output: Output) -> Floats:
    """max(p, 1 - p) of probabilities; NaN for any other answer."""
    return np.maximum(values, 1 - values) if output.kind == "probability" else np.full(len(values), np.nan)


def _column(returned: Any, column: str | int | None) -> Any:
    if isinstance(returned, pd.DataFrame):
        if column is None:
            return returned.iloc[:, 0]
        return returned.iloc[:, column] if isinstance(column, int) else returned[column]
    array = np.asarray(returned)
    return array[:, column] if array.ndim == 2 and isinstance(column, int) else array
