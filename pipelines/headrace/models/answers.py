"""From what a model returned to one number a record, or the reason why it has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from headrace.errors import ModelFailed
from headrace.models.spec import Output

__all__ = ["Answers", "Floats", "answers", "confidence"]

Floats = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]
Flags = npt.NDArray[np.bool_]

_LONGEST_QUOTE = 40
_PROBABILITIES = (
    'of a classifier, log the version with pyfunc_predict_fn="predict_proba" and name its column in output.column'
)


@dataclass(frozen=True, slots=True)
class Answers:
    """One answer a record, in the order of the records.

    values: NaN where there is none that can be used. reasons: why, in one line; None where there is one.
    misfits: True where a text, a dict or the like came, and no number at all.
    """

    values: Floats
    reasons: Texts
    misfits: Flags


def answers(returned: Any, output: Output, records: int) -> Answers:
    """The model's answer to each of ``records`` records.

    returned: what ``predict`` gave: an array of one or two dimensions, a Series, a DataFrame, a list of numbers, of
    rows or of dicts, or a dict of columns. What comes with the records' index in another order is put into theirs.
    Raises ModelFailed where answers cannot be matched to records: their number is wrong, or which of several columns
    is meant cannot be told.
    """
    column = _column(returned, output.column, records)
    if len(column) != records:
        raise ModelFailed(f"returned {len(column)} answers for {records} records")
    if column.dtype.kind in "biuf":
        values, came, misfits = column.astype(np.float64), np.full(records, None), np.zeros(records, np.bool_)
    else:
        values, came, misfits = _numbers(column, output.column)
    usable = np.isfinite(values)
    if output.kind == "probability":
        usable &= (values >= 0) & (values <= 1)
    reasons = np.full(records, None)
    for row in np.flatnonzero(~usable):
        reasons[row] = _reason(came[row] or _plain(values[row]), output)
    return Answers(np.where(usable, values, np.nan), reasons, misfits)


def confidence(values: Floats, output: Output) -> Floats:
    """max(p, 1 - p) of probabilities; NaN for any other answer."""
    return np.maximum(values, 1 - values) if output.kind == "probability" else np.full(len(values), np.nan)


def _column(returned: Any, column: str | int | None, records: int) -> npt.NDArray[Any]:
    if isinstance(returned, pd.DataFrame):
        table = _in_order(returned, records)
        return _values(table.iloc[:, _position(list(table.columns), column)])
    if isinstance(returned, pd.Series):
        if isinstance(column, str) and returned.name != column:
            raise ModelFailed(f"returned a Series named {returned.name!r}, and output.column is {column!r}")
        return _first(_values(_in_order(returned, records)), column)
    if isinstance(returned, Mapping):
        names = list(returned)
        return _first(_array(returned[names[_position(names, column)]]), None)
    array = _array(returned)
    if array.dtype.names:
        return np.asarray(array[array.dtype.names[_position(array.dtype.names, column)]])
    if array.ndim == 2:
        if isinstance(column, str):
            raise ModelFailed(f"returned an array, whose columns have no names, and output.column is {column!r}")
        return np.asarray(array[:, _position(range(array.shape[1]), column)])
    if isinstance(column, str) and not _holds_dicts(array):
        raise ModelFailed(f"returned {_kind(returned)} without names, and output.column is {column!r}")
    return array if _holds_dicts(array) else _first(array, column)


def _array(returned: Any) -> npt.NDArray[Any]:
    """As an array whose first dimension is the records; of a list as objects, for numpy makes texts of its numbers."""
    if isinstance(returned, pd.Series):
        return _values(returned)
    if isinstance(returned, (list, tuple)):
        parts = [part for part in returned if isinstance(part, (np.ndarray, pd.Series, pd.DataFrame))]
        if any(part.size > 1 for part in parts) or (isinstance(returned, tuple) and any(map(_is_list, returned))):
            # Two outputs for two records would pass for two records of two columns.
            raise ModelFailed(
                f"returned a {type(returned).__name__} of {len(returned)} arrays: return one, a row of it a record"
            )
        array = np.array(returned, dtype=object)
    elif hasattr(returned, "__array__"):
        array = np.asarray(returned)
    else:
        raise ModelFailed(f"returned {_kind(returned)}, and not an answer a record")
    if array.ndim not in (1, 2):
        shape = f"an array of {array.ndim} dimensions" if array.ndim else "a single value"
        raise ModelFailed(f"returned {shape}, and not an answer a record")
    return array


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, np.ndarray, pd.Series, pd.DataFrame))


def _holds_dicts(array: npt.NDArray[Any]) -> bool:
    return array.dtype == object and any(isinstance(value, Mapping) for value in array.flat)


def _values(column: pd.Series[Any]) -> npt.NDArray[Any]:
    """The values of a column; those of pandas's own types as objects, for only so is their null one."""
    return column.to_numpy() if isinstance(column.dtype, np.dtype) else column.astype(object).to_numpy()


