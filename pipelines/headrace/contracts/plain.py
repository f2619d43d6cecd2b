"""The cheap proof that a record was read as it was sent: its values, written down again, are the bytes that came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column
from pyspark.sql import functions as F

from headrace.contracts.model import Contract, Field, Kind

__all__ = ["is_plain"]

Way = Callable[[Sequence[Field], Column, str], Column]
"""Writes the members of an object as JSON, with that space behind each colon and comma."""


def is_plain(contract: Contract, text: Column, parsed: Column) -> Column:
    """True where writing the parsed values down again gives the very bytes that came: then nothing was repaired.

    Whatever ``from_json`` forgot, chose or changed (a second key, what follows, a quoted number, an escape, an
    unknown field) makes the two differ. False says nothing: a record with other white space, another order of its
    fields than the contract's, or an escape in a text may be as good, and needs the closer look.
    """
    spaced, compact = _beginnings(contract.fields[0], text)
    return F.when(spaced, _is_written(contract, text, parsed, " ")).otherwise(
        compact & _is_written(contract, text, parsed, "")
    )


def _beginnings(first: Field, text: Column) -> tuple[Column, Column]:
    """Whether a record may have a space behind its colons, and else, whether it may have none.

    Writing costs, so that what cannot come out equal is not written.
    """
    if not first.required:
        return text.contains('": '), F.lit(True)
    key = f'{{"{first.name}":'
    return text.startswith(f"{key} "), text.startswith(key)


def _is_written(contract: Contract, text: Column, parsed: Column, space: str) -> Column:
    ways = (way(contract.fields, parsed, space) for way in (_whole, _sparse))
    return reduce(or_, (F.coalesce(text == way, F.lit(False)) for way in ways))


def _whole(fields: Sequence[Field], parsed: Column, space: str) -> Column:
    """An object as JSON with every field, a null one as ``null``; null where a required one is null."""
    parts: list[Column] = []
    before = "{"
    for field in fields:
        quote, value = _quote(field), _value(field, parsed.getField(field.name), _whole, space)
        key, before = f'{before}"{field.name}":{space}', f",{space}"
        if field.required:
            parts += [F.lit(key + quote), value]
            before = quote + before
        else:
            parts += [F.lit(key), F.coalesce(F.concat(F.lit(quote), value, F.lit(quote)), F.lit("null"))]
    return F.concat(*parts, F.lit(before.removesuffix(f",{space}") + "}"))


def _sparse(fields: Sequence[Field], parsed: Column, space: str) -> Column:
    """An object as JSON without its null fields."""
    members = []
    for field in fields:
        quote, value = _quote(field), _value(field, parsed.getField(field.name), _sparse, space)
        members.append(F.concat(F.lit(f'"{field.name}":{space}{quote}'), value, F.lit(quote)))
    return F.concat(F.lit("{"), F.concat_ws(f",{space}", *members), F.lit("}"))


def _quote(field: Field) -> str:
    """What stands around a value. What may be sent in quotes is taken to be, else there was no need to allow it."""
    return "" if field.kind in _BARE and not field.coerce else '"'


_BARE = (Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL, Kind.BOOLEAN, Kind.OBJECT, Kind.ARRAY)


def _value(field: Field, value: Column, way: Way, space: str) -> Column:
    """A value as JSON, without its quotes; null for null."""
    if field.kind is Kind.OBJECT:
        return F.when(value.isNotNull(), way(field.members, value, space))
    if field.items is not None:
        return F.when(value.isNotNull(), _list(field.items, value, way, space))
    text = value.cast("string")
    if field.kind is Kind.DECIMAL and field.scale and not field.coerce:
        return F.rtrim(F.rtrim(text, F.lit("0")), F.lit("."))
    return text


def _list(items: Field, value: Column, way: Way, space: str) -> Column:
    quote = F.lit(_quote(items))

    def written(one: Column) -> Column:
        return F.coalesce(F.concat(quote, _value(items, one, way, space), quote), F.lit("null"))

    return F.concat(F.lit("["), F.concat_ws(f",{space}", F.transform(value, written)), F.lit("]"))
