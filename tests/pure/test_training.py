"""A version is fitted alike every time, measured on what it never saw, over all and by segment."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from headrace.models.estimators import builder
from headrace.models.metrics import by_segment, metrics
from headrace.models.reference import histograms
from headrace.models.spec import Model
from headrace.models.training import Fitted, fit, segment_column

LABEL = {"signal": "served", "by": "order_id", "expression": "minutes", "within": "3 hours"}


def declared(output: str = "probability", **training: Any) -> Model:
    column = 1 if output == "probability" else None
    return Model.model_validate(
        {
            "name": "wait",
            "signal": "orders",
            "registered_model": "wait",
            "inputs": {"signal": ["kitchen", "dishes"]},
            "output": {"name": "long", "kind": output, "column": column},
            "training": {"label": LABEL, "seed": 7, **training},
        }
    )


def orders(count: int = 1_200) -> pd.DataFrame:
    """Orders of three kitchens: the market is slow with few dishes, the others with many; station has few orders."""
    chance = np.random.default_rng(1)
    kitchen = chance.choice(["harbour", "market", "station"], count, p=[0.55, 0.4, 0.05])
    dishes = chance.integers(1, 9, count).astype(float)
    slow = np.where(kitchen == "market", dishes < 4, dishes > 5) ^ (chance.random(count) < 0.05)
    dishes[::50] = np.nan
    return pd.DataFrame(
        {
            "record_id": [f"orders/{each:05d}" for each in range(count)],
            # Ten orders a minute: only their identities order them.
            "event_time": pd.Timestamp("2026-05-01") + pd.to_timedelta(np.arange(count) // 10, unit="min"),
            "label": slow,
            "kitchen": [None if each % 97 == 0 else one for each, one in enumerate(kitchen)],
            "dishes": dishes,
        }
    ).assign(**{segment_column("kitchen"): lambda rows: rows["kitchen"]})


def fitted(model: Model, rows: pd.DataFrame) -> Fitted:
    assert model.training is not None
    return fit(model, model.training, builder(model.training, classifies=model.classifies), rows)


ESTIMATORS: Mapping[str, Mapping[str, Any]] = {
    "gradient_boosting": {"max_iter": 30},
    "logistic_regression": {"C": 0.5},
    "lightgbm": {"n_estimators": 30},
    "tests.pure.estimators:neighbours": {"count": 15},
}


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("per", [None, "kitchen"])
def test_the_same_rows_in_any_order_give_the_same_bits(estimator: str, per: str | None) -> None:
    model = declared(estimator=estimator, parameters=ESTIMATORS[estimator], per=per, min_rows=100)
    first = fitted(model, orders())
    again = fitted(model, orders().sample(frac=1, random_state=3))
    assert (first.learned, first.held_out) == (900, 300)
    assert again.answers == first.answers
    assert again.metrics == first.metrics
    inputs = orders()[["kitchen", "dishes"]]
    np.testing.assert_array_equal(first.estimator.predict_proba(inputs), again.estimator.predict_proba(inputs))
    changed = orders()
    changed.loc[100, "label"] = not changed.loc[100, "label"]
    assert fitted(model, changed).answers != first.answers


def test_the_newest_rows_are_held_out_and_every_bit_of_their_answers_counts() -> None:
    found = fitted(declared(estimator="logistic_regression"), orders())
    newest = orders().iloc[900:]
    answers = found.estimator.predict_proba(newest[["kitchen", "dishes"]])[:, 1]
    assert found.answers == hashlib.sha256(answers.astype("<f8").tobytes()).hexdigest()
    assert found.metrics["accuracy"] == ((answers >= 0.5) == newest["label"]).mean()


@pytest.mark.parametrize(
    ("estimator", "parameters"),
    [("gradient_boosting", {}), ("logistic_regression", {"alpha": 0.1}), ("lightgbm", {"n_estimators": 30})],
)
def test_a_value_is_predicted_by_a_regressor(estimator: str, parameters: Mapping[str, Any]) -> None:
    rows = orders().assign(label=lambda all_: 9 + 2.5 * all_["dishes"].fillna(4))
    found = fitted(declared("value", estimator=estimator, parameters=parameters), rows)
    assert found.metrics["mean_absolute_error"] < 1


def test_each_value_with_enough_rows_has_an_estimator_of_its_own() -> None:
    model = declared(estimator="logistic_regression", per="kitchen", min_rows=100)
    one = fitted(declared(estimator="logistic_regression"), orders())
    found = fitted(model, orders())
    assert found.own == ("harbour", "market")
    # What one line cannot say of three kitchens, one a kitchen can.
    assert found.metrics["log_loss"] < one.metrics["log_loss"] - 0.2
    # The others, those never seen and those without a kitchen are answered by what learned from all rows.
    strange = pd.DataFrame({"kitchen": ["station", "market", None, "pier", "harbour"], "dishes": [2.0, 2, 2, 2, 2]})
    routed = found.estimator
    answers = routed.predict_proba(strange)
    np.testing.assert_array_equal(answers[[0, 2, 3]], routed.shared.predict_proba(strange.iloc[[0, 2, 3]]))
    np.testing.assert_array_equal(answers[[1]], routed.own[1].predict_proba(strange.iloc[[1]]))
    np.testing.assert_array_equal(answers[[4]], routed.own[0].predict_proba(strange.iloc[[4]]))
    assert answers[1, 1] > 0.8 > 0.2 > answers[4, 1]
    assert list(routed.predict(strange.iloc[[1, 4]])) == [True, False]


def test_a_value_with_one_class_has_no_classifier_of_its_own() -> None:
    rows = orders()
    rows.loc[rows["kitchen"] == "market", "label"] = True
    found = fitted(declared(estimator="logistic_regression", per="kitchen", min_rows=100), rows)
    assert found.own == ("harbour",)


def test_a_value_that_lacks_an_input_has_no_estimator_of_its_own() -> None:
    rows = orders()
    rows.loc[rows["kitchen"] == "market", "dishes"] = np.nan
    found = fitted(declared(per="kitchen", min_rows=100), rows)
    assert found.own == ("harbour",)


def test_metrics_by_segment() -> None:
    segments = pd.DataFrame({"kitchen": ["b", "a", None, "a"] * 29 + ["b", "c"] * 2, "till": ["1"] * 120})
    labels = pd.Series([True, False, True, True] * 29 + [True] * 4)
    answers = np.array([0.9, 0.2, 0.4, 0.2] * 29 + [0.9] * 4)
    found = by_segment(segments, labels, answers, classifies=True)
    assert found["field"].to_list() == ["kitchen"] * 4 + ["till"]
    assert found["value"].to_list() == [None, "a", "b", "c", "1"]
    assert found["rows"].to_list() == [29, 58, 31, 2, 120]
    assert found["small"].to_list() == [True, False, False, True, False]
    assert found["accuracy"].iloc[1:3].to_list() == [0.5, 1.0]
    assert found["accuracy"].isna().to_list() == [True, False, False, True, False]
    assert found["auc"].isna().to_list() == [True, False, True, True, False]
    assert found["log_loss"].iloc[4] == metrics(labels, answers, classifies=True)["log_loss"]


def test_no_segment_is_no_row() -> None:
    found = by_segment(pd.DataFrame(index=range(2)), pd.Series([True, False]), np.array([0.5, 0.5]), classifies=True)
    assert found.empty
    assert found.columns.to_list() == ["field", "value", "rows", "small"]


def test_histograms_of_numbers_and_texts() -> None:
    rows = pd.DataFrame(
        {
            "rain": [0.0] * 90 + [1.0] * 9 + [np.nan],
            "even": [float(each) for each in range(100)],
            "none": [np.nan] * 100,
            "kitchen": ["market"] * 50 + ["harbour"] * 49 + [None],
            "street": [f"s{each % 60:02d}" for each in range(100)],
        }
    )
    found = histograms(rows)
    assert found["rain"] == {"kind": "numbers", "edges": [0.0, 1.0], "counts": [90, 9], "nulls": 1}
    assert found["even"] == {
        "kind": "numbers",
        "edges": [5.0 * each for each in range(20)],
        "counts": [5] * 20,
        "nulls": 0,
    }
    assert found["none"] == {"kind": "numbers", "edges": [], "counts": [], "nulls": 100}
    assert found["kitchen"] == {"kind": "texts", "values": {"market": 50, "harbour": 49}, "others": 0, "nulls": 1}
    assert list(found["street"]["values"].items())[:2] == [("s00", 2), ("s01", 2)]
    assert (len(found["street"]["values"]), found["street"]["others"]) == (50, 10)


def test_a_fitted_version_has_a_histogram_of_its_inputs_and_answers() -> None:
    found = fitted(declared(parameters={"max_iter": 10}), orders())
    assert set(found.reference) == {"kitchen", "dishes", "long"}
    assert found.reference["dishes"]["nulls"] == 24
    assert sum(found.reference["long"]["counts"]) == 300


MISTAKES = {
    "a module that is not there": (
        {"estimator": "nowhere.models:forest"},
        "estimator: nowhere.models:forest cannot be imported: No module named 'nowhere'",
    ),
    "a name that is not there": (
        {"estimator": "tests.pure.estimators:forest"},
        "estimator: tests.pure.estimators:forest cannot be imported: "
        "module 'tests.pure.estimators' has no attribute 'forest'",
    ),
    "no estimator": (
        {"estimator": "tests.pure.estimators:nothing"},
        "estimator: what tests.pure.estimators:nothing gives has no fit and no predict_proba",
    ),
    "an unknown parameter": (
        {"parameters": {"depth": 3}},
        "parameters: gradient_boosting does not take them: "
        "HistGradientBoostingClassifier.__init__() got an unexpected keyword argument 'depth'",
    ),
    "a parameter that is ours": (
        {"estimator": "lightgbm", "parameters": {"n_jobs": 4}},
        "parameters: n_jobs is set by headrace, so that a refit is equal: leave it out",
    ),
}


@pytest.mark.parametrize(("training", "said"), MISTAKES.values(), ids=MISTAKES)
def test_an_estimator_that_cannot_be_had_is_told_before_anything_is_read(
    training: Mapping[str, Any], said: str
) -> None:
    model = declared(**training)
    assert model.training is not None
    with pytest.raises(ValueError) as raised:
        builder(model.training, classifies=True)
    assert str(raised.value) == said


def test_a_missing_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    model = declared(estimator="lightgbm")
    assert model.training is not None
    with pytest.raises(ValueError, match=r"estimator: lightgbm is not here .*: install headrace\[lightgbm\]"):
        builder(model.training, classifies=True)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (orders(1), "1 labelled rows are too few to learn from and to measure on"),
        (orders().assign(label=True), "all 900 rows to learn from have the same label"),
        (orders().assign(dishes=np.nan), "^dishes: there is no value in any of the 900 rows to learn from"),
        (orders().assign(kitchen=None), "^kitchen: there is no value in any of the 900 rows to learn from"),
    ],
)
def test_too_little_to_learn_from(rows: pd.DataFrame, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fitted(declared(), rows)
