"""The ``logicalTypeOptions`` of a property: bounds, lengths, pattern, format."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from headrace.contracts.model import Bound, Kind
from headrace.documents import Mistakes, Node, nearest
from headrace.patterns import pattern_mistake

__all__ = ["FORMATS", "LARGEST", "read_options"]

FORMATS = ("uuid", "email", "uri", "ipv4", "ipv6", "hostname")

_BOUNDS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "exclusive_minimum",
    "exclusiveMaximum": "exclusive_maximum",
}
_LENGTHS = {"minLength": "min_length", "maxLength": "max_length"}
_BOUNDED = (Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL, Kind.TIMESTAMP, Kind.DATE)
# A low bound, a high bound, and whether the two may be equal.
_PAIRS = (
    ("minimum", "maximum", True),
    ("minimum", "exclusive_maximum", False),
    ("exclusive_minimum", "maximum", False),
    ("exclusive_minimum", "exclusive_maximum", False),
    ("min_length", "max_length", True),
)
LARGEST = {Kind.INTEGER: 2**63, Kind.NUMBER: float("inf")}
"""What the absolute value of a number of that kind stays below."""
_LONGEST = 2**31 - 1


def read_options(node: Node, kind: Kind, mistakes: Mistakes) -> dict[str, Any]:
    """The options as arguments of a ``Field``; one that a field of that kind is not checked by is a mistake."""
    options = node.child("logicalTypeOptions")
    read: dict[str, Any] = {}
    for key, child in (options.mapping if options else {}).items():
        reader = _reader(key, kind)
        if reader is None:
            known = [known for known in (*_BOUNDS, *_LENGTHS, "pattern", "format") if _reader(known, kind)]
            mistakes.add(child, f"is not enforced for type {kind}" + (nearest(key, known) or _listed(known)))
            continue
        try:
            read[(_BOUNDS | _LENGTHS).get(key, key)] = reader(child.value, kind)
        except (ValueError, TypeError, ArithmeticError) as error:
            mistakes.add(child, str(error))
    for low, high, equal in _PAIRS:
        if options is None or low not in read or high not in read:
            continue
        if read[low] > read[high] or (read[low] == read[high] and not equal):
            mistakes.add(options, f"{low} is {'above' if equal else 'not below'} {high}: no value can pass")
    return read


def _listed(known: list[str]) -> str:
    return f"; there are: {', '.join(known)}" if known else "; there are none"


def _reader(key: str, kind: Kind) -> Callable[[Any, Kind], Any] | None:
    if key in _BOUNDS and kind in _BOUNDED:
        return _bound
    if kind is not Kind.STRING:
        return None
    return {"minLength": _length, "maxLength": _length, "pattern": _pattern, "format": _format}.get(key)


def _bound(value: Any, kind: Kind) -> Bound:
    if kind is Kind.TIMESTAMP:
        return _instant(value)
    if kind is Kind.DATE:
        return _day(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) == float("inf"):
        raise ValueError("must be a number")
    if kind is Kind.DECIMAL:
        return Decimal(str(value))
    if kind is Kind.INTEGER and (not isinstance(value, int) or abs(value) >= 2**63):
        raise ValueError("must be a whole number of 64 bits")
    return value


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError("must be a day, as in 2026-01-31") from None


def _instant(value: Any) -> datetime:
    mistake = ValueError("must be a time with its zone, as in 2026-01-31T00:00:00Z")
    try:
        instant = datetime.fromisoformat(str(value))
    except ValueError:
        raise mistake from None
    if instant.tzinfo is None:
        raise mistake
    return instant.astimezone(UTC)


def _length(value: Any, kind: Kind) -> int:
    if type(value) is not int or not 0 <= value <= _LONGEST:
        raise ValueError(f"must be a whole number, 0 to {_LONGEST}")
    return value


def _pattern(value: Any, kind: Kind) -> str:
    mistake = pattern_mistake(value) if isinstance(value, str) else "must be text"
    if mistake:
        raise ValueError(mistake)
    return str(value)


def _format(value: Any, kind: Kind) -> str:
    if value not in FORMATS:
        raise ValueError(f"must be one of {', '.join(FORMATS)}{nearest(value, FORMATS)}")
    return str(value)
