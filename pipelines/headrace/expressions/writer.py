"""From a parsed expression to SQL, node by node: what has no entry in ``_WRITERS`` is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from sqlglot import exp

from headrace.expressions import literals
from headrace.expressions.terms import Family, Term, common, needs

__all__ = ["write"]

Columns = Mapping[str, Family]
Writer = Callable[[exp.Expression, Columns], Term]

_COMPARISONS = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=", exp.NullSafeEQ: "<=>",
}  # fmt: skip
_ARITHMETIC = {
    exp.Add: "try_add", exp.Sub: "try_subtract", exp.Mul: "try_multiply", exp.Div: "try_divide", exp.Mod: "try_mod",
}  # fmt: skip
_CHOOSING = {exp.Coalesce: "coalesce", exp.Greatest: "greatest", exp.Least: "least"}
_OF_TEXT = {
    exp.Length: ("length", Family.NUMBER),
    exp.Lower: ("lower", Family.TEXT),
    exp.Upper: ("upper", Family.TEXT),
    exp.Trim: ("trim", Family.TEXT),
}
# What a node may carry; anything else in it is meaning that would be lost.
_PARTS = {"this", "expression", "expressions"}
_MORE_PARTS: Mapping[type[exp.Expression], set[str]] = {
    exp.Between: {"low", "high"},
    exp.Case: {"ifs", "default"},
    exp.Cast: {"to"},
    exp.TryCast: {"to", "safe"},
    exp.If: {"true", "false"},
    exp.Like: {"negate"},
    exp.RegexpLike: {"negate"},
    exp.Literal: {"is_string"},
    exp.Round: {"decimals"},
    exp.Greatest: {"ignore_nulls"},
    exp.Least: {"ignore_nulls"},
    exp.Div: {"typed", "safe"},
}


def write(node: exp.Expression, columns: Columns) -> Term:
    """The node as safe SQL. Raises ``ValueError`` naming the construct that is not allowed."""
    writer = _WRITERS.get(type(node))
    if writer is None:
        raise ValueError(f"{_named(node)} is not allowed")
    for part, value in node.args.items():
        if value and part not in _PARTS | _MORE_PARTS.get(type(node), set()):
            raise ValueError(f"{part.upper()} is not allowed in {_named(node)}")
    return writer(node, columns)


def _named(node: exp.Expression) -> str:
    if isinstance(node, exp.Anonymous):
        return f"function {str(node.this)[:40].lower()}"
    return f"function {node.sql_name().lower()}" if isinstance(node, exp.Func) else f"a {node.key}"


def _column(node: exp.Expression, columns: Columns) -> Term:
    name = node.name
    if not isinstance(node.this, exp.Identifier):
        raise ValueError("a star is not allowed")
    if name not in columns:
        close = get_close_matches(name, columns, n=1)
        raise ValueError(f"field {name[:64]} does not exist" + (f"; did you mean '{close[0]}'?" if close else ""))
    return Term(f"`{name.replace('`', '``')}`", columns[name])


def _comparison(node: exp.Expression, columns: Columns) -> Term:
    left, right = write(node.this, columns), write(node.expression, columns)
    sign = _COMPARISONS[type(node)]
    common((left, right), f"comparing with {sign}")
    return Term(f"({left.sql} {sign} {right.sql})", Family.BOOLEAN)


def _logic(node: exp.Expression, columns: Columns) -> Term:
    left, right = write(node.this, columns), write(node.expression, columns)
    needs(Family.BOOLEAN, left, right, what=node.key.upper())
    return Term(f"({left.sql} {node.key.upper()} {right.sql})", Family.BOOLEAN)


def _not(node: exp.Expression, columns: Columns) -> Term:
    inner = write(node.this, columns)
    needs(Family.BOOLEAN, inner, what="NOT")
    return Term(f"(NOT {inner.sql})", Family.BOOLEAN)


def _is(node: exp.Expression, columns: Columns) -> Term:
    left, right = write(node.this, columns), write(node.expression, columns)
    if not isinstance(node.expression, exp.Null | exp.Boolean):
        raise ValueError("IS takes NULL, TRUE or FALSE")
    if isinstance(node.expression, exp.Boolean):
        needs(Family.BOOLEAN, left, what="IS")
    return Term(f"({left.sql} IS {right.sql})", Family.BOOLEAN)


def _in(node: exp.Expression, columns: Columns) -> Term:
    value = write(node.this, columns)
    listed = [write(each, columns) for each in node.expressions]
    common((value, *listed), "IN")
    return Term(f"({value.sql} IN ({', '.join(term.sql for term in listed)}))", Family.BOOLEAN)


def _between(node: exp.Expression, columns: Columns) -> Term:
    value, low, high = (write(node.args[part], columns) for part in ("this", "low", "high"))
    common((value, low, high), "BETWEEN")
    return Term(f"({value.sql} BETWEEN {low.sql} AND {high.sql})", Family.BOOLEAN)


def _matching(node: exp.Expression, columns: Columns) -> Term:
    like = isinstance(node, exp.Like)
    word = "LIKE" if like else "RLIKE"
    value = write(node.this, columns)
    needs(Family.TEXT, value, what=word)
    pattern = literals.like_text(node.expression) if like else literals.regex_text(node.expression)
    negated = "NOT " if node.args.get("negate") else ""
    return Term(f"({value.sql} {negated}{word} {pattern})", Family.BOOLEAN)


def _arithmetic(node: exp.Expression, columns: Columns) -> Term:
    left, right = write(node.this, columns), write(node.expression, columns)
    function = _ARITHMETIC[type(node)]
    needs(Family.NUMBER, left, right, what=function.removeprefix("try_"))
    return Term(f"{function}({left.sql}, {right.sql})", Family.NUMBER)


def _negative(node: exp.Expression, columns: Columns) -> Term:
    inner = write(node.this, columns)
    needs(Family.NUMBER, inner, what="minus")
    if isinstance(node.this, exp.Literal):
        return Term(f"(-{inner.sql})", Family.NUMBER)
    return Term(f"try_subtract(0, {inner.sql})", Family.NUMBER)


def _abs(node: exp.Expression, columns: Columns) -> Term:
    """Not Spark's own: that one raises for the smallest integer."""
    inner = write(node.this, columns)
    needs(Family.NUMBER, inner, what="abs")
    return Term(f"if(({inner.sql} < 0), try_subtract(0, {inner.sql}), {inner.sql})", Family.NUMBER)


