"""The strict second opinion on a JSON text: which type was *sent* for every key.

``from_json`` alone repairs, rounds, takes the last of two equal keys and forgets what follows the first document.
Spark's variant parser does none of that, and ``schema_of_variant`` names each key with the type it was sent with
(https://spark.apache.org/docs/latest/api/sql/#schema_of_variant). That second parse costs more than the first, so
most records are spared it: what reads back byte for byte as it came cannot have been repaired (``plain``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from headrace.contracts.checks import Check
from headrace.contracts.model import Contract
from headrace.contracts.reasons import Reason
from headrace.contracts.sent import Sent, check, field_checks, in_other_case, members_type

__all__ = [
    "as_variant",
    "in_brackets",
    "sent_types",
    "shape_checks",
    "shape_is_clean",
    "text_checks",
]

_MANY: Final = 1_000
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_LONE: Final = rf"{_HIGH}(?!{_LOW})|(?<!{_HIGH}){_LOW}"
_ANY_OBJECT: Final = "MAP<STRING, STRING>"
_STRICT: Final = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}


def as_variant(bracketed: Column, text: Column) -> Column:
    """The record that ``in_brackets`` parsed; null where the text is not one JSON document, or is several.

    The parser stops where its first document ends, and a text may close the bracket itself. But no text holds its
    own hash.
    """
    is_one = F.try_variant_get(bracketed, "$[1]", "bigint") == F.xxhash64(text)
    return F.when(is_one, F.try_variant_get(bracketed, "$[0]", "variant"))


def in_brackets(text: Column) -> Column:
    """The text and its hash inside brackets, parsed; null where that is not JSON."""
    return F.try_parse_json(F.concat(F.lit("["), text, F.lit(","), F.xxhash64(text), F.lit("]")))


def shape_is_clean(contract: Contract, variant: Column) -> Column:
    """True where the record is one object with none but the contract's fields, each sent as its own type."""
    return F.coalesce(F.schema_of_variant(variant).rlike(rf"\A{members_type(contract.fields)}\z"), F.lit(False))


def sent_types(variant: Column) -> Column:
    """MAP<STRING, STRING>: the type each member of the record was sent as; null where it is no object."""
    members = F.try_variant_get(variant, "$", "map<string,variant>")
    return F.transform_values(members, lambda _, value: F.schema_of_variant(value))


def shape_checks(contract: Contract, variant: Column, types: Column, others: Column) -> Iterator[Check]:
    """Why a record is not clean that was read. ``types``: its ``sent_types``. ``others``: its ``unknown_members``."""
    yield check(types.isNull(), Reason.NOT_AN_OBJECT)
    for field in contract.fields:
        yield check(in_other_case(field.name, F.map_keys(others)), Reason.WRONG_CASE, field.name)
        sent = F.try_element_at(types, F.lit(field.name))
        value = F.try_variant_get(variant, f"$.{field.name}", "variant")
        yield from field_checks(field, Sent(sent, value))
        if field.required:
            yield check(types.isNotNull() & F.coalesce(sent == "VOID", F.lit(True)), Reason.REQUIRED, field.name)


def text_checks(text: Column, keys: Column, corrupt: Column) -> Iterator[Check]:
    """Why a record could not be read. ``keys``: its ``json_object_keys``. ``corrupt``: whether from_json failed too."""
    is_long = F.octet_length(text) > _MANY
    repeated = F.coalesce(F.size(keys) > F.size(F.array_distinct(keys)), F.lit(False))
    # An escaped backslash begins no other escape.
    surrogate = text.contains(r"\u") & F.replace(text, F.lit(r"\\")).rlike(_LONE)
    deep = is_long & (F.length(F.regexp_replace(text, r"[^\[{]", "")) > _MANY)
    long = is_long & text.rlike(rf"\d{{{_MANY},}}")
    # Where an object was begun that has no keys, nothing was ended that something could follow.
    second = (keys.isNotNull() | ~text.rlike(r"\A\s*\{")) & F.try_parse_json(text).isNotNull()
    explained = repeated | surrogate | deep | long | second
    # An object that from_json reads, what it could not type included, and the strict parser does not, and nothing else
    # explains it: a key repeated further in.
    readable = keys.isNotNull() & (~corrupt | F.from_json(text, _ANY_OBJECT, _STRICT).isNotNull())
    yield check(repeated | (~explained & readable), Reason.DUPLICATE_KEY)
    yield check(surrogate & ~repeated, Reason.LONE_SURROGATE)
    yield check(deep, Reason.TOO_DEEP)
    yield check(long, Reason.LONG_NUMBER)
    yield check(second, Reason.TRAILING_CONTENT)
    yield check(~explained & ~readable, Reason.MALFORMED)
