"""Members of a record that its contract does not name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from headrace.contracts.model import Contract, Field
from headrace.contracts.reasons import NONE, Reason, reason

__all__ = ["unknown_members", "unknown_paths", "unknown_reasons"]

_NO_MEMBERS: Final = "CAST(array() AS ARRAY<STRUCT<key: STRING, value: STRING>>)"


def unknown_members(contract: Contract, variant: Column, keys: Column) -> Column:
    """The members no field is named as, each as JSON text by its name; null where there are none.

    In: the record as ``shape.as_variant`` gives it, and its keys. A name that differs from a field's only in case is
    unknown too. A field in which such members are nested is among them, whole.
    """
    nested = [field for field in contract.fields if field.kind.nested]
    names = F.array(*[F.lit(name) for name in contract.names])

    def kept(name: Column, value: Column) -> Column:
        within = [(name == field.name) & (F.size(_within(field, value, field.name)) > 0) for field in nested]
        return reduce(or_, within, ~F.array_contains(names, name))

    unknown = F.map_filter(F.try_variant_get(variant, "$", "map<string,variant>"), kept)
    as_text = F.when(F.size(unknown) > 0, F.transform_values(unknown, lambda _, value: F.to_json(value)))
    return as_text if nested else F.when(F.size(F.array_except(keys, names)) > 0, as_text)


def unknown_paths(contract: Contract, others: Column) -> Column:
    """Each member in ``unknown_members``: ``key`` its path, as in ``lines[].price``, ``value`` its JSON text."""
    entries = F.filter(F.map_entries(others), lambda one: ~one["key"].isin(*contract.names))
    within = [
        _within(field, F.try_parse_json(F.try_element_at(others, F.lit(field.name))), field.name)
        for field in contract.fields
        if field.kind.nested
    ]
    return F.concat(*[F.coalesce(each, F.expr(_NO_MEMBERS)) for each in (entries, *within)])


def unknown_reasons(contract: Contract, others: Column) -> Column:
    """A reason for each unknown member: what a contract that lets none in rejects a record for."""
    paths = F.array_distinct(F.transform(unknown_paths(contract, others), lambda one: one["key"]))
    by_path = F.transform(paths, lambda path: reason(Reason.UNKNOWN_FIELD, field=path))
    return F.coalesce(by_path, F.expr(NONE))


def _within(field: Field, value: Column, path: str) -> Column:
    """The unknown members nested in a value of the field."""
    if field.items:
        items = field.items
        listed = F.try_variant_get(value, "$", "array<variant>")
        found = F.flatten(F.transform(listed, lambda one: _within(items, one, f"{path}[]")))
    else:
        found = _of_object(field.members, value, path)
    return F.coalesce(found, F.expr(_NO_MEMBERS))


def _of_object(members: Sequence[Field], value: Column, path: str) -> Column:
    given = F.try_variant_get(value, "$", "map<string,variant>")
    if not members:
        return F.expr(_NO_MEMBERS)
    own = F.map_filter(given, lambda name, _: ~name.isin(*[member.name for member in members]))
    entries = F.transform(
        F.map_entries(own),
        lambda one: F.struct(
            F.concat(F.lit(f"{path}."), one["key"]).alias("key"), F.to_json(one["value"]).alias("value")
        ),
    )
    inner = [
        _within(member, F.try_variant_get(value, f"$.{member.name}", "variant"), f"{path}.{member.name}")
        for member in members
        if member.kind.nested
    ]
    return F.concat(F.coalesce(entries, F.expr(_NO_MEMBERS)), *inner)
