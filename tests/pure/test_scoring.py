"""Whatever a model returns, a row gets its own answer or none; never another row's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from headrace.models.scoring import answers, confidence
from headrace.models.spec import Output

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
    ],
)
def test_answers(returned: Any, output: Output, expected: list[float]) -> None:
    np.testing.assert_array_equal(answers(returned, output, 2), expected)


def test_confidence_is_that_of_the_likelier_side() -> None:
    np.testing.assert_array_equal(confidence(np.array([0.1, 0.5, 0.75]), SECOND), [0.9, 0.5, 0.75])
    np.testing.assert_array_equal(confidence(np.array([7.0]), VALUE), [NAN])
