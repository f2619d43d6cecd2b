"""Conditions by chance: everything the grammar of rules has, over the fields of a contract, types kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

__all__ = ["condition"]

_TEXTS: Final = (
    "''",
    "'a'",
    "'idle'",
    "'1e400'",
    "'9999-12-31'",
    "'2026-01-01T00:00:00Z'",
    "'NaN'",
    "'-'",
    r"'\\'",
    "'漢'",
)
_NUMBERS: Final = ("0", "1", "-1", "0.1", "1e300", "999999999999999999", "-0.0", "1e-300", "123456789.123456789")
_TIMES: Final = ("TIMESTAMP '0001-01-01T00:00:00Z'", "TIMESTAMP '9999-12-31T23:59:59Z'", "DATE '2026-02-28'")
_TYPES: Final = ("INT", "BIGINT", "DOUBLE", "DECIMAL(38, 0)", "DECIMAL(38, 38)", "DECIMAL(5, 2)")
_PATTERNS: Final = ("'^a.*z$'", "'[0-9]+'", "'(?:ab)*'", r"'\\s'")
_LIKES: Final = ("'%'", "'_a%'", r"'\\%'", "''")

Columns = Mapping[str, tuple[str, ...]]
"""Names of fields by family: text, number, time, condition."""


def condition(random: Random, columns: Columns, depth: int = 3) -> str:
    """One condition of up to that depth."""
    return _of("condition", random, columns, depth)


def _of(family: str, random: Random, columns: Columns, depth: int) -> str:
    if depth <= 0 or random.random() < 0.1:
        return _leaf(family, random, columns)
    made = random.choice(_GROWING[family])
    return made(random, lambda wanted: _of(wanted, random, columns, depth - 1))


def _leaf(family: str, random: Random, columns: Columns) -> str:
    if columns[family] and random.random() < 0.7:
        return random.choice(columns[family])
    plain = {"text": _TEXTS, "number": _NUMBERS, "time": _TIMES, "condition": ("TRUE", "FALSE", "(1 = 1)")}
    return random.choice(plain[family])


Grow = Callable[[str], str]
_Growing = Callable[[Random, Grow], str]


def _any(random: Random) -> str:
    return random.choice(("text", "number", "time", "condition"))


def _compared(random: Random, grow: Grow) -> str:
    family = _any(random)
    return f"({grow(family)} {random.choice(('=', '==', '<>', '!=', '<', '<=', '>', '>=', '<=>'))} {grow(family)})"


def _listed(random: Random, grow: Grow) -> str:
    family = _any(random)
    return f"({grow(family)} {random.choice(('IN', 'NOT IN'))} ({grow(family)}, NULL, {grow(family)}))"


def _between(random: Random, grow: Grow) -> str:
    family = _any(random)
    return f"({grow(family)} BETWEEN {grow(family)} AND {grow(family)})"


def _null(random: Random, grow: Grow) -> str:
    return f"({grow(_any(random))} IS {random.choice(('NULL', 'NOT NULL'))})"


def _chosen(family: str) -> tuple[_Growing, ...]:
    """What picks among values of a family, whichever that is."""
    return (
        lambda _, grow: f"coalesce({grow(family)}, NULL, {grow(family)})",
        lambda _, grow: f"if({grow('condition')}, {grow(family)}, {grow(family)})",
        lambda _, grow: f"CASE WHEN {grow('condition')} THEN {grow(family)} ELSE {grow(family)} END",
        lambda _, grow: f"CASE {grow('number')} WHEN {grow('number')} THEN {grow(family)} END",
        lambda _, grow: f"nullif({grow(family)}, {grow(family)})",
        lambda random, grow: f"{random.choice(('greatest', 'least'))}({grow(family)}, {grow(family)})",
    )


_GROWING: Final[Mapping[str, tuple[_Growing, ...]]] = {
    "condition": (
        _compared,
        _listed,
        _between,
        _null,
        lambda random, grow: f"({grow('condition')} {random.choice(('AND', 'OR'))} {grow('condition')})",
        lambda _, grow: f"(NOT {grow('condition')})",
        lambda random, grow: f"({grow('text')} RLIKE {random.choice(_PATTERNS)})",
        lambda random, grow: f"({grow('text')} {random.choice(('LIKE', 'NOT LIKE'))} {random.choice(_LIKES)})",
        lambda _, grow: f"({grow('condition')} IS TRUE)",
        *_chosen("condition")[:4],
    ),
    "number": (
        lambda random, grow: f"({grow('number')} {random.choice('+-*/%')} {grow('number')})",
        lambda _, grow: f"(-{grow('number')})",
        lambda _, grow: f"abs({grow('number')})",
        lambda random, grow: f"round({grow('number')}, {random.choice((0, 2, 18))})",
        lambda _, grow: f"length({grow('text')})",
        lambda random, grow: f"cast({grow(random.choice(('text', 'number', 'condition')))} AS {random.choice(_TYPES)})",
        *_chosen("number"),
    ),
    "text": (
        lambda random, grow: f"{random.choice(('lower', 'upper', 'trim'))}({grow('text')})",
        lambda random, grow: f"cast({grow(_any(random))} AS STRING)",
        *_chosen("text"),
    ),
    "time": (
        lambda random, grow: f"try_cast({grow('text')} AS {random.choice(('DATE', 'TIMESTAMP'))})",
        lambda random, grow: f"cast({grow('time')} AS {random.choice(('DATE', 'TIMESTAMP'))})",
        *_chosen("time"),
    ),
}
