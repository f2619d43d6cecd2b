"""Arithmetic, functions and choices, in forms that give null where the plain ones would raise."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from headrace.expressions.terms import Family, Term, Writing, common, needs

__all__ = [
    "ARITHMETIC",
    "CHOOSING",
    "OF_TEXT",
    "absolute",
    "arithmetic",
    "case",
    "choosing",
    "if_else",
    "negative",
    "nullif",
    "of_text",
    "rounded",
]

ARITHMETIC: Mapping[type[exp.Expression], str] = {
    exp.Add: "try_add",
    exp.Sub: "try_subtract",
    exp.Mul: "try_multiply",
    exp.Div: "try_divide",
    exp.Mod: "try_mod",
}
CHOOSING: Mapping[type[exp.Expression], str] = {exp.Coalesce: "coalesce", exp.Greatest: "greatest", exp.Least: "least"}
OF_TEXT: Mapping[type[exp.Expression], tuple[str, Family]] = {
    exp.Length: ("length", Family.NUMBER),
    exp.Lower: ("lower", Family.TEXT),
    exp.Upper: ("upper", Family.TEXT),
    exp.Trim: ("trim", Family.TEXT),
}
MOST_DECIMALS = 18


def arithmetic(node: exp.Expression, of: Writing) -> Term:
    left, right = of(node.this), of(node.expression)
    function = ARITHMETIC[type(node)]
    needs(Family.NUMBER, left, right, what=function.removeprefix("try_"))
    return Term(f"{function}({left.sql}, {right.sql})", Family.NUMBER)


def negative(node: exp.Expression, of: Writing) -> Term:
    inner = of(node.this)
    needs(Family.NUMBER, inner, what="minus")
    if isinstance(node.this, exp.Literal):
        return Term(f"(-{inner.sql})", Family.NUMBER)
    return Term(f"try_subtract(0, {inner.sql})", Family.NUMBER)


def absolute(node: exp.Expression, of: Writing) -> Term:
    """Not Spark's own: that one raises for the smallest integer."""
    inner = of(node.this)
    needs(Family.NUMBER, inner, what="abs")
    return Term(f"if(({inner.sql} < 0), try_subtract(0, {inner.sql}), {inner.sql})", Family.NUMBER)


def rounded(node: exp.Expression, of: Writing) -> Term:
    inner, places = of(node.this), node.args.get("decimals")
    needs(Family.NUMBER, inner, what="round")
    digits = places.name if isinstance(places, exp.Literal) else "0" if places is None else ""
    if not digits.isdecimal() or int(digits) > MOST_DECIMALS:
        raise ValueError("round takes 0 to 18 decimals, as a literal")
    return Term(f"round({inner.sql}, {int(digits)})", Family.NUMBER)


def of_text(node: exp.Expression, of: Writing) -> Term:
    function, family = OF_TEXT[type(node)]
    if node.args.get("expression") is not None:
        raise ValueError(f"{function} takes one text")
    inner = of(node.this)
    needs(Family.TEXT, inner, what=function)
    return Term(f"{function}({inner.sql})", family)


def choosing(node: exp.Expression, of: Writing) -> Term:
    function = CHOOSING[type(node)]
    terms = [of(each) for each in (node.this, *node.expressions)]
    if len(terms) < 2:
        raise ValueError(f"{function} takes two values or more")
    return Term(f"{function}({', '.join(term.sql for term in terms)})", common(terms, function))


def nullif(node: exp.Expression, of: Writing) -> Term:
    left, right = of(node.this), of(node.expression)
    return Term(f"nullif({left.sql}, {right.sql})", common((left, right), "nullif"))


def _decides(when: Term, *, what: str) -> None:
    """A bare NULL is no condition here: Spark gives it no type and refuses the query."""
    needs(Family.BOOLEAN, when, what=what)
    if when.family is Family.NULL:
        raise ValueError(f"{what} takes a condition, not NULL")


def if_else(node: exp.Expression, of: Writing) -> Term:
    when, then = of(node.this), of(node.args["true"])
    otherwise = of(node.args["false"]) if node.args.get("false") else Term("NULL", Family.NULL)
    _decides(when, what="IF")
    return Term(f"if({when.sql}, {then.sql}, {otherwise.sql})", common((then, otherwise), "IF"))


def case(node: exp.Expression, of: Writing) -> Term:
    """``CASE x WHEN 1`` is written as ``CASE WHEN x = 1``: one form, one set of checks."""
    subject = of(node.this) if node.this is not None else None
    branches = [(of(each.this), of(each.args["true"])) for each in node.args["ifs"]]
    default = of(node.args["default"]) if node.args.get("default") else Term("NULL", Family.NULL)
    if subject is None:
        for when, _ in branches:
            _decides(when, what="WHEN")
    else:
        common((subject, *(when for when, _ in branches)), "CASE")
    head = f"{subject.sql} = " if subject else ""
    whens = " ".join(f"WHEN ({head}{when.sql}) THEN {then.sql}" for when, then in branches)
    family = common((*(then for _, then in branches), default), "CASE")
    return Term(f"(CASE {whens} ELSE {default.sql} END)", family)
