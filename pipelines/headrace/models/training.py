"""Fit a version: rows in time order → split by time → estimator → metrics on the newest rows, which it never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from headrace.models.spec import Model, Training

__all__ = ["Fitted", "fit", "metrics"]

LABEL = "label"


@dataclass(frozen=True, slots=True)
class Fitted:
    """An estimator, what it scored on the newest rows, and how many rows it learned from and was measured on."""

    estimator: Any
    metrics: Mapping[str, float]
    learned: int
    held_out: int


def fit(model: Model, training: Training, rows: pd.DataFrame) -> Fitted:
    """Fit the declared estimator on the older rows and measure it on the newest share.

    rows: the model's inputs, ``label`` and ``event_time``. Text inputs are categories, a null is a value of its own.
    The split is by time, never at random: a random one lets the model learn from what had not happened yet.
    Raises ValueError if either side of the split is empty, or a classifier has only one class to learn.
    """
    ordered = rows.sort_values("event_time", kind="stable")
    edge = int(len(ordered) * (1 - training.holdout))
    older, newer = ordered.iloc[:edge], ordered.iloc[edge:]
    if older.empty or newer.empty:
        raise ValueError(f"{len(ordered)} labelled rows are too few to learn from and to measure on")
    inputs = list(model.inputs.columns)
    classifies = model.output.kind == "probability"
    if classifies and older[LABEL].nunique() < 2:
        raise ValueError(f"all {len(older)} rows to learn from have the same label")
    text = [name for name in inputs if not pd.api.types.is_numeric_dtype(older[name])]
    estimator = _estimator(training, inputs, text, classifies=classifies)
    estimator.fit(older[inputs], older[LABEL])
    return Fitted(estimator, metrics(estimator, newer[inputs], newer[LABEL], classifies), len(older), len(newer))


def metrics(estimator: Any, inputs: pd.DataFrame, labels: pd.Series[Any], classifies: bool) -> dict[str, float]:
    """Accuracy, log loss, Brier score and area under the curve of a classifier; mean absolute error of a regressor.

    ``base_log_loss`` is that of always answering the observed rate: what a model has to beat.
    """
    from sklearn.metrics import brier_score_loss, log_loss, mean_absolute_error, roc_auc_score

    if not classifies:
        return {"mean_absolute_error": float(mean_absolute_error(labels, estimator.predict(inputs)))}
    truth = labels.to_numpy(dtype=bool)
    probability = estimator.predict_proba(inputs)[:, 1]
    rate = np.full(len(truth), truth.mean())
    found = {
        "accuracy": float(((probability >= 0.5) == truth).mean()),
        "log_loss": float(log_loss(truth, probability, labels=[False, True])),
        "base_log_loss": float(log_loss(truth, rate, labels=[False, True])),
        "brier": float(brier_score_loss(truth, probability)),
    }
    return found | ({"auc": float(roc_auc_score(truth, probability))} if 0 < truth.sum() < len(truth) else {})


def _estimator(training: Training, inputs: Sequence[str], text: Sequence[str], *, classifies: bool) -> Any:
    from sklearn.pipeline import Pipeline

    numbers = [name for name in inputs if name not in text]
    build = _boosting if training.estimator == "gradient_boosting" else _linear
    prepare, last = build(training, numbers, text, classifies=classifies)
    return Pipeline([("prepare", prepare), ("model", last)])


def _boosting(training: Training, numbers: Sequence[str], text: Sequence[str], *, classifies: bool) -> tuple[Any, Any]:
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.preprocessing import OrdinalEncoder

    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=250)
    prepare = ColumnTransformer([("text", codes, list(text)), ("numbers", "passthrough", list(numbers))])
    kind = HistGradientBoostingClassifier if classifies else HistGradientBoostingRegressor
    places = list(range(len(text)))
    return prepare, kind(random_state=training.seed, categorical_features=places, **training.parameters)


def _linear(training: Training, numbers: Sequence[str], text: Sequence[str], *, classifies: bool) -> tuple[Any, Any]:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    filled = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    prepare = ColumnTransformer(
        [("text", OneHotEncoder(handle_unknown="ignore"), list(text)), ("numbers", filled, list(numbers))]
    )
    if classifies:
        return prepare, LogisticRegression(random_state=training.seed, **{"max_iter": 1_000, **training.parameters})
    return prepare, Ridge(random_state=training.seed, **training.parameters)
