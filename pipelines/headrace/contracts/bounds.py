"""The bounds of numbers and times: least and most, bits, and what a number divides by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from operator import ge, gt, le, lt

from pyspark.sql import Column
from pyspark.sql import functions as F

from headrace.contracts.model import RANGES, TIMES, Bound, Field, Kind

__all__ = ["bounds", "is_no_multiple"]


def bounds(field: Field) -> Iterator[tuple[Callable[[Column], Column], str]]:
    """Each bound of a field: what is true of a typed value outside it, and the bound in words."""
    if field.kind not in (Kind.STRING, *TIMES) and field.format is not None:
        low, high = RANGES[field.format]
        yield lambda value: (value < low) | (value > high), f"{field.format} is {low} to {high}"
    sides = (
        (field.lowest, lt, "at least"),
        (field.highest, gt, "at most"),
        (field.exclusive_minimum, le, "more than"),
        (field.exclusive_maximum, ge, "less than"),
    )
    for bound, is_outside, words in sides:
        if bound is not None:
            yield _outside(field, bound, is_outside), f"{words} {_text(bound)}"


def _outside(field: Field, bound: Bound, is_outside: Callable[[Column, Column], Column]) -> Callable[[Column], Column]:
    if isinstance(bound, time):
        # As texts 10:00:00.50 would lie behind 10:00:00.5.
        limit = F.lit(datetime.combine(date(1970, 1, 1), bound, UTC))
        return lambda value: is_outside(F.concat(F.lit("1970-01-01T"), value, F.lit("Z")).try_cast("timestamp"), limit)
    return lambda value: is_outside(value, F.lit(bound))


def is_no_multiple(field: Field, value: Column) -> Column:
    """True where a number leaves a rest. Exact: no multiple is read that its type cannot hold."""
    factor = F.lit(field.multiple_of)
    if field.kind is Kind.DECIMAL:
        factor = factor.cast(f"DECIMAL({field.precision},{field.scale})")
    return value % factor != 0


def _text(bound: Bound) -> str:
    return bound.isoformat() if isinstance(bound, date | time) else str(bound)
