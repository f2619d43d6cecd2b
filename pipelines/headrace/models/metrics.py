"""How good the answers are, over all rows and by segment."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["SMALL", "by_segment", "metrics"]

SMALL = 30
"""A segment with fewer rows than this is named and counted, not measured: its metrics would say little."""


def metrics(labels: pd.Series[Any], answers: npt.NDArray[np.float64], *, classifies: bool) -> dict[str, float]:
    """Accuracy, log loss, Brier score and area under the curve of probabilities; mean absolute error of values.

    labels: the truth, in the order of the answers. ``base_log_loss`` is that of always answering the observed rate:
    what a model has to beat. ``auc`` is left out where only one outcome was seen. The values are scikit-learn's
    (https://scikit-learn.org/stable/modules/model_evaluation.html).
    Raises ValueError if an answer is NaN.
    """
    from sklearn.metrics import brier_score_loss, log_loss, mean_absolute_error, roc_auc_score

    if not classifies:
        return {"mean_absolute_error": float(mean_absolute_error(labels, answers))}
    truth = labels.to_numpy(dtype=bool)
    rate = np.full(len(truth), truth.mean())
    found = {
        "accuracy": float(((answers >= 0.5) == truth).mean()),
        "log_loss": float(log_loss(truth, answers, labels=[False, True])),
        "base_log_loss": float(log_loss(truth, rate, labels=[False, True])),
        "brier": float(brier_score_loss(truth, answers)),
    }
    return found | ({"auc": float(roc_auc_score(truth, answers))} if 0 < truth.sum() < len(truth) else {})


def by_segment(
    segments: pd.DataFrame, labels: pd.Series[Any], answers: npt.NDArray[np.float64], *, classifies: bool
) -> pd.DataFrame:
    """The metrics of every value of every column of ``segments``, null among them.

    Columns: ``field``, ``value`` (text, or None), ``rows``, ``small`` (fewer than ``SMALL`` of them), the metrics,
    NaN of what is small.
    """
    found: list[dict[str, Any]] = []
    for field in segments.columns:
        codes, values = pd.factorize(segments[field], sort=True)
        for code in np.unique(codes):
            at = np.flatnonzero(codes == code)
            small = len(at) < SMALL
            measured = {} if small else metrics(labels.iloc[at], answers[at], classifies=classifies)
            value = None if code < 0 else values[code]
            found.append({"field": field, "value": value, "rows": len(at), "small": small, **measured})
    return pd.DataFrame(found) if found else pd.DataFrame(columns=["field", "value", "rows", "small"])
