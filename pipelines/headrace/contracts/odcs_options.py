"""The ``logicalTypeOptions`` of a property: bounds, lengths, counts, pattern, format, zone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from headrace.contracts.model import TIMES, Bound, Field, Kind
from headrace.contracts.odcs_formats import check_zone, format_of, zone_name
from headrace.contracts.odcs_numbers import read_factor, read_number
from headrace.documents import Mistakes, Node, nearest
from headrace.patterns import pattern_mistake

__all__ = ["read_options"]

Reader = Callable[[Node, Field], Any]
"""Reads the value of an option of such a field. Raises ``ValueError`` saying what it must be."""

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


def read_options(node: Node, field: Field, mistakes: Mistakes) -> dict[str, Any]:
    """The options as arguments of a ``Field``; one that a field of its kind is not checked by is a mistake.

    field: the kind, and of a decimal its size. ``required``, the option of an object, is given as it stands there.
    """
    options, kind = node.child("logicalTypeOptions"), field.kind
    known = {key: (name, reader) for key, (name, taken, reader) in _OPTIONS.items() if kind in taken}
    read: dict[str, Any] = {}
    for key, child in (options.mapping if options else {}).items():
        if key not in known:
            there = f"; there are: {', '.join(known)}" if known else "; there are none"
            mistakes.add(child, f"is not enforced for type {kind}" + (nearest(key, known) or there))
            continue
        name, reader = known[key]
        if child.value is None:
            mistakes.add(child, "has no value: write one, or remove the line")
            continue
        try:
            read[name] = child if key == "required" else reader(child, field)
        except (ValueError, TypeError, ArithmeticError) as error:
            mistakes.add(child, str(error))
    if options is not None:
        _check_together(options, read, mistakes)
        check_zone(options, read, kind, mistakes)
    return read


def _check_together(options: Node, read: Mapping[str, Any], mistakes: Mistakes) -> None:
    keys = {name: key for key, (name, _, _) in _OPTIONS.items()}
    for low, high, equal in _PAIRS:
        if low not in read or high not in read:
            continue
        if read[low] > read[high] or (read[low] == read[high] and not equal):
            mistakes.add(options, f"{keys[low]} is {'above' if equal else 'not below'} {keys[high]}: no value can pass")


def _bound(node: Node, field: Field) -> Bound:
    match field.kind:
        case Kind.TIMESTAMP:
            return _instant(node.value)
        case Kind.DATE:
            return _day(node.value)
        case Kind.TIME:
            return _time(node.value)
        case _:
            return read_number(node, field)


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (ValueError, TypeError):
        raise ValueError("must be a day, as in 2026-01-31") from None


def _time(value: Any) -> time:
    mistake = ValueError("must be a time of day without a zone, as in 08:30:00")
    try:
        found = time.fromisoformat(value)
    except (ValueError, TypeError):
        raise mistake from None
    if found.tzinfo is not None:
        raise mistake
    return found


def _instant(value: Any) -> datetime:
    mistake = ValueError("must be a time with its zone, as in 2026-01-31T00:00:00Z")
    try:
        instant = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        raise mistake from None
    if instant.tzinfo is None:
        raise mistake
    return instant.astimezone(UTC)


def _count(node: Node, field: Field) -> int:
    whole = node.whole
    if whole is None or not 0 <= whole <= _LONGEST:
        raise ValueError(f"must be a whole number, 0 to {_LONGEST}")
    return whole


def _flag(node: Node, field: Field) -> bool:
    if not isinstance(node.value, bool):
        raise ValueError("must be true or false")
    return node.value


def _pattern(node: Node, field: Field) -> str:
    mistake = pattern_mistake(node.value) if isinstance(node.value, str) else "must be text"
    if mistake:
        raise ValueError(mistake)
    return str(node.value)


def _format(node: Node, field: Field) -> str:
    return format_of(node.value, field.kind)


def _zone(node: Node, field: Field) -> str:
    return zone_name(node.value)


_BOUNDED = (*_NUMBERS, *TIMES)
# By key: the attribute of a field, which kinds have it, how it is read.
_OPTIONS: Mapping[str, tuple[str, tuple[Kind, ...], Reader]] = {
    "minimum": ("minimum", _BOUNDED, _bound),
    "maximum": ("maximum", _BOUNDED, _bound),
    "exclusiveMinimum": ("exclusive_minimum", _BOUNDED, _bound),
    "exclusiveMaximum": ("exclusive_maximum", _BOUNDED, _bound),
    "multipleOf": ("multiple_of", _NUMBERS, read_factor),
    "minLength": ("min_length", (Kind.STRING,), _count),
    "maxLength": ("max_length", (Kind.STRING,), _count),
    "pattern": ("pattern", (Kind.STRING,), _pattern),
    "format": ("format", (Kind.STRING, Kind.INTEGER, Kind.NUMBER, *TIMES), _format),
    "timezone": ("timezone", (Kind.TIMESTAMP, Kind.TIME), _flag),
    "defaultTimezone": ("default_timezone", (Kind.TIMESTAMP,), _zone),
    "minItems": ("min_items", (Kind.ARRAY,), _count),
    "maxItems": ("max_items", (Kind.ARRAY,), _count),
    "uniqueItems": ("unique_items", (Kind.ARRAY,), _flag),
    "minProperties": ("min_properties", (Kind.OBJECT,), _count),
    "maxProperties": ("max_properties", (Kind.OBJECT,), _count),
    "required": ("required", (Kind.OBJECT,), _flag),
}
