"""The strict second opinion on a JSON text: which type was *sent* for every key.

``from_json`` alone repairs, rounds, takes the last of two equal keys and forgets what follows the first document.
Spark's variant parser does none of that, and ``schema_of_variant`` names each key with the type it was sent with
(https://spark.apache.org/docs/latest/api/sql/#schema_of_variant). That second parse costs more than the first, so
most records are spared it: what reads back byte for byte as it came cannot have been repaired.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import or_

from pyspark.sql import Column
from pyspark.sql import functions as F

from headrace.contracts.checks import Check
from headrace.contracts.model import Contract, Criticality, Field, Kind
from headrace.contracts.reasons import Reason

__all__ = ["as_variant", "is_plain", "json_kind", "json_type", "shape_checks", "shape_is_clean"]

_SENT = {
    Kind.STRING: "STRING",
    Kind.INTEGER: "BIGINT",
    Kind.NUMBER: r"BIGINT|DOUBLE|DECIMAL\(\d+,\d+\)",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.TIMESTAMP: "STRING",
    Kind.DATE: "STRING",
}
_MANY = 1_000
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_LONE = rf"{_HIGH}(?!{_LOW})|(?<!{_HIGH}){_LOW}"


def as_variant(text: Column) -> Column:
    """The text inside brackets, parsed: null where it is not exactly one JSON document, or a list of several."""
    return F.try_parse_json(F.concat(F.lit("["), text, F.lit("]")))


def json_type(field: Field) -> str:
    """The DDL type ``from_json`` reads the field as.

    Times stay text, because their format is judged and not guessed; numbers, because as text 5 stays 5 and not 5.0.
    """
    match field.kind:
        case Kind.INTEGER:
            return "BIGINT"
        case Kind.DECIMAL:
            return f"DECIMAL({field.precision},{field.scale})"
        case Kind.BOOLEAN:
            return "BOOLEAN"
        case _:
            return "STRING"


def is_plain(contract: Contract, text: Column, parsed: Column) -> Column:
    """True where writing the parsed values down again gives the very bytes that came: then nothing was repaired.

    Whatever ``from_json`` forgot, chose or changed (a second key, what follows, a quoted number, an escape, an
    unknown field) makes the two differ. False says nothing: a record with other white space, another order of its
    fields than the contract's, or an escape in a text may be as good, and needs the closer look.
    """
    written = (way(contract, parsed, space) for space in ("", " ") for way in (_whole, _sparse))
    return reduce(or_, (F.coalesce(text == each, F.lit(False)) for each in written))


def _whole(contract: Contract, parsed: Column, space: str) -> Column:
    """The record as JSON with every field, a null one as ``null``; null where a required one is null."""
    parts: list[Column] = []
    before = "{"
    for field in contract.fields:
        quote, value = _quote(field), _value(field, parsed)
        key, before = f'{before}"{field.name}":{space}', f",{space}"
        if field.required:
            parts += [F.lit(key + quote), value]
            before = quote + before
        else:
            parts += [F.lit(key), F.coalesce(F.concat(F.lit(quote), value, F.lit(quote)), F.lit("null"))]
    return F.concat(*parts, F.lit(before.removesuffix(f",{space}") + "}"))


def _sparse(contract: Contract, parsed: Column, space: str) -> Column:
    """The record as JSON without its null fields."""
    members = []
    for field in contract.fields:
        quote, value = _quote(field), _value(field, parsed)
        members.append(F.concat(F.lit(f'"{field.name}":{space}{quote}'), value, F.lit(quote)))
    return F.concat(F.lit("{"), F.concat_ws(f",{space}", *members), F.lit("}"))


def _quote(field: Field) -> str:
    return "" if field.kind in (Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL, Kind.BOOLEAN) else '"'


def _value(field: Field, parsed: Column) -> Column:
    text = parsed.getField(field.name).cast("string")
    if field.kind is Kind.DECIMAL and field.scale:
        return F.rtrim(F.rtrim(text, F.lit("0")), F.lit("."))
    return text


def shape_is_clean(contract: Contract, variant: Column) -> Column:
    """True where the record is one object with none but the contract's fields, each sent as its own type."""
    by_name = sorted(contract.fields, key=lambda field: field.name.encode())
    members = "".join(f"(?:{field.name}: (?:{_sent(field)}|VOID)(?:, |(?=>)))?" for field in by_name)
    one = F.try_variant_get(variant, "$[1]", "variant").isNull()
    return F.coalesce(F.schema_of_variant(variant).rlike(rf"\AARRAY<OBJECT<{members}>>\z") & one, F.lit(False))


