"""Whether a field accepts less than it did: a predicate for each check whose values can be compared."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from headrace.contracts.model import EARLIEST, LATEST, RANGES, Bound, Field, Kind

__all__ = ["fewer", "finer", "higher_minimum", "lower_maximum", "narrower"]


def _bounds(field: Field, inclusive: Bound | None, exclusive: Bound | None, default: Bound) -> list[tuple[Any, bool]]:
    given = [(bound, is_open) for bound, is_open in ((inclusive, False), (exclusive, True)) if bound is not None]
    return given or ([(default, False)] if field.kind is Kind.TIMESTAMP else [])


def higher_minimum(old: Field, new: Field) -> bool:
    """Whether some value was high enough and is not now."""
    before, after = (_bounds(each, each.minimum, each.exclusive_minimum, EARLIEST) for each in (old, new))
    return old.kind is not new.kind or bool(after and (not before or max(after) > max(before)))


def lower_maximum(old: Field, new: Field) -> bool:
    """Whether some value was low enough and is not now."""
    before, after = (
        [(bound, not is_open) for bound, is_open in _bounds(each, each.maximum, each.exclusive_maximum, LATEST)]
        for each in (old, new)
    )
    return old.kind is not new.kind or bool(after and (not before or min(after) < min(before)))


def fewer(old: Field, new: Field) -> bool:
    """Whether some value was listed, or any allowed, and is not now."""
    return bool(new.allowed) and not (old.allowed and set(old.allowed) <= set(new.allowed))


def finer(old: Field, new: Field) -> bool:
    """Whether there are multiples of the old number that are none of the new one."""
    if new.multiple_of is None:
        return False
    return old.multiple_of is None or Fraction(old.multiple_of) % Fraction(new.multiple_of) != 0


def narrower(old: Field, new: Field) -> bool:
    """Whether some value was of the old format and is not of the new one."""
    if old.kind not in (Kind.INTEGER, Kind.NUMBER) or old.kind is not new.kind:
        return new.format not in (None, old.format)
    whole = "i64" if new.kind is Kind.INTEGER else "f64"
    (low, high), (lower, higher) = RANGES[new.format or whole], RANGES[old.format or whole]
    return low > lower or high < higher
