"""From the inputs of a batch to one answer a record. Works on the columns of a whole batch, never on single records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import numpy as np
import pandas as pd

from headrace.errors import ModelFailed
from headrace.models.answers import Answers, answers, confidence
from headrace.models.casts import cast_inputs
from headrace.models.spec import Model, Output

__all__ = ["REASON", "Predictor", "answered"]

REASON = "_reason"
"""The column that says why a record has no answer."""

# So often a batch may be asked about anew, in halves, before it is the model that fails, and not a record; of fewer
# records that all fail nobody can tell.
_FAILURES, _FEW = 200, 10

Read = Callable[[Any, int], Answers]


class Predictor(Protocol):
    """A version that can be asked.

    name: what messages call it. input_types: by the name of an input MLflow's name of its type; those it declares.
    """

    @property
    def name(self) -> str: ...

    @property
    def input_types(self) -> Mapping[str, str]: ...

    def ask(self, records: pd.DataFrame, read: Read) -> Answers:
        """What ``read`` makes of what the version returned for so many records. Raises ModelFailed if it raises."""
        ...


def answered(model: Model, frame: pd.DataFrame, predictor: Predictor) -> pd.DataFrame:
    """The frame with the model's output, ``confidence`` and ``REASON``; NaN and a reason where there is no answer.

    frame: a column for each of the model's inputs, and any others. A record that the version raises for has no answer.
    Raises ModelFailed where it fails for all of them or again and again: then it is no matter of records.
    """
    inputs = frame[list(model.inputs.columns)].reset_index(drop=True)
    fit, reasons = cast_inputs(inputs, predictor.input_types)
    try:
        found = _asked_in_halves(fit.reset_index(drop=True), partial(_asked, model, predictor))
    except ModelFailed as error:
        raise ModelFailed(f"{predictor.name} fails again and again, first for {len(fit):,} records: {error}") from error
    if len(fit) >= _FEW and found.misfits.all():
        raise ModelFailed(f"{predictor.name} answers none of {len(fit):,} records: {found.reasons[0]}")
    values = np.full(len(frame), np.nan)
    values[fit.index], reasons[fit.index] = found.values, found.reasons
    added = {model.output.name: values, "confidence": confidence(values, model.output), REASON: reasons}
    return frame.assign(**added)


def _asked(model: Model, predictor: Predictor, records: pd.DataFrame) -> Answers:
    # A model sees its records numbered from 0, whichever part of a batch they are.
    return predictor.ask(records.reset_index(drop=True), partial(_read, model.output))


def _read(output: Output, returned: Any, records: int) -> Answers:
    return answers(returned, output, records)


def _asked_in_halves(records: pd.DataFrame, ask: Callable[[pd.DataFrame], Answers]) -> Answers:
    """The answers; where it fails, those of each half, down to the records it fails for."""
    count, failures = len(records), list[str]()
    whole = Answers(np.full(count, np.nan), np.full(count, None), np.ones(count, np.bool_))
    left = [(0, count)] if count else []
    while left:
        first, end = left.pop()
        part = slice(first, end)
        try:
            found = ask(records.iloc[part])
        except ModelFailed as error:
            failures.append(str(error))
            if len(failures) > _FAILURES:
                raise ModelFailed(failures[0]) from None
            middle = (first + end) // 2
            left += [(middle, end), (first, middle)] if end - first > 1 else []
            whole.reasons[part] = failures[-1]
        else:
            whole.values[part], whole.reasons[part], whole.misfits[part] = found.values, found.reasons, found.misfits
    return whole
