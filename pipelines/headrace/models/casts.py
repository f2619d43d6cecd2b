"""Inputs as the types that a version's signature names, where their values are of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["cast_inputs"]

# MLflow's names. It refuses a whole batch of doubles for each of them.
_TYPES: Mapping[str, type] = {"integer": np.int32, "long": np.int64, "float": np.float32, "boolean": np.bool_}


def cast_inputs(inputs: pd.DataFrame, types: Mapping[str, str]) -> tuple[pd.DataFrame, npt.NDArray[np.object_]]:
    """The records whose numbers are of the types, cast; and for every record the reason why it is not, else None.

    inputs: numbers as float64, a null as NaN. types: by the name of an input MLflow's name of its type.
    """
    reasons = np.full(len(inputs), None)
    casts = {name: _TYPES[type_] for name, type_ in types.items() if type_ in _TYPES and _is_numeric(inputs, name)}
    for name in casts:
        values = inputs[name].to_numpy(np.float64)
        for row in np.flatnonzero(~_holds(types[name], values)):
            reasons[row] = reasons[row] or _reason(name, types[name], values[row])
    fit = inputs[[reason is None for reason in reasons]]
    return fit.astype(casts) if casts else fit, reasons


def _is_numeric(inputs: pd.DataFrame, name: str) -> bool:
    return name in inputs and pd.api.types.is_numeric_dtype(inputs[name])


def _holds(type_: str, values: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    if type_ == "boolean":
        return np.isin(values, (0.0, 1.0))
    if type_ == "float":
        return ~(np.abs(values) > np.finfo(np.float32).max)  # NaN is a float
    most = 2.0 ** (np.iinfo(_TYPES[type_]).bits - 1)
    return np.asarray((values == np.floor(values)) & (values >= -most) & (values < most))


def _reason(name: str, type_: str, value: float) -> str:
    came = "null" if np.isnan(value) else f"{value:g}"
    remedy = f"log it with an example that has {'nulls' if np.isnan(value) else 'such values'} too"
    return f"input {name} is {came}, and {type_} by the version's signature: {remedy}"
