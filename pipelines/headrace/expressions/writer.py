"""From a parsed expression to SQL, node by node: what has no entry in ``_WRITERS`` is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import partial
from types import MappingProxyType

from sqlglot import exp

from headrace.expressions import conditions, functions, literals
from headrace.expressions.terms import Family, Term, Writing

__all__ = ["write"]

Columns = Mapping[str, Family]
Writer = Callable[[exp.Expression, Writing], Term]

# What a node may carry; anything else in it is meaning that would be lost.
_PARTS = frozenset({"this", "expression", "expressions"})
_MORE_PARTS: Mapping[type[exp.Expression], frozenset[str]] = {
    exp.Between: frozenset({"low", "high"}),
    exp.Case: frozenset({"ifs", "default"}),
    exp.Column: frozenset({"table", "db", "catalog"}),
    exp.Cast: frozenset({"to"}),
    exp.TryCast: frozenset({"to", "safe"}),
    exp.If: frozenset({"true", "false"}),
    exp.Like: frozenset({"negate"}),
    exp.RegexpLike: frozenset({"negate"}),
    exp.Literal: frozenset({"is_string"}),
    exp.Round: frozenset({"decimals"}),
    exp.Greatest: frozenset({"ignore_nulls"}),
    exp.Least: frozenset({"ignore_nulls"}),
    exp.Div: frozenset({"typed", "safe"}),
}


def write(columns: Columns, node: exp.Expression) -> Term:
    """The node as safe SQL over ``columns``. Raises ``ValueError`` naming the construct that is not allowed."""
    writer = _WRITERS.get(type(node))
    if writer is None and not isinstance(node, exp.Column):
        raise ValueError(f"{_named(node)} is not allowed")
    for part, value in node.args.items():
        if value and part not in _PARTS | _MORE_PARTS.get(type(node), frozenset()):
            raise ValueError(f"{part.upper()} is not allowed in {_named(node)}")
    return _column(columns, node) if writer is None else writer(node, partial(write, columns))


def _named(node: exp.Expression) -> str:
    if isinstance(node, exp.Anonymous):
        return f"function {str(node.this)[:40].lower()}"
    if isinstance(node, exp.Func) and node.key not in ("and", "or"):
        return f"function {node.sql_name().lower()}"
    return node.key.upper()


def _column(columns: Columns, node: exp.Expression) -> Term:
    """A field, or by its path a member of an object. An object as a whole has no value that could be compared."""
    if not isinstance(node.this, exp.Identifier):
        raise ValueError("* is not allowed")
    names = [part.name for part in node.parts] if isinstance(node, exp.Column) else []
    path = ".".join(names)
    if path not in columns or any("." in name for name in names):
        raise ValueError(f"field {path[:64]} does not exist{_nearest(path, columns)}")
    if columns[path] is Family.NESTED:
        members = [name for name in columns if name.startswith(f"{path}.")]
        instead = f": name one of them, as {members[0]}" if members else ", and those of an array have no name"
        raise ValueError(f"field {path[:64]} holds several values{instead}")
    return Term(".".join(f"`{name.replace('`', '``')}`" for name in names), columns[path])


def _nearest(name: str, columns: Columns) -> str:
    folded = {column.casefold(): column for column in columns}
    close = get_close_matches(name.casefold(), folded, n=1)
    return f"; did you mean '{folded[close[0]]}'?" if close else ""


def _paren(node: exp.Expression, of: Writing) -> Term:
    return of(node.this)


def _cast(node: exp.Expression, of: Writing) -> Term:
    return literals.cast(node, of(node.this))


def _constant(node: exp.Expression, _: Writing) -> Term:
    if isinstance(node, exp.Literal):
        return literals.literal(node)
    if isinstance(node, exp.Boolean):
        return Term("TRUE" if node.this else "FALSE", Family.BOOLEAN)
    return Term("NULL", Family.NULL)


def _all(types: Iterable[type[exp.Expression]], writer: Writer) -> dict[type[exp.Expression], Writer]:
    return dict.fromkeys(types, writer)


_WRITERS: Mapping[type[exp.Expression], Writer] = MappingProxyType(
    _all(conditions.COMPARISONS, conditions.comparison)
    | _all((exp.And, exp.Or), conditions.logic)
    | _all((exp.Like, exp.RegexpLike), conditions.matching)
    | _all(functions.ARITHMETIC, functions.arithmetic)
    | _all(functions.CHOOSING, functions.choosing)
    | _all(functions.OF_TEXT, functions.of_text)
    | _all((exp.Cast, exp.TryCast), _cast)
    | _all((exp.Literal, exp.Boolean, exp.Null), _constant)
    | {
        exp.Abs: functions.absolute,
        exp.Between: conditions.between,
        exp.Case: functions.case,
        exp.If: functions.if_else,
        exp.In: conditions.membership,
        exp.Is: conditions.identity,
        exp.Neg: functions.negative,
        exp.Not: conditions.negation,
        exp.Nullif: functions.nullif,
        exp.Paren: _paren,
        exp.Round: functions.rounded,
    }
)