def _in_order(returned: Any, records: int) -> Any:
    """A model that sorts or groups its records answers in another order than theirs, and its index says so."""
    index, theirs = returned.index, pd.RangeIndex(records)
    if len(index) != records or index.equals(theirs) or not (index.is_unique and theirs.isin(index).all()):
        return returned
    return returned.loc[theirs]


def _position(names: Sequence[Any], column: str | int | None) -> int:
    """The place of the answer's column among those there are. Raises ModelFailed where that cannot be told."""
    listed = f"{len(names)} column{'' if len(names) == 1 else 's'}"
    if any(isinstance(name, str) for name in names):
        listed += f" ({', '.join(map(str, names[:5]))}{', …' if len(names) > 5 else ''})"
    if column is None and len(names) == 1:
        return 0
    if column is None:
        raise ModelFailed(f"returned {listed}, and output.column does not say which of them is the answer")
    places = [place for place, name in enumerate(names) if name == column] if isinstance(column, str) else [column]
    if len(places) != 1 or not 0 <= places[0] < len(names):
        hint = f": {_PROBABILITIES}" if isinstance(column, int) else ""
        raise ModelFailed(f"returned {listed}, and output.column is {column!r}{hint}")
    return places[0]


def _first(array: npt.NDArray[Any], column: str | int | None) -> npt.NDArray[Any]:
    """The only column there is, where it is the one that is meant."""
    if array.ndim == 2:
        return np.asarray(array[:, _position(range(array.shape[1]), column)])
    if isinstance(column, int):
        _position(range(1), column)
    return array


def _numbers(column: npt.NDArray[Any], key: str | int | None) -> tuple[Floats, Texts, Flags]:
    """Each value as a number; else what it is, and whether it is no number at all."""
    cells = [_number(_member(value, key) if isinstance(value, Mapping) else value) for value in column.tolist()]
    values, came, misfits = zip(*cells, strict=True) if cells else ((), (), ())
    return (
        np.array(values, np.float64),
        np.array([*came, None], dtype=object)[:-1],
        np.array(misfits, np.bool_),
    )


@dataclass(frozen=True, slots=True)
class _NoMember:
    """A dict without the answer."""

    text: str


def _member(value: Mapping[Any, Any], key: str | int | None) -> Any:
    if isinstance(key, str) and key in value:
        return value[key]
    if key is None and len(value) == 1:
        return next(iter(value.values()))
    names = ", ".join(map(str, list(value)[:5]))
    return _NoMember(f"a dict with the keys {names}, of which output.column names none")


def _number(value: Any) -> tuple[float, str | None, bool]:
    nothing = float("nan")
    if isinstance(value, _NoMember):
        return nothing, value.text, True
    if value is None or value is pd.NA or value is pd.NaT:
        return nothing, "null", False
    if isinstance(value, str):
        quoted = value if len(value) <= _LONGEST_QUOTE else f"{value[:_LONGEST_QUOTE]}…"
        return nothing, f"the text {quoted!r}", True
    if isinstance(value, (Real, Decimal, np.bool_)):
        try:
            return float(value), None, False
        except (OverflowError, ValueError):
            return nothing, "a number that no double can hold", False
    return nothing, _kind(value), True


def _kind(value: Any) -> str:
    if value is None:
        return "nothing (None)"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _plain(value: float) -> str:
    return "NaN" if np.isnan(value) else f"{value:g}" if np.isfinite(value) else "infinity"


def _reason(came: str, output: Output) -> str:
    wanted = "a probability from 0 to 1" if output.kind == "probability" else "a finite number"
    hint = f" ({_PROBABILITIES})" if came.startswith("the text") else ""
    return f"answered {came}, and {output.name} is {wanted}{hint}"
