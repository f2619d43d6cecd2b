"""One estimator a value of an input, as one estimator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from headrace.models.estimators import Build

__all__ = ["Routed", "routed"]


@dataclass
class Routed:
    """Answers each row by the estimator of its value, and by ``shared`` where that value has none, or is null.

    by: the column that decides. values: those with an estimator of their own, in ``own``, in this order.
    It has no ``fit``: ``routed`` makes it.
    """

    by: str
    values: list[Any]
    own: list[Any]
    shared: Any

    def predict(self, rows: pd.DataFrame) -> npt.NDArray[Any]:
        """One answer a row, in the order of the rows."""
        return self._asked("predict", rows)

    def predict_proba(self, rows: pd.DataFrame) -> npt.NDArray[Any]:
        """The probability of each class, one row of them a row."""
        return self._asked("predict_proba", rows)

    def _asked(self, method: str, rows: pd.DataFrame) -> npt.NDArray[Any]:
        """One call an estimator, whatever the number of rows."""
        chosen = pd.Index(self.values).get_indexer(pd.Index(rows[self.by]))
        places = [np.flatnonzero(chosen == each) for each in np.unique(chosen)]
        answers = [
            np.asarray(getattr(self.shared if chosen[at[0]] < 0 else self.own[chosen[at[0]]], method)(rows.iloc[at]))
            for at in places
        ]
        return np.concatenate(answers)[np.argsort(np.concatenate(places))]


def routed(
    build: Build,
    inputs: pd.DataFrame,
    labels: pd.Series[Any],
    *,
    by: str,
    min_rows: int,
    numbers: Sequence[str],
    text: Sequence[str],
    classifies: bool,
) -> Routed:
    """Fit one estimator on all rows, and one for each value of ``by`` that has enough of them.

    A value is left to the shared estimator if it has less than ``min_rows`` rows, is null, lacks an input in all of its
    rows, or, for a classifier, has seen fewer classes than there are.
    """
    classes = labels.nunique() if classifies else 0
    values, own = [], []
    for value, rows in inputs.groupby(by, sort=True):
        theirs = labels.loc[rows.index]
        if len(rows) >= min_rows and theirs.nunique() >= classes and not rows.isna().all().any():
            values.append(value)
            own.append(build(numbers, text).fit(rows, theirs))
    return Routed(by, values, own, build(numbers, text).fit(inputs, labels))
