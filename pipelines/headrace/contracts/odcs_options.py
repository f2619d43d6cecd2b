"""The ``logicalTypeOptions`` of a property: bounds, lengths, counts, pattern, format, zone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from headrace.contracts.model import TIMES, Bound, Kind
from headrace.contracts.odcs_formats import check_zone, format_of, zone_name
from headrace.documents import Mistakes, Node, Written, nearest
from headrace.patterns import pattern_mistake

__all__ = ["read_options"]

Reader = Callable[[Any, Kind], Any]
"""Reads the value of an option of a field of that kind. Raises ``ValueError`` saying what it must be."""

_NUMBERS = (Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL)
# A low bound, a high bound, and whether the two may be equal.
_PAIRS = (
    ("minimum", "maximum", True),
    ("minimum", "exclusive_maximum", False),
    ("exclusive_minimum", "maximum", False),
    ("exclusive_minimum", "exclusive_maximum", False),
    ("min_length", "max_length", True),
    ("min_items", "max_items", True),
    ("min_properties", "max_properties", True),
)
_LONGEST = 2**31 - 1
_DIGITS = 38


def read_options(node: Node, kind: Kind, size: tuple[int, int], mistakes: Mistakes) -> dict[str, Any]:
    """The options as arguments of a ``Field``; one that a field of that kind is not checked by is a mistake.

    size: precision and scale, of a decimal. ``required``, the option of an object, is given as it stands there.
    """
    options = node.child("logicalTypeOptions")
    known = {key: (name, reader) for key, (name, taken, reader) in _OPTIONS.items() if kind in taken}
    read: dict[str, Any] = {}
    for key, child in (options.mapping if options else {}).items():
        if key not in known:
            there = f"; there are: {', '.join(known)}" if known else "; there are none"
            mistakes.add(child, f"is not enforced for type {kind}" + (nearest(key, known) or there))
            continue
        name, reader = known[key]
        try:
            read[name] = child if key == "required" else reader(child.value, kind)
        except (ValueError, TypeError, ArithmeticError) as error:
            mistakes.add(child, str(error))
    if options is not None:
        _check_together(options, read, size, mistakes)
        check_zone(options, read, kind, mistakes)
    return read


def _check_together(options: Node, read: Mapping[str, Any], size: tuple[int, int], mistakes: Mistakes) -> None:
    keys = {name: key for key, (name, _, _) in _OPTIONS.items()}
    for low, high, equal in _PAIRS:
        if low not in read or high not in read:
            continue
        if read[low] > read[high] or (read[low] == read[high] and not equal):
            mistakes.add(options, f"{keys[low]} is {'above' if equal else 'not below'} {keys[high]}: no value can pass")
    factor, (precision, scale) = read.get("multiple_of"), size
    if isinstance(factor, Decimal) and (factor != round(factor, scale) or factor >= 10 ** (precision - scale)):
        mistakes.add(options.at("multipleOf"), f"must be a decimal({precision},{scale}) itself")


def _bound(value: Any, kind: Kind) -> Bound:
    match kind:
        case Kind.TIMESTAMP:
            return _instant(value)
        case Kind.DATE:
            return _day(value)
        case Kind.TIME:
            return _time(value)
        case _:
            return _number(value, kind)


def _number(value: Any, kind: Kind) -> int | float | Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) == float("inf"):
        raise ValueError("must be a number")
    if kind is Kind.DECIMAL:
        return _exact(value)
    if kind is Kind.NUMBER and abs(value) >= 2**63:
        return float(value)  # what the field's values are; Spark takes no longer integer
    if kind is Kind.INTEGER and (not isinstance(value, int) or abs(value) >= 2**63):
        raise ValueError("must be a whole number of 64 bits")
    return value


def _exact(value: int | float) -> Decimal:
    found = Decimal(str(value))
    written = Decimal(value.text) if isinstance(value, Written) else found
    # What is equal stays as it was, for the fingerprint of the contract is made of it.
    found = found if found == written else written
    exponent = int(found.as_tuple().exponent)
    if max(found.adjusted() + 1, 0) + max(-exponent, 0) > _DIGITS:
        raise ValueError(f"must have at most {_DIGITS} digits")
    return found


def _factor(value: Any, kind: Kind) -> int | float | Decimal:
    factor = _number(value, kind)
    if factor <= 0:
        raise ValueError("must be more than 0")
    if kind is Kind.NUMBER and Decimal(factor) != Decimal(str(factor)):
        raise ValueError("is no number a double can hold: add physicalType: decimal(p,s), which is exact")
    return factor


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError("must be a day, as in 2026-01-31") from None


def _time(value: Any) -> time:
    mistake = ValueError("must be a time of day without a zone, as in 08:30:00")
    try:
        found = time.fromisoformat(str(value))
    except ValueError:
        raise mistake from None
    if found.tzinfo is not None:
        raise mistake
    return found


def _instant(value: Any) -> datetime:
    mistake = ValueError("must be a time with its zone, as in 2026-01-31T00:00:00Z")
    try:
        instant = datetime.fromisoformat(str(value))
    except ValueError:
        raise mistake from None
    if instant.tzinfo is None:
        raise mistake
    return instant.astimezone(UTC)


def _count(value: Any, kind: Kind) -> int:
    if type(value) is not int or not 0 <= value <= _LONGEST:
        raise ValueError(f"must be a whole number, 0 to {_LONGEST}")
    return value


def _flag(value: Any, kind: Kind) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _pattern(value: Any, kind: Kind) -> str:
    mistake = pattern_mistake(value) if isinstance(value, str) else "must be text"
    if mistake:
        raise ValueError(mistake)
    return str(value)


_BOUNDED = (*_NUMBERS, *TIMES)
# By key: the attribute of a field, which kinds have it, how it is read.
_OPTIONS: Mapping[str, tuple[str, tuple[Kind, ...], Reader]] = {
    "minimum": ("minimum", _BOUNDED, _bound),
    "maximum": ("maximum", _BOUNDED, _bound),
    "exclusiveMinimum": ("exclusive_minimum", _BOUNDED, _bound),
    "exclusiveMaximum": ("exclusive_maximum", _BOUNDED, _bound),
    "multipleOf": ("multiple_of", _NUMBERS, _factor),
    "minLength": ("min_length", (Kind.STRING,), _count),
    "maxLength": ("max_length", (Kind.STRING,), _count),
    "pattern": ("pattern", (Kind.STRING,), _pattern),
    "format": ("format", (Kind.STRING, Kind.INTEGER, Kind.NUMBER, *TIMES), format_of),
    "timezone": ("timezone", (Kind.TIMESTAMP, Kind.TIME), _flag),
    "defaultTimezone": ("default_timezone", (Kind.TIMESTAMP,), zone_name),
    "minItems": ("min_items", (Kind.ARRAY,), _count),
    "maxItems": ("max_items", (Kind.ARRAY,), _count),
    "uniqueItems": ("unique_items", (Kind.ARRAY,), _flag),
    "minProperties": ("min_properties", (Kind.OBJECT,), _count),
    "maxProperties": ("max_properties", (Kind.OBJECT,), _count),
    "required": ("required", (Kind.OBJECT,), _flag),
}
