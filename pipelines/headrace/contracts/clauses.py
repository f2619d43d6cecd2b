"""A condition as clauses: all of them have to hold, and each is a choice among plain comparisons.

A clause is true where one of its comparisons is, so a null in one of them matters only where no other is true.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlglot
from sqlglot import exp

__all__ = ["Atom", "Clause", "clauses", "negated"]

_MOST = 16
_SIGNS: Mapping[type[exp.Expr], str] = {
    exp.EQ: "==",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_ENDS: tuple[tuple[type[exp.Expression], str], ...] = ((exp.GTE, "low"), (exp.LTE, "high"))
_NOT = {"==": "!=", "<": ">=", "<=": ">", "IN": "NOT_IN", "NULL": "NOT NULL"}
_NOT |= {after: before for before, after in _NOT.items()}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Atom:
    """One comparison of a column.

    sign: ``==``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, ``IN``, ``NOT_IN``, ``NULL`` or ``NOT NULL``.
    value: the constant it is compared with, several for ``IN``; none where ``other`` names a column instead.
    """

    column: str
    sign: str
    value: Any = None
    other: str | None = None

    @property
    def tests_null(self) -> bool:
        """Whether it is never null itself."""
        return self.sign in ("NULL", "NOT NULL")


Clause = tuple[Atom, ...]


def clauses(expression: str) -> tuple[Clause, ...]:
    """The clauses of a condition in safe Spark SQL: all true where it is true, and nowhere else.

    Raises ``ValueError`` saying what of it is no plain comparison.
    """
    return _clauses(sqlglot.parse_one(expression, read="spark"), holds=True)


def negated(atom: Atom) -> Atom:
    """True where the atom is false; both are null together."""
    return replace(atom, sign=_NOT[atom.sign])


def _clauses(node: exp.Expr, *, holds: bool) -> tuple[Clause, ...]:
    """Clauses that are all true exactly where ``node`` is true; with ``holds`` false, where it is false."""
    match node:
        case exp.Paren():
            return _clauses(node.this, holds=holds)
        case exp.Not():
            return _clauses(node.this, holds=not holds)
        case exp.And() | exp.Or():
            left, right = _clauses(node.left, holds=holds), _clauses(node.right, holds=holds)
            return left + right if isinstance(node, exp.And) is holds else _either(left, right)
        case exp.Between():
            low, high = (sign(this=node.this, expression=node.args[part]) for sign, part in _ENDS)
            return _clauses(exp.And(this=low, expression=high), holds=holds)
        case exp.EQ() | exp.NEQ() if _is_condition(node.left) or _is_condition(node.right):
            same = isinstance(node, exp.EQ) is holds
            true, false = (_clauses(node.right, holds=same is side) for side in (True, False))
            return _either(_clauses(node.left, holds=False), true) + _either(_clauses(node.left, holds=True), false)
        case _:
            atom = _atom(node)
            return ((atom if holds else negated(atom),),)


def _either(left: Sequence[Clause], right: Sequence[Clause]) -> tuple[Clause, ...]:
    if len(left) * len(right) > _MOST:
        raise ValueError("has too many cases")
    return tuple(tuple(dict.fromkeys(one + another)) for one in left for another in right)


def _is_condition(node: exp.Expr) -> bool:
    return isinstance(node.unnest(), exp.Predicate | exp.Connector | exp.Not)


def _atom(node: exp.Expr) -> Atom:
    if any(column.table for column in node.find_all(exp.Column)):
        raise ValueError(f"has {node.sql('spark')}, which looks into an object")
    sides = [side.unnest() for side in (node.this, node.args.get("expression")) if isinstance(side, exp.Expression)]
    match node, sides:
        case exp.Column(), _:
            return Atom(node.name, "==", True)
        case exp.Is(), [exp.Column() as column, exp.Null()]:
            return Atom(column.name, "NULL")
        case exp.In(), [exp.Column() as column]:
            return Atom(column.name, "IN", tuple(_constant(each.unnest()) for each in node.expressions))
        case _, [exp.Column() as column, exp.Column() as other] if type(node) in _SIGNS:
            return Atom(column.name, _SIGNS[type(node)], other=other.name)
        case _, [exp.Column() as column, constant] if type(node) in _SIGNS:
            return Atom(column.name, _SIGNS[type(node)], _constant(constant))
        case _, [constant, exp.Column() as column] if type(node) in _SIGNS:
            sign = _SIGNS[type(node)]
            return Atom(column.name, _TURNED.get(sign, sign), _constant(constant))
    raise ValueError(f"has {node.sql('spark')}, which compares no column with a constant or a column")


def _constant(node: exp.Expr) -> str | int | float | bool:
    match node:
        case exp.Literal() if node.is_string:
            return str(node.this)
        case exp.Literal():
            return int(node.this)
        case exp.Boolean():
            return bool(node.this)
        case exp.Neg() if isinstance(number := _constant(node.this), int | float):
            return -number
        # How a number with a fraction is written: 1.5D.
        case exp.Cast(this=exp.Literal(is_string=False)) if node.is_type("double"):
            return float(node.this.this)
    raise ValueError(f"compares with {node.sql('spark')}, which is no constant")
