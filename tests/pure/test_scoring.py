"""Whatever a model returns, a row gets its own answer or none; never another row's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from headrace.models.scoring import answered, answers, confidence
from headrace.models.spec import Inputs, Model, Output

VALUE = Output(name="y")
SECOND = Output(name="p", column=1, kind="probability")
NAMED = Output(name="p", column="late", kind="probability")
NAN = float("nan")


@pytest.mark.parametrize(
    ("returned", "output", "expected"),
    [
        (np.array([1.0, 2.0]), VALUE, [1.0, 2.0]),
        ([1, 2], VALUE, [1.0, 2.0]),
        (pd.Series([1, None]), VALUE, [1.0, NAN]),
        (np.array([1.0, np.inf]), VALUE, [1.0, NAN]),
        (np.array([[0.9, 0.1], [0.2, 0.8]]), SECOND, [0.1, 0.8]),
        (pd.DataFrame({"no": [0.9, 0.2], "late": [0.1, 0.8]}), NAMED, [0.1, 0.8]),
        (pd.DataFrame({"no": [0.9, 0.2], "late": [0.1, 0.8]}), SECOND, [0.1, 0.8]),
        (np.array([[0.9, 1.1], [0.2, -0.1]]), SECOND, [NAN, NAN]),
        (np.array([1.0]), VALUE, [NAN, NAN]),
        (np.array([1.0, 2.0, 3.0]), VALUE, [NAN, NAN]),
        (["a", "b"], VALUE, [NAN, NAN]),
        (None, VALUE, [NAN, NAN]),
        (pd.DataFrame({"other": [1.0, 2.0]}), NAMED, [NAN, NAN]),
        (np.array([[0.9], [0.2]]), SECOND, [NAN, NAN]),
        (np.array([[0.9], [0.2]]), VALUE, [0.9, 0.2]),
        (pd.DataFrame({"only": [0.9, 0.2]}), VALUE, [0.9, 0.2]),
        (np.array([[0.9, 0.1]]), VALUE, [NAN, NAN]),
        (pd.DataFrame({"no": [0.9, 0.2], "late": [0.1, 0.8]}), VALUE, [NAN, NAN]),
        ([10**400, 1], VALUE, [NAN, NAN]),
    ],
)
def test_answers(returned: Any, output: Output, expected: list[float]) -> None:
    np.testing.assert_array_equal(answers(returned, output, 2), expected)


def asked(values: list[float], refused: set[float]) -> list[float]:
    """What becomes of records by a model that raises for some."""

    def predict(rows: pd.DataFrame) -> Any:
        if refused & set(rows["x"]):
            raise RuntimeError("weight too large")
        return rows["x"] * 2

    model = Model.model_construct(inputs=Inputs(signal=("x",)), output=VALUE)
    return list(answered(model, pd.DataFrame({"x": values}), predict)["y"])


def test_a_record_the_model_raises_for_has_no_answer_and_costs_the_others_none() -> None:
    values = [float(each) for each in range(1_000)]
    found = asked(values, {7.0, 8.0, 999.0})
    np.testing.assert_array_equal(found, [NAN if each in (7.0, 8.0, 999.0) else each * 2 for each in values])
    np.testing.assert_array_equal(asked([7.0], {7.0}), [NAN])


@pytest.mark.parametrize("refused", [set(range(1_000)), set(range(0, 1_000, 2))])
def test_a_model_that_fails_is_no_matter_of_records(refused: set[float]) -> None:
    with pytest.raises(RuntimeError, match="weight too large"):
        asked([float(each) for each in range(1_000)], refused)


def test_confidence_is_that_of_the_likelier_side() -> None:
    np.testing.assert_array_equal(confidence(np.array([0.1, 0.5, 0.75]), SECOND), [0.9, 0.5, 0.75])
    np.testing.assert_array_equal(confidence(np.array([7.0]), VALUE), [NAN])
