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
from headrace.contracts.sent import Fails, check, member_checks, members_type

__all__ = ["as_variant", "shape_checks", "shape_is_clean"]

_MANY: Final = 1_000
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_LONE: Final = rf"{_HIGH}(?!{_LOW})|(?<!{_HIGH}){_LOW}"
_ANY_OBJECT: Final = "MAP<STRING, STRING>"
_STRICT: Final = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}


def as_variant(text: Column) -> Column:
    """The text and a null inside brackets, parsed: null where the text is not one JSON document, or a list of several.

    The parser stops where its first document ends. A text that closes the bracket itself leaves no null behind it.
    """
    return F.try_parse_json(F.concat(F.lit("["), text, F.lit(",null]")))


def shape_is_clean(contract: Contract, variant: Column) -> Column:
    """True where the record is one object with none but the contract's fields, each sent as its own type."""
    whole = rf"\AARRAY<{members_type(contract.fields)}>\z"
    return F.coalesce(F.schema_of_variant(variant).rlike(whole) & _is_one(variant), F.lit(False))


def shape_checks(contract: Contract, text: Column, variant: Column, corrupt: Column) -> Iterator[Check]:
    """Why a record is not clean. Evaluate only where it is not: each look parses the text again."""
    keys = F.json_object_keys(text)
    whole = F.schema_of_variant(variant)
    unread = variant.isNull()
    repeated = F.size(keys) > F.size(F.array_distinct(keys))
    surrogate = text.rlike(_LONE)
    deep = F.length(F.regexp_replace(text, r"[^\[{]", "")) > _MANY
    long = text.rlike(rf"\d{{{_MANY},}}")
    second = (~unread & ~_is_one(variant)) | (unread & F.try_parse_json(text).isNotNull())
    known = F.coalesce(repeated, F.lit(False)) | surrogate | deep | long | second
    # Read by from_json, refused by the strict parser, and nothing else explains it: a key repeated further in. What
    # from_json could not type it may yet read.
    readable = ~corrupt | F.from_json(text, _ANY_OBJECT, _STRICT).isNotNull()
    nested = unread & readable & ~known
    yield check(unread & F.coalesce(repeated | nested, nested), Reason.DUPLICATE_KEY)
    yield check(unread & surrogate & ~F.coalesce(repeated, F.lit(False)), Reason.LONE_SURROGATE)
    yield check(unread & deep, Reason.TOO_DEEP)
    yield check(unread & long, Reason.LONG_NUMBER)
    yield check(second, Reason.TRAILING_CONTENT)
    yield check(unread & ~readable & ~known, Reason.MALFORMED)
    yield check(~whole.startswith("ARRAY<OBJECT<"), Reason.NOT_AN_OBJECT)
    record = F.try_variant_get(variant, "$[0]", "variant")

    def here(asked: Fails) -> Column:
        return asked(record)

    yield from member_checks(contract.fields, "", here, here)


def _is_one(variant: Column) -> Column:
    """Whether one document stands in the brackets, and then our null."""
    ours = F.schema_of_variant(F.try_variant_get(variant, "$[1]", "variant")) == "VOID"
    return F.coalesce(ours, F.lit(False)) & F.try_variant_get(variant, "$[2]", "variant").isNull()
