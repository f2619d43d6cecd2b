"""The estimators a declaration can name, unfitted. Each is fitted alike every time: one thread, one seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from headrace.models.spec import Training

__all__ = ["Build", "Unfitted", "builder"]


@dataclass(frozen=True, slots=True)
class Unfitted:
    """An estimator, and what its ``fit`` is given beside inputs and labels."""

    estimator: Any
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def fit(self, inputs: pd.DataFrame, labels: pd.Series[Any]) -> Any:
        """The estimator, fitted."""
        return self.estimator.fit(inputs, labels, **self.arguments)


Build = Callable[[Sequence[str], Sequence[str]], Unfitted]
"""From the names of the numbers and of the texts among the inputs to a new estimator."""


def builder(training: Training, *, classifies: bool) -> Build:
    """What makes the declared estimator, a classifier or a regressor. Everything it needs is imported by now.

    Raises ValueError, with the key of ``training`` in front, for a library that is missing, a callable that cannot be
    imported, and a parameter that is not taken.
    """
    own = {"gradient_boosting": _boosting, "logistic_regression": _linear, "lightgbm": _lightgbm}
    build = partial(own.get(training.estimator, _called), training, classifies)
    build((), ())
    return build


def _boosting(training: Training, classifies: bool, numbers: Sequence[str], text: Sequence[str]) -> Unfitted:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if classifies else HistGradientBoostingRegressor
    places = list(range(len(text)))
    last = _made(kind, training, random_state=training.seed, categorical_features=places)
    return Unfitted(_pipeline(_coded(numbers, text), last))


def _lightgbm(training: Training, classifies: bool, numbers: Sequence[str], text: Sequence[str]) -> Unfitted:
    try:
        from lightgbm import LGBMClassifier, LGBMRegressor
    except (ImportError, OSError) as error:  # OSError: the package is there, a library of the system it needs is not
        raise ValueError(f"estimator: lightgbm is not here ({error}): install headrace[lightgbm]") from error

    # One thread, rows first: sums are formed in one order (https://lightgbm.readthedocs.io/en/stable/Parameters.html#deterministic).
    repeatable = {"random_state": training.seed, "n_jobs": 1, "deterministic": True, "force_row_wise": True}
    last = _made(LGBMClassifier if classifies else LGBMRegressor, training, verbose=-1, **repeatable)
    categorical = {"model__categorical_feature": list(range(len(text)))} if text else {}
    return Unfitted(_pipeline(_coded(numbers, text), last), categorical)


def _linear(training: Training, classifies: bool, numbers: Sequence[str], text: Sequence[str]) -> Unfitted:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    filled = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    prepare = ColumnTransformer(
        [("text", OneHotEncoder(handle_unknown="ignore"), list(text)), ("numbers", filled, list(numbers))]
    )
    kind = partial(LogisticRegression, max_iter=1_000) if classifies else Ridge
    return Unfitted(_pipeline(prepare, _made(kind, training, random_state=training.seed)))


def _called(training: Training, classifies: bool, numbers: Sequence[str], text: Sequence[str]) -> Unfitted:
    module, name = training.estimator.split(":")
    try:
        kind = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"estimator: {training.estimator} cannot be imported: {error}") from error
    estimator = _made(kind, training, random_state=training.seed)
    missing = [each for each in ("fit", "predict_proba" if classifies else "predict") if not hasattr(estimator, each)]
    if missing:
        raise ValueError(f"estimator: what {training.estimator} gives has no {' and no '.join(missing)}")
    return Unfitted(estimator)


def _made(kind: Callable[..., Any], training: Training, **ours: Any) -> Any:
    twice = sorted(ours.keys() & training.parameters.keys())
    if twice:
        raise ValueError(f"parameters: {', '.join(twice)} is set by headrace, so that a refit is equal: leave it out")
    try:
        return kind(**ours, **training.parameters)
    except TypeError as error:
        raise ValueError(f"parameters: {training.estimator} does not take them: {error}") from error


def _coded(numbers: Sequence[str], text: Sequence[str]) -> Any:
    """Texts as the numbers of their categories, a new one as missing, in front of the numbers."""
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OrdinalEncoder

    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=250)
    return ColumnTransformer([("text", codes, list(text)), ("numbers", "passthrough", list(numbers))])


def _pipeline(prepare: Any, last: Any) -> Any:
    from sklearn.pipeline import Pipeline

    return Pipeline([("prepare", prepare), ("model", last)])
