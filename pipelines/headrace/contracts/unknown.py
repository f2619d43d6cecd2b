"""Members of a record that its contract does not name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from headrace.contracts.model import Contract, Field
from headrace.contracts.reason_columns import NONE, reason
from headrace.contracts.reasons import Reason

__all__ = ["unknown_paths", "unknown_reasons"]

_NO_MEMBERS: Final = "CAST(array() AS ARRAY<STRUCT<key: STRING, value: STRING>>)"


def unknown_paths(contract: Contract, others: Column) -> Column:
    """Each member in ``others`` as ``reading.read`` gives it: ``key`` its path (``lines[].price``), ``value`` JSON.

    A path names fields as the contract does, and the member it ends in as it was sent.
    """
    named = [field.member for field in contract.fields]
    entries = F.filter(F.map_entries(others), lambda one: ~one["key"].isin(*named))
    within = [
        _within(field, F.try_parse_json(F.try_element_at(others, F.lit(field.member))), field.name)
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
    own = F.map_filter(given, lambda name, _: ~name.isin(*[member.member for member in members]))
    entries = F.transform(
        F.map_entries(own),
        lambda one: F.struct(
            F.concat(F.lit(f"{path}."), one["key"]).alias("key"), F.to_json(one["value"]).alias("value")
        ),
    )
    inner = [
        _within(member, F.try_element_at(given, F.lit(member.member)), f"{path}.{member.name}")
        for member in members
        if member.kind.nested
    ]
    return F.concat(F.coalesce(entries, F.expr(_NO_MEMBERS)), *inner)
