"""What is true, false or null: comparisons, logic, membership, matching."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from headrace.expressions.literals import like_text, regex_text
from headrace.expressions.terms import Family, Term, Writing, common, needs

__all__ = ["COMPARISONS", "between", "comparison", "identity", "logic", "matching", "membership", "negation"]

COMPARISONS: Mapping[type[exp.Expression], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "<=>",
}


def comparison(node: exp.Expression, of: Writing) -> Term:
    left, right = of(node.this), of(node.expression)
    sign = COMPARISONS[type(node)]
    common((left, right), f"comparing with {sign}")
    return Term(f"({left.sql} {sign} {right.sql})", Family.BOOLEAN)


def logic(node: exp.Expression, of: Writing) -> Term:
    left, right = of(node.this), of(node.expression)
    needs(Family.BOOLEAN, left, right, what=node.key.upper())
    return Term(f"({left.sql} {node.key.upper()} {right.sql})", Family.BOOLEAN)


def negation(node: exp.Expression, of: Writing) -> Term:
    inner = of(node.this)
    needs(Family.BOOLEAN, inner, what="NOT")
    return Term(f"(NOT {inner.sql})", Family.BOOLEAN)


def identity(node: exp.Expression, of: Writing) -> Term:
    left, right = of(node.this), of(node.expression)
    if not isinstance(node.expression, exp.Null | exp.Boolean):
        raise ValueError("IS takes NULL, TRUE or FALSE")
    if isinstance(node.expression, exp.Boolean):
        needs(Family.BOOLEAN, left, what="IS")
    return Term(f"({left.sql} IS {right.sql})", Family.BOOLEAN)


def membership(node: exp.Expression, of: Writing) -> Term:
    value = of(node.this)
    listed = [of(each) for each in node.expressions]
    if not listed:
        raise ValueError("IN takes at least one value")
    common((value, *listed), "IN")
    return Term(f"({value.sql} IN ({', '.join(term.sql for term in listed)}))", Family.BOOLEAN)


def between(node: exp.Expression, of: Writing) -> Term:
    value, low, high = (of(node.args[part]) for part in ("this", "low", "high"))
    common((value, low, high), "BETWEEN")
    return Term(f"({value.sql} BETWEEN {low.sql} AND {high.sql})", Family.BOOLEAN)


def matching(node: exp.Expression, of: Writing) -> Term:
    like = isinstance(node, exp.Like)
    word = "LIKE" if like else "RLIKE"
    value = of(node.this)
    needs(Family.TEXT, value, what=word)
    pattern = like_text(node.expression) if like else regex_text(node.expression)
    negated = "NOT " if node.args.get("negate") else ""
    return Term(f"({value.sql} {negated}{word} {pattern})", Family.BOOLEAN)
