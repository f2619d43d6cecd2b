"""Members of a record that its contract does not name."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from headrace.contracts.model import Contract
from headrace.contracts.reasons import NONE, Reason, reason

__all__ = ["unknown_members", "unknown_reasons"]


def unknown_members(contract: Contract, variant: Column) -> Column:
    """The members no field is named as, each as JSON text by its name; null where there are none.

    In: the record as ``shape.as_variant`` gives it. A name that differs from a field's only in case is unknown too.
    """
    known = F.array(*[F.lit(name) for name in contract.names])
    members = F.try_variant_get(variant, "$[0]", "map<string,variant>")
    unknown = F.map_filter(members, lambda name, _: ~F.array_contains(known, name))
    return F.when(F.size(unknown) > 0, F.transform_values(unknown, lambda _, value: F.to_json(value)))


def unknown_reasons(unknown: Column) -> Column:
    """A reason for each unknown member: what a contract that lets none in rejects a record for."""
    by_name = F.transform(F.map_keys(unknown), lambda name: reason(Reason.UNKNOWN_FIELD, field=name))
    return F.coalesce(by_name, F.expr(NONE))
