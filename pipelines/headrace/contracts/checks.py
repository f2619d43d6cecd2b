"""Checks of one field's value: each is a condition that is true where the value breaks the contract.

A null value breaks only ``required``; every other check lets it pass. No check can raise: under ANSI mode one bad
cast would end the query at every restart, so only ``try_`` forms are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import and_

from pyspark.sql import Column
from pyspark.sql import functions as F

from headrace.contracts.model import Bound, Criticality, Field, Kind
from headrace.contracts.reasons import Reason

__all__ = ["DAY", "FORMATS", "Check", "is_instant", "value_checks"]

# A time without its zone means another instant to every reader, so the zone is part of the format.
INSTANT = r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:[Zz]|[+-]\d{2}:?\d{2})"
DAY = r"\d{4}-\d{2}-\d{2}"

# How much of a value a reason shows.
SHOWN = 80

FORMATS = {
    "uuid": r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "email": r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+",
    "uri": r"[A-Za-z][A-Za-z0-9+.-]*:\S+",
    "ipv4": r"((25[0-5]|2[0-4]\d|1?\d?\d)(\.(?!\z)|\z)){4}",
    "ipv6": r"[0-9a-fA-F:]*:[0-9a-fA-F:.]*",
    "hostname": r"(?=.{1,253}\z)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*",
}


@dataclass(frozen=True, slots=True)
class Check:
    """A condition, true where it fails, and what failing means. ``found``: what was there instead, as text."""

    fails: Column
    code: Reason
    field: str | None
    criticality: Criticality
    rule: str | None = None
    message: str | None = None
    found: Column | None = None


def is_instant(sent: Column) -> Column:
    """True where a text is written as a time with its zone; a cast has to say whether there is such a time.

    The usual form, whole seconds and Z, is told by its separators: a cast then leaves no digit of it unread, and a
    regular expression would cost more than everything else that is done with the text.
    """
    marks = ((5, "-"), (8, "-"), (11, "T"), (14, ":"), (17, ":"), (20, "Z"))
    usual = reduce(and_, (F.substring(sent, place, 1) == mark for place, mark in marks), F.length(sent) == 20)
    return usual | sent.rlike(rf"\A{INSTANT}\z")


def value_checks(field: Field, sent: Column, value: Column) -> Iterator[Check]:
    """Every check of one field. ``sent`` is its value as parsed from JSON (times still text), ``value`` typed."""
    if field.required:
        yield _check(field, sent.isNull(), Reason.REQUIRED, always=True)
    if field.kind in (Kind.TIMESTAMP, Kind.DATE):
        yield _check(field, sent.isNotNull() & value.isNull(), Reason.WRONG_FORMAT, always=True)
    if field.kind is Kind.NUMBER:
        # Of a number beyond the largest the parser leaves "Infinity", quotes and all, or hundreds of digits; of
        # anything else, its JSON.
        unread, named = sent.isNotNull() & value.isNull(), sent.startswith('"')
        beyond = (unread & named) | (F.abs(value) == float("inf"))
        yield _check(field, beyond, Reason.NON_FINITE, always=True)
        yield _check(field, unread & ~named, Reason.WRONG_TYPE, always=True)
    for condition, text in _bounds(field, value):
        code = Reason.IMPLAUSIBLE_TIME if field.kind in (Kind.TIMESTAMP, Kind.DATE) else Reason.OUT_OF_RANGE
        yield _check(field, condition, code, message=f"{code.message}: {text}")
    if field.min_length is not None:
        yield _check(field, F.length(value) < field.min_length, Reason.LENGTH)
    if field.max_length is not None:
        yield _check(field, F.length(value) > field.max_length, Reason.LENGTH)
    if field.pattern is not None:
        yield _check(field, ~_matches(value, field.pattern), Reason.PATTERN)
    if field.format is not None:
        yield _check(field, ~_matches(value, FORMATS[field.format]), Reason.FORMAT)
    if field.allowed:
        found = F.substring(value.cast("string"), 1, SHOWN)
        yield _check(field, ~value.isin(list(field.allowed)), Reason.NOT_ALLOWED, found=found)


def _matches(value: Column, pattern: str) -> Column:
    """Whether the whole text matches: in Java ``$`` also matches before a last line break."""
    return value.rlike(rf"\A(?:{pattern})\z")


def _check(
    field: Field,
    fails: Column,
    code: Reason,
    *,
    always: bool = False,
    message: str | None = None,
    found: Column | None = None,
) -> Check:
    return Check(
        fails=F.coalesce(fails, F.lit(False)),
        code=code,
        field=field.name,
        criticality=Criticality.ERROR if always else field.criticality,
        message=message,
        found=found,
    )


def _bounds(field: Field, value: Column) -> Iterator[tuple[Column, str]]:
    minimum, maximum = field.lowest, field.highest
    if minimum is not None:
        yield value < _literal(minimum), f"at least {_text(minimum)}"
    if maximum is not None:
        yield value > _literal(maximum), f"at most {_text(maximum)}"
    if field.exclusive_minimum is not None:
        yield value <= _literal(field.exclusive_minimum), f"more than {_text(field.exclusive_minimum)}"
    if field.exclusive_maximum is not None:
        yield value >= _literal(field.exclusive_maximum), f"less than {_text(field.exclusive_maximum)}"


def _literal(bound: Bound) -> Column:
    return F.lit(bound)


def _text(bound: Bound) -> str:
    return bound.isoformat() if isinstance(bound, date) else str(bound)
