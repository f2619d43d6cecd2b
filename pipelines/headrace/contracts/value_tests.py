"""What a value of a field is tested for, wherever it stands.

A null value breaks only ``required``; every other test lets it pass. No test can raise: under ANSI mode one bad cast
would end the query at every restart, so only ``try_`` forms are used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from headrace.contracts.bounds import bounds, is_no_multiple
from headrace.contracts.formats import FORMATS
from headrace.contracts.model import TIMES, Criticality, Field, Kind
from headrace.contracts.reasons import Reason

__all__ = ["Fails", "ValueTest", "value_tests"]

Fails = Callable[[Column, Column], Column]
"""A condition on one value: as it was read, times as they were sent, and typed."""
Breaks = Callable[[Column], Column]
"""A condition on one typed value."""


@dataclass(frozen=True, slots=True)
class ValueTest:
    """A condition, true where it fails, and what failing means.

    always: it rejects, whatever the field's severity. shown: its reason shows the value.
    """

    code: Reason
    fails: Fails
    message: str | None = None
    always: bool = False
    shown: bool = False


def value_tests(field: Field) -> Iterator[ValueTest]:
    """Every test of the field itself; what is nested in it has its own."""
    yield from _type_tests(field)
    if field.kind in (Kind.DATE, Kind.TIMESTAMP) and not _is_held_to_years(field):
        yield ValueTest(Reason.IMPLAUSIBLE_TIME, _of_value(_beyond_years), _YEARS, always=True)
    for outside, words in bounds(field):
        code = Reason.IMPLAUSIBLE_TIME if field.kind in TIMES else Reason.OUT_OF_RANGE
        yield ValueTest(code, _of_value(outside), f"{code.message}: {words}")
    for code, breaks in (*_text_tests(field), *_count_tests(field)):
        yield ValueTest(code, _of_value(breaks))
    if field.multiple_of is not None:
        message = f"{Reason.NOT_A_MULTIPLE.message}: {field.multiple_of}"
        yield ValueTest(Reason.NOT_A_MULTIPLE, lambda _, value: is_no_multiple(field, value), message)
    if field.allowed:
        yield ValueTest(Reason.NOT_ALLOWED, lambda _, value: ~value.isin(list(field.allowed)), shown=True)


_YEARS = f"{Reason.IMPLAUSIBLE_TIME.message}: years 1 to 9999"


def _is_held_to_years(field: Field) -> bool:
    """Whether its own bounds reject what no other reader of the table could read."""
    bounded = field.lowest is not None and field.highest is not None
    return bounded and field.criticality is Criticality.ERROR


def _beyond_years(value: Column) -> Column:
    return ~F.year(value).between(1, 9999)


def _of_value(breaks: Breaks) -> Fails:
    return lambda _, value: breaks(value)


def _type_tests(field: Field) -> Iterator[ValueTest]:
    """What only the attempt to type a value shows."""
    if field.kind in TIMES:
        code, message = (Reason.IMPLAUSIBLE_TIME, _YEARS) if field.is_epoch else (Reason.WRONG_FORMAT, _written(field))
        yield ValueTest(code, lambda sent, value: sent.isNotNull() & value.isNull(), message, always=True)


def _written(field: Field) -> str:
    if field.format:
        form = field.format
    else:
        zone = ", with its zone" if field.kind is Kind.TIMESTAMP and not field.default_timezone else ""
        form = f"in ISO 8601{zone}"
    return f"{Reason.WRONG_FORMAT.message}: {form}"


def _text_tests(field: Field) -> Iterator[tuple[Reason, Breaks]]:
    least, most, pattern = field.min_length, field.max_length, field.pattern
    if least is not None:
        yield Reason.LENGTH, lambda value: F.length(value) < least
    if most is not None:
        yield Reason.LENGTH, lambda value: F.length(value) > most
    if pattern is not None:
        yield Reason.PATTERN, lambda value: ~_matches(value, pattern)
    if field.kind is Kind.STRING and field.format is not None:
        form = FORMATS[field.format]
        yield Reason.FORMAT, lambda value: ~_matches(value, form)


def _matches(value: Column, pattern: str) -> Column:
    """Whether the whole text matches: in Java ``$`` also matches before a last line break."""
    return value.rlike(rf"\A(?:{pattern})\z")


def _count_tests(field: Field) -> Iterator[tuple[Reason, Breaks]]:
    least, most, fewest, most_members = field.min_items, field.max_items, field.min_properties, field.max_properties
    if least is not None:
        yield Reason.ITEM_COUNT, lambda value: F.array_size(value) < least
    if most is not None:
        yield Reason.ITEM_COUNT, lambda value: F.array_size(value) > most
    if field.unique_items:
        yield Reason.REPEATED_ITEM, lambda value: F.array_size(_distinct(field, value)) < F.array_size(value)
    if fewest is not None:
        yield Reason.MEMBER_COUNT, lambda value: _given(field, value) < fewest
    if most_members is not None:
        yield Reason.MEMBER_COUNT, lambda value: _given(field, value) > most_members


def _given(field: Field, value: Column) -> Column:
    """How many members are not null; null for an object that is."""
    counted = sum((value.getField(member.name).isNotNull().cast("int") for member in field.members), F.lit(0))
    return F.when(value.isNotNull(), counted)


def _distinct(field: Field, value: Column) -> Column:
    """Every item once. Objects as texts: as they are Spark would compare each with each."""
    by_text = field.items is not None and field.items.kind.nested
    return F.array_distinct(F.transform(value, lambda one: F.to_json(one)) if by_text else value)
