"""What an expression is made of: a piece of SQL and the family of types its value is of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlglot import exp

__all__ = ["Family", "Term", "Writing", "common", "family_of", "needs"]


class Family(StrEnum):
    """Types within a family compare and mix without a cast that could fail."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "condition"
    TIME = "time"
    NULL = "null"
    NESTED = "nested"


_FAMILIES = {
    "string": Family.TEXT,
    "integer": Family.NUMBER,
    "number": Family.NUMBER,
    "decimal": Family.NUMBER,
    "boolean": Family.BOOLEAN,
    "timestamp": Family.TIME,
    "date": Family.TIME,
    # A time of day is kept as text, whose order is that of the day.
    "time": Family.TEXT,
    "object": Family.NESTED,
    "array": Family.NESTED,
}


@dataclass(frozen=True, slots=True)
class Term:
    """Safe SQL that can stand anywhere, being a literal, a name, a call or in brackets."""

    sql: str
    family: Family


Writing = Callable[[exp.Expression], Term]
"""Writes a part of an expression."""


def family_of(kind: str) -> Family:
    """The family of an ODCS logical type."""
    return _FAMILIES[kind]


def needs(family: Family, *terms: Term, what: str) -> None:
    """Raises ``ValueError`` unless every term is of that family or null."""
    for term in terms:
        if term.family not in (family, Family.NULL):
            raise ValueError(f"{what} takes a {family}, not a {term.family}: {term.sql}")


def common(terms: Sequence[Term], what: str) -> Family:
    """The one family all terms are of, nulls aside. Raises ``ValueError`` if there are two."""
    families = {term.family for term in terms} - {Family.NULL}
    if len(families) > 1:
        raise ValueError(f"{what} mixes {' and '.join(sorted(families))}: make them one type with try_cast")
    return families.pop() if families else Family.NULL
