"""A patch: records mended on their way back, by one declared expression a field.

Every field is a text in an expression, as the record has it, whatever its kind, what is nested as JSON; null where it
is null or absent. What an expression gives is written back as it is, and judged like anything else that is sent: as a
number, a boolean or what is nested where the field is of that kind and it can be read so, else as a text. What is no
JSON object stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from headrace.contracts.model import Contract, Field, Kind
from headrace.contracts.types import NUMBER_TEXT
from headrace.documents import Mistakes, Node, nearest
from headrace.expressions import compile_expression

__all__ = ["patched", "read_patch"]

_UNQUOTED = dict.fromkeys((Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL), NUMBER_TEXT) | {Kind.BOOLEAN: "true|false"}


def read_patch(document: Node, contract: Contract) -> Mapping[str, str]:
    """The expressions in a file that was read, ``fields: {<field>: <expression>}``, by field.

    Raises ``ConfigError`` with one line for every mistake in it.
    """
    mistakes = Mistakes()
    for key, node in document.mapping.items():
        if key != "fields":
            mistakes.add(node, f"is not known{nearest(key, ('fields',))}")
    fields = document.child("fields")
    if fields is None or not fields.mapping:
        mistakes.add(document, "must map at least one field to an expression", "fields")
    for name, node in (fields.mapping if fields is not None else {}).items():
        if name not in contract.names:
            mistakes.add(node, f"is no field of {contract.id}{nearest(name, contract.names)}")
            continue
        try:
            _compiled(contract, str(node.value))
        except ValueError as error:
            mistakes.add(node, str(error))
    mistakes.done()
    return {name: str(node.value) for name, node in document.at("fields").mapping.items()}


def patched(letters: DataFrame, contract: Contract, patch: Mapping[str, str]) -> DataFrame:
    """The same rows, ``value`` BINARY as the patch makes it. ``patch``: expressions as ``read_patch`` gives them."""
    columns = letters.columns
    text = F.col("value").cast("string")
    # Else what no patch speaks of would be mended too: bytes that are no text, and what stands behind the record.
    strictly = F.when(F.is_valid_utf8(text), _one_document(text))
    read = letters.select(F.struct(*columns).alias("_letter"), strictly.alias("_sent"))
    texts = read.select(
        "*", *[F.try_variant_get("_sent", f"$.{name}", "string").alias(name) for name in contract.names]
    )
    made = {name: _json(contract.field(name), _compiled(contract, text)) for name, text in patch.items()}
    members = F.transform_values(
        F.try_variant_get("_sent", "$", "map<string,variant>"), lambda _, value: F.to_json(value)
    )
    others = F.map_filter(members, lambda name, _: ~name.isin(*patch))
    whole = F.map_entries(
        F.map_concat(others, F.create_map(*[part for name, text in made.items() for part in (F.lit(name), text)]))
    )
    pairs = F.transform(whole, lambda pair: F.concat(_quoted(pair["key"]), F.lit(":"), pair["value"]))
    value = F.encode(F.concat(F.lit("{"), F.array_join(pairs, ","), F.lit("}")), "UTF-8")
    kept = [F.col(f"_letter.{name}").alias(name) for name in columns if name != "value"]
    return texts.select(*kept, F.coalesce(value, "_letter.value").alias("value")).select(*columns)


def _one_document(text: Column) -> Column:
    """The text as a variant; null where it is not one JSON document, or is several.

    The parser stops where its first document ends, and a text may close the bracket around it itself. But no text
    holds its own hash, which stands behind it.
    """
    bracketed = F.try_parse_json(F.concat(F.lit("["), text, F.lit(","), F.xxhash64(text), F.lit("]")))
    is_one = F.try_variant_get(bracketed, "$[1]", "bigint") == F.xxhash64(text)
    return F.when(is_one, F.try_variant_get(bracketed, "$[0]", "variant"))


def _compiled(contract: Contract, text: str) -> str:
    return compile_expression(text, dict.fromkeys(contract.names, Kind.STRING.value))


def _json(field: Field, expression: str) -> Column:
    """What the expression gives, as JSON: nothing is cast, for a value that got lost there would be lost unseen."""
    made = F.expr(expression).cast("string")
    bare = F.lit(None)
    if field.kind.nested:
        bare = F.to_json(F.try_parse_json(made))
    elif field.kind in _UNQUOTED:
        bare = F.when(made.rlike(rf"\A(?:{_UNQUOTED[field.kind]})\z"), made)
    return F.coalesce(bare, _quoted(made), F.lit("null"))


def _quoted(text: Column) -> Column:
    """The text as JSON writes it."""
    listed = F.to_json(F.array(text))
    return F.when(text.isNotNull(), F.substring(listed, F.lit(2), F.length(listed) - 2))
