"""What a version fails for costs the records it fails for, each with the reason, and no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from headrace.errors import ModelFailed
from headrace.io.predictor import Predictor, ask_here
from headrace.models.scoring import REASON, answered
from headrace.models.spec import Inputs, Model, Output

NAN = float("nan")
SUCH = "log it with an example that has such values too"
NULLS = "log it with an example that has nulls too"
AGAIN = "wait version 3 fails again and again, first for 1,000 records: "
HINT = '(of a classifier, log the version with pyfunc_predict_fn="predict_proba" and name its column in output.column)'
MODEL = Model.model_construct(inputs=Inputs(signal=("x",)), output=Output(name="y"))


def asked(
    values: Sequence[float], predict: Callable[[pd.DataFrame], Any], types: Mapping[str, str] | None = None
) -> dict[float, Any]:
    """By input, which differ, the answer or the reason why there is none."""
    predictor = Predictor("wait version 3", None, types or {}, ask_here(predict))
    # Records of a batch come in any order, and other columns with them.
    frame = pd.DataFrame({"id": range(len(values)), "x": np.array(values, np.float64)}, index=range(7, 7 + len(values)))
    found = answered(MODEL, frame, predictor)
    assert found[["id", "x"]].equals(frame)
    assert found["y"].isna().equals(found[REASON].notna())
    return {
        x: answer if reason is None else reason
        for x, answer, reason in zip(values, found["y"], found[REASON], strict=True)
    }


def refuses(*refused: float) -> Callable[[pd.DataFrame], Any]:
    """A model that raises for some records, and gives the others twice their input."""

    def predict(rows: pd.DataFrame) -> Any:
        if set(refused) & set(rows["x"]):
            raise RuntimeError("weight too large\n  by far")
        return rows["x"] * 2

    return predict


def test_a_record_the_model_raises_for_has_no_answer_and_costs_the_others_none() -> None:
    values = [float(value) for value in range(1_000)]
    raised = "raised RuntimeError: weight too large by far"
    assert asked(values, refuses(7.0, 8.0, 999.0)) == {
        value: raised if value in (7.0, 8.0, 999.0) else value * 2 for value in values
    }
    assert asked([7.0], refuses(7.0)) == {7.0: raised}


def test_a_model_that_drops_records_or_numbers_them_from_0_answers_the_others() -> None:
    def dropping(rows: pd.DataFrame) -> Any:
        # What is put beside the records lies beside the right ones, in whichever part of a batch.
        beside = pd.DataFrame({"twice": rows["x"].to_numpy() * 2})
        return pd.concat([rows, beside], axis="columns").query("x != 3")["twice"].reset_index(drop=True)

    values = [float(value) for value in range(40)]
    assert asked(values, dropping) == {
        value: "returned 0 answers for 1 records" if value == 3.0 else value * 2 for value in values
    }


def test_a_model_that_sorts_its_records_answers_each_with_its_own() -> None:
    assert asked([3.0, 1.0, 2.0], lambda rows: rows["x"].sort_values() * 2) == {3.0: 6.0, 1.0: 2.0, 2.0: 4.0}


@pytest.mark.parametrize(
    ("predict", "said"),
    [
        (refuses(*range(1_000)), f"{AGAIN}raised RuntimeError: weight too large by far"),
        (lambda rows: rows["x"].to_numpy()[:-1], f"{AGAIN}returned 999 answers for 1000 records"),
        (lambda rows: None, f"{AGAIN}returned nothing (None), and not an answer a record"),
        (
            lambda rows: {"y": rows["x"], "z": rows["x"]},
            f"{AGAIN}returned 2 columns (y, z), and output.column does not say which of them is the answer",
        ),
        (
            lambda rows: ["late"] * len(rows),
            f"wait version 3 answers none of 1,000 records: answered the text 'late', and y is a finite number {HINT}",
        ),
    ],
)
def test_a_model_that_fails_for_all_is_no_matter_of_records(predict: Callable[[Any], Any], said: str) -> None:
    calls: list[int] = []

    def counted(rows: pd.DataFrame) -> Any:
        calls.append(len(rows))
        return predict(rows)

    with pytest.raises(ModelFailed) as failed:
        asked([float(value) for value in range(1_000)], counted)
    assert str(failed.value) == said
    assert len(calls) <= 201


def test_a_model_that_fails_for_every_second_record_is_given_up() -> None:
    with pytest.raises(ModelFailed, match="weight too large"):
        asked([float(value) for value in range(1_000)], refuses(*range(0, 1_000, 2)))


def test_of_a_few_records_that_all_fail_each_says_why() -> None:
    said = f"answered the text 'late', and y is a finite number {HINT}"
    assert asked([1.0, 2.0], lambda rows: ["late"] * len(rows)) == {1.0: said, 2.0: said}


def test_records_without_a_usable_answer_are_no_failure_of_the_model() -> None:
    values = [float(value) for value in range(20)]
    said = "answered NaN, and y is a finite number"
    assert asked(values, lambda rows: np.full(len(rows), NAN)) == dict.fromkeys(values, said)


@pytest.mark.parametrize(
    ("type_", "dtype", "values", "refused"),
    [
        (
            "long",
            "int64",
            [-1.0, 0.0, 9_007_199_254_740_993.0],
            {
                NAN: f"null, and long by the version's signature: {NULLS}",
                2.5: f"2.5, and long by the version's signature: {SUCH}",
                2.0**63: f"9.22337e+18, and long by the version's signature: {SUCH}",
                np.inf: f"inf, and long by the version's signature: {SUCH}",
            },
        ),
        (
            "integer",
            "int32",
            [-(2.0**31), 2.0**31 - 1],
            {2.0**31: f"2.14748e+09, and integer by the version's signature: {SUCH}"},
        ),
        (
            "boolean",
            "bool",
            [0.0, 1.0],
            {
                NAN: f"null, and boolean by the version's signature: {NULLS}",
                2.0: f"2, and boolean by the version's signature: {SUCH}",
            },
        ),
        (
            "float",
            "float32",
            [0.5, NAN],
            {1e300: f"1e+300, and float by the version's signature: {SUCH}"},
        ),
        ("double", "float64", [0.5, NAN, 1e300], {}),
    ],
)
def test_inputs_are_of_the_types_of_the_signature(
    type_: str, dtype: str, values: list[float], refused: dict[float, str]
) -> None:
    seen: list[str] = []

    def predict(rows: pd.DataFrame) -> Any:
        seen.append(str(rows["x"].dtype))
        return rows["x"].fillna(0).astype(np.float64)

    found = asked([*values, *refused], predict, {"x": type_, "unknown": "long"})
    assert found == {
        **{value: 0.0 if np.isnan(value) else value for value in values},
        **{value: f"input x is {reason}" for value, reason in refused.items()},
    }
    assert seen == [dtype]
