"""Two versions of a contract side by side: while senders move from one to the next, records of both are accepted."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from headrace.contracts.column_types import column_type
from headrace.contracts.model import Contract
from headrace.contracts.reason_columns import NONE

__all__ = ["asked_again", "settled"]


def asked_again(judged: DataFrame) -> DataFrame:
    """Envelopes of the judged records for the former contract: those that were accepted have no value in theirs."""
    value = F.when(F.size("reasons") > 0, F.col("envelope.value"))
    return judged.select(F.struct("*").alias("_current"), value.alias("value"))


def settled(again: DataFrame, contract: Contract, former: Contract) -> DataFrame:
    """The judged records; one that only the former contract accepts is accepted by it.

    In: what the former contract makes of ``asked_again``. Out: the columns and rows of what ``judge`` gave by the
    contract. Of a record accepted by the former one ``contract_version`` is that one's, fields only the contract has
    are null, and what either does not name is in ``others``.
    """
    current = F.col("envelope._current")
    taken = (F.size(current["reasons"]) > 0) & (F.size("reasons") == 0)
    old = {name: F.col(name) for name in ("event_time", "warnings", "contract_version")} | {"reasons": F.expr(NONE)}
    fields = {
        name: F.col(name) if name in former.names else F.lit(None).cast(column_type(contract.field(name)))
        for name in contract.names
    }
    kept = {"envelope": current["envelope"], "others": F.col("_unnamed")}

    def chosen(name: str, was: Column) -> Column:
        return F.when(taken, was).otherwise(current[name]).alias(name)

    names = ("envelope", *contract.names, "event_time", "reasons", "warnings", "others", "contract_version")
    both = again.withColumn("_unnamed", _unnamed(_beside(current["others"], contract, former), F.col("others")))
    return both.select(*[chosen(name, (kept | old | fields)[name]) for name in names])


def _beside(others: Column, contract: Contract, former: Contract) -> Column:
    """What the contract does not name, but for what is in its columns by the former one, which has another member."""
    named = {field.member for field in contract.fields}
    moved = [field.member for field in former.fields if field.name in contract.names and field.member not in named]
    return F.map_filter(others, lambda name, _: ~name.isin(*moved)) if moved else others


def _unnamed(by_one: Column, by_other: Column) -> Column:
    """The members that either contract does not name; null if there are none."""
    none = F.expr("CAST(map() AS MAP<STRING, STRING>)")
    first, second = F.coalesce(by_one, none), F.coalesce(by_other, none)
    whole = F.map_concat(first, F.map_filter(second, lambda name, _: ~F.map_contains_key(first, name)))
    return F.when(F.size(whole) > 0, whole)
