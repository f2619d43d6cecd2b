"""The text of an expression → safe Spark SQL."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel

from headrace.expressions.backticks import words_for_backticks
from headrace.expressions.terms import Family, Term, family_of
from headrace.expressions.writer import write

__all__ = ["compile_condition", "compile_expression", "compile_number"]

LONGEST = 2_000
DEEPEST = 60
MOST_PARTS = 500

# The parser logs what it falls back on; what matters of it comes back as a refusal.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


def compile_condition(text: str, columns: Mapping[str, str]) -> str:
    """The same as ``compile_expression``, for an expression that must be true, false or null."""
    term = _compiled(text, columns)
    if term.family not in (Family.BOOLEAN, Family.NULL):
        raise ValueError(f"is a {term.family}, where a condition (true or false) is due")
    return term.sql


def compile_number(text: str, columns: Mapping[str, str]) -> str:
    """The same as ``compile_expression``, for an expression that must be a number or null; its value is a DOUBLE."""
    term = _compiled(text, columns)
    if term.family not in (Family.NUMBER, Family.NULL):
        raise ValueError(f"is a {term.family}, where a number is due")
    return f"try_cast({term.sql} AS DOUBLE)"


def compile_expression(text: str, columns: Mapping[str, str]) -> str:
    """Safe Spark SQL that means what ``text`` means, over ``columns``: names, each with its ODCS logical type.

    Guarantees: columns, literals and functions of the allow list only; never raises while it runs, under ANSI mode
    too: what cannot be computed is null. Not guaranteed: that it makes sense.

    Raises ``ValueError`` saying which construct is not allowed, and nothing else, whatever the text.
    """
    return _compiled(text, columns).sql


def _compiled(text: str, columns: Mapping[str, str]) -> Term:
    try:
        return _term(text, columns)
    except ValueError as error:
        is_short = len(text) <= LONGEST
        words = words_for_backticks(text, columns, lambda other: _is_understood(other, columns)) if is_short else ()
        if not words:
            raise
        quoted = ", ".join(f"`{word}`" for word in words)
        raise ValueError(
            f"{error}: a field called like a word of SQL stands in backticks: {quoted}, and the whole text in quotes"
        ) from error


def _is_understood(text: str, columns: Mapping[str, str]) -> bool:
    try:
        return bool(_term(text, columns).sql)
    except ValueError:
        return False


def _term(text: str, columns: Mapping[str, str]) -> Term:
    root = _parsed(text)
    parts = list(root.walk())
    if len(parts) > MOST_PARTS:
        raise ValueError(f"has more than {MOST_PARTS} parts")
    if max(part.depth for part in parts) > DEEPEST:
        raise ValueError(f"nests more than {DEEPEST} deep")
    return write({name: family_of(kind) for name, kind in columns.items()}, root)


def _parsed(text: str) -> exp.Expression:
    if not text.strip():
        raise ValueError("is empty")
    if len(text) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters")
    if _depth(text) > DEEPEST:
        raise ValueError(f"nests more than {DEEPEST} deep")
    try:
        root = sqlglot.parse_one(text, read="spark", into=exp.Condition, error_level=ErrorLevel.IMMEDIATE)
    # Hostile text can make a parser fail in any way; whichever it is, the text was not understood.
    except Exception as error:
        raise ValueError("is no expression of Spark SQL") from error
    if not isinstance(root, exp.Expression):
        raise ValueError("is empty")
    return root


def _depth(text: str) -> int:
    """How deep brackets nest at most; those inside texts count too, which only makes the limit stricter."""
    depth = deepest = 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        deepest = max(deepest, depth)
    return deepest