def json_kind(sent: Column) -> Column:
    """A type as ``schema_of_variant`` names it, in the words of contracts."""
    word = F.lower(F.regexp_extract(sent, "^[A-Z]+", 0))
    return F.when(word == "bigint", "integer").when(word.isin("double", "decimal"), "number").otherwise(word)


def shape_checks(contract: Contract, text: Column, variant: Column, parsed: Column, corrupt: Column) -> Iterator[Check]:
    """Why a record is not clean. Evaluate only where it is not: each look parses the text again."""
    keys = F.json_object_keys(text)
    whole = F.schema_of_variant(variant)
    unread = variant.isNull()
    repeated = F.size(keys) > F.size(F.array_distinct(keys))
    surrogate = text.rlike(_LONE)
    deep = F.length(F.regexp_replace(text, r"[^\[{]", "")) > _MANY
    long = text.rlike(rf"\d{{{_MANY},}}")
    second = F.try_variant_get(variant, "$[1]", "variant").isNotNull() | (unread & F.try_parse_json(text).isNotNull())
    known = F.coalesce(repeated, F.lit(False)) | surrogate | deep | long | second
    # Read by from_json, refused by the strict parser, and nothing else explains it: a key repeated further in.
    nested = unread & ~corrupt & ~known
    yield _check(unread & F.coalesce(repeated | nested, nested), Reason.DUPLICATE_KEY)
    yield _check(unread & surrogate & ~F.coalesce(repeated, F.lit(False)), Reason.LONE_SURROGATE)
    yield _check(unread & deep, Reason.TOO_DEEP)
    yield _check(unread & long, Reason.LONG_NUMBER)
    yield _check(second, Reason.TRAILING_CONTENT)
    yield _check(unread & corrupt & ~known, Reason.MALFORMED)
    yield _check(~whole.startswith("ARRAY<OBJECT<"), Reason.NOT_AN_OBJECT)
    for field in contract.fields:
        yield from _field_checks(field, keys, variant, parsed)


def _field_checks(field: Field, keys: Column, variant: Column, parsed: Column) -> Iterator[Check]:
    sent = F.schema_of_variant(F.try_variant_get(variant, f"$[0].{field.name}", "variant"))
    right = sent.rlike(rf"\A(?:{_sent(field)}|VOID)\z")
    name = field.name
    other_case = F.exists(keys, lambda key: (F.lower(key) == name.lower()) & (key != name))
    yield _check(other_case, Reason.WRONG_CASE, name)
    if field.kind is Kind.INTEGER:
        beyond = sent.rlike(r"\ADECIMAL\((?:19|[23]\d),0\)\z")
        yield _check(beyond, Reason.OUT_OF_RANGE, name)
        yield _check(~right & ~beyond, Reason.WRONG_TYPE, name, found=json_kind(sent))
    elif field.kind is Kind.DECIMAL:
        number = sent.rlike(rf"\A(?:{_SENT[Kind.NUMBER]})\z")
        # A number that from_json made nothing of has more digits before the point than the field.
        beyond = number & parsed.getField(name).isNull()
        yield _check(beyond, Reason.OUT_OF_RANGE, name)
        yield _check(~right & number & ~beyond, Reason.INEXACT_DECIMAL, name)
        yield _check(~right & ~number, Reason.WRONG_TYPE, name, found=json_kind(sent))
    else:
        yield _check(~right, Reason.WRONG_TYPE, name, found=json_kind(sent))
    if field.required:
        absent = F.coalesce(sent, F.lit("VOID")) == "VOID"
        yield _check(F.schema_of_variant(variant).startswith("ARRAY<OBJECT<") & absent, Reason.REQUIRED, name)


def _sent(field: Field) -> str:
    if field.kind is Kind.DECIMAL:
        return rf"BIGINT|DECIMAL\(\d+,(?:{'|'.join(str(scale) for scale in range(field.scale + 1))})\)"
    return _SENT[field.kind]


def _check(fails: Column, code: Reason, field: str | None = None, *, found: Column | None = None) -> Check:
    fails = F.coalesce(fails, F.lit(False))
    return Check(fails=fails, code=code, field=field, criticality=Criticality.ERROR, found=found)
