"""Literals, casts and patterns of an expression."""

from __future__ import annotations

import math
import re
from datetime import date, datetime

from sqlglot import exp

from headrace.expressions.terms import Family, Term
from headrace.patterns import pattern_mistake

__all__ = ["cast", "like_text", "literal", "regex_text", "text_sql"]

_WHOLE = re.compile(r"\d{1,18}")
_NUMBER = re.compile(r"\d{1,18}(\.\d{0,18})?([eE][+-]?\d{1,3})?")
_TYPES = {
    exp.DataType.Type.BOOLEAN: ("BOOLEAN", Family.BOOLEAN),
    exp.DataType.Type.INT: ("INT", Family.NUMBER),
    exp.DataType.Type.BIGINT: ("BIGINT", Family.NUMBER),
    exp.DataType.Type.DOUBLE: ("DOUBLE", Family.NUMBER),
    exp.DataType.Type.TEXT: ("STRING", Family.TEXT),
    exp.DataType.Type.DATE: ("DATE", Family.TIME),
    exp.DataType.Type.TIMESTAMPTZ: ("TIMESTAMP", Family.TIME),
}
# Pairs Spark refuses when it analyses the query; the others turn what cannot be cast into null.
_NO_CAST = {
    (Family.TIME, Family.BOOLEAN),
    (Family.TIME, Family.NUMBER),
    (Family.BOOLEAN, Family.TIME),
    (Family.NUMBER, Family.TIME),
}
# A text may name a day so far off that comparing it with a time overflows, which no try_cast catches.
_PLAUSIBLE_DATE = (
    "array_max(filter(array(try_cast({} AS DATE)), day -> day BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'))"
)


def literal(node: exp.Literal) -> Term:
    """A text or a number. A number with a fraction is a double: decimals of unlike scale overflow when compared."""
    text = str(node.this)
    if node.is_string:
        return Term(text_sql(text), Family.TEXT)
    if _WHOLE.fullmatch(text):
        return Term(text, Family.NUMBER)
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise ValueError(f"number {text[:40]} is out of range: 18 digits at most, and finite")
    return Term(f"{float(text)!r}D", Family.NUMBER)


def text_sql(text: str) -> str:
    """A text as a literal that Spark reads back to the same characters."""
    if "\0" in text or any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise ValueError("a text holds a character that cannot be stored")
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def cast(node: exp.Expression, value: Term) -> Term:
    """Any cast, as ``try_cast``. A literal that is no time is refused here, as it could only ever be null."""
    name, family = _type(node.args["to"])
    if (value.family, family) in _NO_CAST:
        raise ValueError(f"a {value.family} cannot be cast to {name}")
    if family is Family.TIME and isinstance(node.this, exp.Literal) and node.this.is_string:
        _readable_time(str(node.this.this), name)
    elif name == "DATE":
        return Term(_PLAUSIBLE_DATE.format(value.sql), family)
    return Term(f"try_cast({value.sql} AS {name})", family)


def _type(target: exp.DataType) -> tuple[str, Family]:
    if target.this is exp.DataType.Type.DECIMAL:
        sizes = [int(str(part.this)) for part in target.expressions]
        precision, scale = (*sizes, *(10, 0)[len(sizes) :])[:2]
        if len(sizes) > 2 or not 0 <= scale <= precision <= 38 or precision == 0:
            raise ValueError("a decimal has 38 digits at most, and its scale is within them")
        return f"DECIMAL({precision}, {scale})", Family.NUMBER
    known = _TYPES.get(target.this)
    if known is None or target.expressions:
        allowed = ", ".join([name for name, _ in _TYPES.values()] + ["DECIMAL(p, s)"])
        raise ValueError(f"a cast to {target.sql()[:40]} is not allowed: cast to {allowed}")
    return known


def _readable_time(text: str, name: str) -> None:
    reader = date.fromisoformat if name == "DATE" else datetime.fromisoformat
    try:
        reader(text)
    except ValueError:
        raise ValueError(f"{text_sql(text[:40])} is no {name}: write '2026-01-31' or '2026-01-31T00:00:00Z'") from None


def like_text(node: exp.Expression) -> str:
    """The pattern of a LIKE: a literal whose backslashes each escape one of its wildcards."""
    text = _text(node, "LIKE")
    if re.sub(r"\\[\\%_]", "", text).count("\\"):
        raise ValueError(r"in a LIKE pattern \ stands before %, _ or \ only")
    return text_sql(text)


def regex_text(node: exp.Expression) -> str:
    """The pattern of an RLIKE: a literal that is safe to run."""
    text = _text(node, "RLIKE")
    mistake = pattern_mistake(text)
    if mistake:
        raise ValueError(f"pattern {text_sql(text[:40])} {mistake}")
    return text_sql(text)


def _text(node: exp.Expression, what: str) -> str:
    if not isinstance(node, exp.Literal) or not node.is_string:
        raise ValueError(f"the pattern of {what} must be a literal text")
    return str(node.this)