def _round(node: exp.Expression, columns: Columns) -> Term:
    inner, places = write(node.this, columns), node.args.get("decimals")
    needs(Family.NUMBER, inner, what="round")
    digits = places.name if isinstance(places, exp.Literal) else "0" if places is None else ""
    if not digits.isdecimal() or int(digits) > 18:
        raise ValueError("round takes 0 to 18 decimals, as a literal")
    return Term(f"round({inner.sql}, {int(digits)})", Family.NUMBER)


def _of_text(node: exp.Expression, columns: Columns) -> Term:
    function, family = _OF_TEXT[type(node)]
    if node.args.get("expression") is not None:
        raise ValueError(f"{function} takes one text")
    inner = write(node.this, columns)
    needs(Family.TEXT, inner, what=function)
    return Term(f"{function}({inner.sql})", family)


def _choosing(node: exp.Expression, columns: Columns) -> Term:
    function = _CHOOSING[type(node)]
    terms = [write(each, columns) for each in (node.this, *node.expressions)]
    if len(terms) < 2:
        raise ValueError(f"{function} takes two values or more")
    return Term(f"{function}({', '.join(term.sql for term in terms)})", common(terms, function))


def _nullif(node: exp.Expression, columns: Columns) -> Term:
    left, right = write(node.this, columns), write(node.expression, columns)
    return Term(f"nullif({left.sql}, {right.sql})", common((left, right), "nullif"))


def _if(node: exp.Expression, columns: Columns) -> Term:
    when, then = write(node.this, columns), write(node.args["true"], columns)
    otherwise = write(node.args["false"], columns) if node.args.get("false") else Term("NULL", Family.NULL)
    needs(Family.BOOLEAN, when, what="IF")
    return Term(f"if({when.sql}, {then.sql}, {otherwise.sql})", common((then, otherwise), "IF"))


def _case(node: exp.Expression, columns: Columns) -> Term:
    """``CASE x WHEN 1`` is written as ``CASE WHEN x = 1``: one form, one set of checks."""
    subject = write(node.this, columns) if node.this is not None else None
    branches = [(write(each.this, columns), write(each.args["true"], columns)) for each in node.args["ifs"]]
    default = write(node.args["default"], columns) if node.args.get("default") else Term("NULL", Family.NULL)
    if subject is None:
        needs(Family.BOOLEAN, *(when for when, _ in branches), what="WHEN")
    else:
        common((subject, *(when for when, _ in branches)), "CASE")
    head = f"{subject.sql} = " if subject else ""
    whens = " ".join(f"WHEN ({head}{when.sql}) THEN {then.sql}" for when, then in branches)
    family = common((*(then for _, then in branches), default), "CASE")
    return Term(f"(CASE {whens} ELSE {default.sql} END)", family)


def _cast(node: exp.Expression, columns: Columns) -> Term:
    return literals.cast(node, write(node.this, columns))


def _literal(node: exp.Expression, columns: Columns) -> Term:
    assert isinstance(node, exp.Literal)
    return literals.literal(node)


_WRITERS: Mapping[type[exp.Expression], Writer] = MappingProxyType(
    dict.fromkeys(_COMPARISONS, _comparison)
    | dict.fromkeys(_ARITHMETIC, _arithmetic)
    | dict.fromkeys(_CHOOSING, _choosing)
    | dict.fromkeys(_OF_TEXT, _of_text)
    | dict.fromkeys((exp.Like, exp.RegexpLike), _matching)
    | dict.fromkeys((exp.And, exp.Or), _logic)
    | dict.fromkeys((exp.Cast, exp.TryCast), _cast)
    | {
        exp.Abs: _abs,
        exp.Between: _between,
        exp.Boolean: lambda node, columns: Term("TRUE" if node.this else "FALSE", Family.BOOLEAN),
        exp.Case: _case,
        exp.Column: _column,
        exp.If: _if,
        exp.In: _in,
        exp.Is: _is,
        exp.Literal: _literal,
        exp.Neg: _negative,
        exp.Not: _not,
        exp.Null: lambda node, columns: Term("NULL", Family.NULL),
        exp.Nullif: _nullif,
        exp.Paren: lambda node, columns: write(node.this, columns),
        exp.Round: _round,
    }
)
