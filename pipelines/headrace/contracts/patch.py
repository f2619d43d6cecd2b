"""A patch: records mended on their way back, by one declared expression a field.

A patch speaks of fields by their names, whatever they are sent as. Every field is a text in an expression, as the
record has it, whatever its kind, what is nested as JSON; null where it is null or absent. What an expression gives is
written back as it is, and judged like anything else that is sent: as a number, a boolean or what is nested where the
field is of that kind and it can be read so, else as a text. What is no JSON object stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from headrace.contracts.model import Contract, Field, Kind
from headrace.contracts.reading import provide, read
from headrace.contracts.types import NUMBER_TEXT
from headrace.documents import Mistakes, Node, nearest
from headrace.expressions import compile_expression

__all__ = ["patched", "read_patch"]

_NO_MEMBERS = "CAST(map() AS MAP<STRING, STRING>)"
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
    nothing = replace(contract, fields=())
    provide(letters.sparkSession, nothing)
    letter = letters.select(F.struct(*columns).alias("_letter"), read(nothing, F.col("value")).alias("_read"))
    sent = F.when(F.col("_read.reasons").isNull(), F.coalesce("_read.others", F.expr(_NO_MEMBERS)))
    texts = letter.select("_letter", sent.alias("_sent")).select(
        "*", *[_text(F.try_element_at("_sent", F.lit(field.member))).alias(field.name) for field in contract.fields]
    )
    fields = {name: contract.field(name) for name in patch}
    made = {field.member: _json(field, _compiled(contract, patch[name])) for name, field in fields.items()}
    others = F.map_filter("_sent", lambda name, _: ~name.isin(*made))
    whole = F.map_entries(
        F.map_concat(others, F.create_map(*[part for name, text in made.items() for part in (F.lit(name), text)]))
    )
    pairs = F.transform(whole, lambda pair: F.concat(_quoted(pair["key"]), F.lit(":"), pair["value"]))
    value = F.encode(F.concat(F.lit("{"), F.array_join(pairs, ","), F.lit("}")), "UTF-8")
    kept = [F.col(f"_letter.{name}").alias(name) for name in columns if name != "value"]
    return texts.select(*kept, F.coalesce(value, "_letter.value").alias("value")).select(*columns)


def _text(sent: Column) -> Column:
    """A member as an expression sees it, of the JSON it was sent as."""
    said = F.try_variant_get(F.try_parse_json(sent), "$", "string")
    return F.when(sent.startswith('"'), said).when(sent != "null", sent)


def _compiled(contract: Contract, text: str) -> str:
    return compile_expression(text, dict.fromkeys(contract.names, Kind.STRING.value))


def _json(field: Field, expression: str) -> Column:
    """What the expression gives, as JSON: nothing is cast, for a value that got lost there would be lost unseen."""
    made = F.expr(expression).cast("string")
    bare = F.lit(None)
    if field.kind.nested:
        bare = F.to_json(F.try_parse_json(made))
    elif field.sent_kind in _UNQUOTED:
        bare = F.when(made.rlike(rf"\A(?:{_UNQUOTED[field.sent_kind]})\z"), made)
    return F.coalesce(bare, _quoted(made), F.lit("null"))


def _quoted(text: Column) -> Column:
    """The text as JSON writes it."""
    listed = F.to_json(F.array(text))
    return F.when(text.isNotNull(), F.substring(listed, F.lit(2), F.length(listed) - 2))
