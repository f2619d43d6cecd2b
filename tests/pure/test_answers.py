"""Whatever a model returns, a record gets its own answer or a reason why it has none; never another record's."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from headrace.errors import ModelFailed
from headrace.models.answers import answers, confidence
from headrace.models.spec import Output

VALUE = Output(name="y")
SECOND = Output(name="p", column=1, kind="probability")
NAMED = Output(name="p", column="late", kind="probability")
NAN = float("nan")
NO_NUMBER = "answered {}, and y is a finite number"
NO_PROBABILITY = "answered {}, and p is a probability from 0 to 1"
LATE = "and output.column is 'late'"
WHICH = "and output.column does not say which of them is the answer"
ONE = ": return one, a row of it a record"
PROBABILITIES = (
    'of a classifier, log the version with pyfunc_predict_fn="predict_proba" and name its column in output.column'
)


@pytest.mark.parametrize(
    ("returned", "output", "expected"),
    [
        (np.array([1.0, 2.0]), VALUE, [1.0, 2.0]),
        (np.array([True, False]), VALUE, [1.0, 0.0]),
        (np.array([3, 4], np.uint8), VALUE, [3.0, 4.0]),
        ([1, 2], VALUE, [1.0, 2.0]),
        ((1, 2.5), VALUE, [1.0, 2.5]),
        ([Decimal("0.5"), np.float32(0.25)], VALUE, [0.5, 0.25]),
        ([True, np.bool_(False)], VALUE, [1.0, 0.0]),
        ([[1.0], [2.0]], VALUE, [1.0, 2.0]),
        ([np.array([1.0]), np.array([2.0])], VALUE, [1.0, 2.0]),
        (pd.Series([1, 2], dtype="Int64"), VALUE, [1.0, 2.0]),
        (pd.Series([0.1, 0.8], name="late"), NAMED, [0.1, 0.8]),
        (np.array([[0.9], [0.2]]), VALUE, [0.9, 0.2]),
        (np.array([[0.9, 0.1], [0.2, 0.8]]), SECOND, [0.1, 0.8]),
        ([[0.9, 0.1], [0.2, 0.8]], SECOND, [0.1, 0.8]),
        (np.array([(0.9, 0.1), (0.2, 0.8)], [("no", float), ("late", float)]), NAMED, [0.1, 0.8]),
        (pd.DataFrame({"only": [0.9, 0.2]}), VALUE, [0.9, 0.2]),
        (pd.DataFrame({"no": [0.9, 0.2], "late": [0.1, 0.8]}), NAMED, [0.1, 0.8]),
        (pd.DataFrame({"no": [0.9, 0.2], "late": [0.1, 0.8]}), SECOND, [0.1, 0.8]),
        ({"no": [0.9, 0.2], "late": np.array([0.1, 0.8])}, NAMED, [0.1, 0.8]),
        ({"y": pd.Series([1, 2])}, VALUE, [1.0, 2.0]),
        ([{"no": 0.9, "late": 0.1}, {"no": 0.2, "late": 0.8}], NAMED, [0.1, 0.8]),
        ([{"y": 1}, {"y": 2}], VALUE, [1.0, 2.0]),
        # In another order than the records came in: its index says so.
        (pd.Series([2.0, 1.0], index=[1, 0]), VALUE, [1.0, 2.0]),
        (pd.DataFrame({"late": [0.8, 0.1]}, index=[1, 0]), NAMED, [0.1, 0.8]),
        # An index of the model's own says nothing of the records.
        (pd.Series([1.0, 2.0], index=["harbour", "market"]), VALUE, [1.0, 2.0]),
        (pd.Series([1.0, 2.0], index=[7, 7]), VALUE, [1.0, 2.0]),
    ],
)
def test_each_record_has_its_answer(returned: Any, output: Output, expected: list[float]) -> None:
    found = answers(returned, output, 2)
    np.testing.assert_array_equal(found.values, expected)
    assert (found.reasons.tolist(), found.misfits.tolist()) == ([None, None], [False, False])


@pytest.mark.parametrize(
    ("returned", "output", "expected", "reason", "misfit"),
    [
        ([1.0, None], VALUE, [1.0, NAN], NO_NUMBER.format("null"), False),
        (pd.Series([1, None]), VALUE, [1.0, NAN], NO_NUMBER.format("NaN"), False),
        (pd.Series([1, None], dtype="Int64"), VALUE, [1.0, NAN], NO_NUMBER.format("null"), False),
        (pd.Series([True, None], dtype="boolean"), VALUE, [1.0, NAN], NO_NUMBER.format("null"), False),
        (pd.DataFrame({"late": [0.1, None]}), NAMED, [0.1, NAN], NO_PROBABILITY.format("NaN"), False),
        ([{"late": 0.1}, {"late": None}], NAMED, [0.1, NAN], NO_PROBABILITY.format("null"), False),
        ([{"late": 0.1}, None], NAMED, [0.1, NAN], NO_PROBABILITY.format("null"), False),
        (np.array([1.0, np.inf]), VALUE, [1.0, NAN], NO_NUMBER.format("infinity"), False),
        (np.array([[0.9, 0.5], [0.2, 1.1]]), SECOND, [0.5, NAN], NO_PROBABILITY.format("1.1"), False),
        (np.array([[0.9, 0.5], [0.2, -0.1]]), SECOND, [0.5, NAN], NO_PROBABILITY.format("-0.1"), False),
        ([1, 10**400], VALUE, [1.0, NAN], NO_NUMBER.format("a number that no double can hold"), False),
        (
            [1.0, "high"],
            VALUE,
            [1.0, NAN],
            f"answered the text 'high', and y is a finite number ({PROBABILITIES})",
            True,
        ),
        ([1.0, "2.0"], VALUE, [1.0, NAN], f"answered the text '2.0', and y is a finite number ({PROBABILITIES})", True),
        (
            [1.0, "x" * 99],
            VALUE,
            [1.0, NAN],
            f"answered the text '{'x' * 40}…', and y is a finite number ({PROBABILITIES})",
            True,
        ),
        ([1.0, [2.0, 3.0]], VALUE, [1.0, NAN], NO_NUMBER.format("a list"), True),
        ([1.0, 2j], VALUE, [1.0, NAN], NO_NUMBER.format("a complex"), True),
        (
            [{"late": 0.1}, {"early": 0.2, "on_time": 0.7}],
            NAMED,
            [0.1, NAN],
            NO_PROBABILITY.format("a dict with the keys early, on_time, of which output.column names none"),
            True,
        ),
        (
            pd.Series([1.0, pd.Timestamp("2026-05-01")], dtype=object),
            VALUE,
            [1.0, NAN],
            NO_NUMBER.format("a Timestamp"),
            True,
        ),
    ],
)
def test_a_record_without_a_usable_answer_costs_the_other_nothing(
    returned: Any, output: Output, expected: list[float], reason: str, misfit: bool
) -> None:
    found = answers(returned, output, 2)
    np.testing.assert_array_equal(found.values, expected)
    assert (found.reasons.tolist(), found.misfits.tolist()) == ([None, reason], [False, misfit])


@pytest.mark.parametrize(
    ("returned", "output", "said"),
    [
        (np.array([1.0]), VALUE, "returned 1 answers for 2 records"),
        (np.array([1.0, 2.0, 3.0]), VALUE, "returned 3 answers for 2 records"),
        (pd.Series([2.0], index=[1]), VALUE, "returned 1 answers for 2 records"),
        ([], VALUE, "returned 0 answers for 2 records"),
        ({"late": [0.1]}, NAMED, "returned 1 answers for 2 records"),
        (None, VALUE, "returned nothing (None), and not an answer a record"),
        (1.0, VALUE, "returned a float, and not an answer a record"),
        (np.float64(1.0), VALUE, "returned a single value, and not an answer a record"),
        ("late", VALUE, "returned a str, and not an answer a record"),
        ({"late": 0.1}, NAMED, "returned a float, and not an answer a record"),
        ((value for value in (1.0, 2.0)), VALUE, "returned a generator, and not an answer a record"),
        (np.zeros((2, 1, 1)), VALUE, "returned an array of 3 dimensions, and not an answer a record"),
        # Two outputs for two records are not two records of two columns.
        (([0.9, 0.2], [0.1, 0.8]), SECOND, f"returned a tuple of 2 arrays{ONE}"),
        ([np.array([0.9, 0.2]), np.array([0.1, 0.8])], SECOND, f"returned a list of 2 arrays{ONE}"),
        (
            pd.DataFrame({"no": [0.9, 0.2], "late": [0.1, 0.8]}),
            VALUE,
            f"returned 2 columns (no, late), {WHICH}",
        ),
        ({"no": [0.9, 0.2], "late": [0.1, 0.8]}, VALUE, f"returned 2 columns (no, late), {WHICH}"),
        (np.array([[0.9, 0.1], [0.2, 0.8]]), VALUE, f"returned 2 columns, {WHICH}"),
        (pd.DataFrame({"other": [1.0, 2.0]}), NAMED, "returned 1 column (other), and output.column is 'late'"),
        (
            pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], columns=["late", "late"]),
            NAMED,
            f"returned 2 columns (late, late), {LATE}",
        ),
        (np.array([[0.9], [0.2]]), SECOND, f"returned 1 column, and output.column is 1: {PROBABILITIES}"),
        # The classes of a classifier are no probabilities, though they may be 0 and 1.
        (np.array([0, 1]), SECOND, f"returned 1 column, and output.column is 1: {PROBABILITIES}"),
        (pd.Series([0.1, 0.8], name="early"), NAMED, "returned a Series named 'early', and output.column is 'late'"),
        (np.array([0.1, 0.8]), NAMED, "returned a ndarray without names, and output.column is 'late'"),
        (np.array([[0.1, 0.8], [0.1, 0.8]]), NAMED, f"returned an array, whose columns have no names, {LATE}"),
    ],
)
def test_what_cannot_be_matched_to_the_records_is_refused(returned: Any, output: Output, said: str) -> None:
    with pytest.raises(ModelFailed) as failed:
        answers(returned, output, 2)
    assert str(failed.value) == said


def test_confidence_is_that_of_the_likelier_side() -> None:
    np.testing.assert_array_equal(confidence(np.array([0.1, 0.5, 0.75]), SECOND), [0.9, 0.5, 0.75])
    np.testing.assert_array_equal(confidence(np.array([7.0]), VALUE), [NAN])
