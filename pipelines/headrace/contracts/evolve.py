"""Columns that a signal's table grows for members its contract does not name.

A member becomes a column where all its values in the batch that brings it are of one plain kind, and its name could be
a field's. From then on what is sent as that kind is in the column, and what is not stays in ``others``: a value is in
one of the two, and none is lost or rounded.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from headrace.contracts.column_types import column_type
from headrace.contracts.model import Contract, Field, Kind, Unknown
from headrace.contracts.names import FIELD_NAME, TAKEN
from headrace.contracts.types import NUMBER_TEXT, WHOLE_TEXT

__all__ = ["MOST_COLUMNS", "evolved", "grown", "new_members", "read_columns", "with_new"]

# A source that makes up a name for each record would widen the table for ever, and every file and reader of it pays.
MOST_COLUMNS: Final = 100

_PLAIN: Final = (Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN, Kind.STRING)
_OF_TYPE: Final = {column_type(Field(name="", kind=kind)).casefold(): kind for kind in _PLAIN}
_NULL: Final = "null"

Columns = Mapping[str, Kind]


def grown(types: Mapping[str, str], contract: Contract) -> dict[str, Kind]:
    """The columns of the signal's table, given with their types, that are filled with members no field is named as.

    A column that an earlier contract named is among them; one that the former contract names is not. There are none
    where the contract does not let the table grow.
    """
    if contract.unknown is not Unknown.EVOLVE:
        return {}
    named = _named(contract)
    return {name: _OF_TYPE[of] for name, of in types.items() if name.casefold() not in named and of in _OF_TYPE}


def with_new(types: Mapping[str, str], new: Columns, contract: Contract) -> dict[str, Kind]:
    """The columns of ``grown``, and those that come with a batch.

    new: the ``new_members`` of it; where there is no room for all, the first are taken.
    """
    named, columns = _named(contract), grown(types, contract)
    taken = named | {name.casefold() for name in types}
    room = MOST_COLUMNS - len(taken - named)
    for name, kind in new.items():
        if room > 0 and name.casefold() not in taken:
            columns[name] = kind
            taken, room = taken | {name.casefold()}, room - 1
    return columns


def read_columns(stored: Mapping[str, str]) -> dict[str, Kind]:
    """Columns as a plan holds them. Raises ValueError for a kind that is none."""
    return {name: Kind(kind) for name, kind in stored.items()}


def new_members(accepted: DataFrame, contract: Contract, known: Collection[str]) -> dict[str, Kind]:
    """The members of a batch that a column can be made of, those of most records first.

    In: judged records without a reason, and the columns there are already. Whole numbers among others are numbers. What
    the former contract accepted brings none, nor does a member that is null in every record. One job.
    """
    taken = _named(contract) | {name.casefold() for name in known}
    mine = accepted.where(F.col("contract_version") == contract.version)
    member = mine.select(F.explode("others").alias("name", "text"))
    new = member.where(
        F.col("name").rlike(rf"\A{FIELD_NAME}\z") & ~F.lower("name").isin(*taken) & (F.col("text") != _NULL)
    )
    kinds = F.sort_array(F.collect_set(_kind(F.col("text"))))
    numbers = kinds == F.array(F.lit(Kind.INTEGER.value), F.lit(Kind.NUMBER.value))
    kind = F.when(numbers, Kind.NUMBER.value).when(F.size(kinds) == 1, kinds[0]).alias("kind")
    found = new.groupBy("name").agg(kind, F.count(F.lit(1)).alias("records")).where("kind <> ''")
    rows = found.orderBy(F.desc("records"), "name").limit(MOST_COLUMNS).collect()
    return {row["name"]: Kind(row["kind"]) for row in rows}


def evolved(rows: DataFrame, columns: Columns) -> DataFrame:
    """The rows with these columns, filled from ``others``; what is in one of them is no longer in ``others``.

    A value of another kind than its column stays where it is. A null is null in the column too.
    """
    if not columns:
        return rows
    filled = rows.withColumns({name: _value(kind, _text(name)) for name, kind in columns.items()})
    moved = F.array(*[F.when(F.col(name).isNotNull() | (_text(name) == _NULL), name).otherwise("") for name in columns])
    left = F.map_filter("others", lambda name, _: ~F.array_contains(moved, name) | (name == ""))
    return filled.withColumn("others", F.when(F.size(left) > 0, left))


def _named(contract: Contract) -> frozenset[str]:
    """Names, in lower case, that are not for a member to take."""
    former = contract.former.names if contract.former is not None else ()
    return TAKEN | {name.casefold() for name in (*contract.names, *former)}


def _text(name: str) -> Column:
    return F.try_element_at("others", F.lit(name))


def _kind(text: Column) -> Column:
    """The kind a value, written as JSON, was sent as; empty where it is of none of these."""
    return F.coalesce(*[F.when(_value(kind, text).isNotNull(), kind.value) for kind in _PLAIN], F.lit(""))


def _value(kind: Kind, text: Column) -> Column:
    """The value of a JSON text; null where it was not sent as that kind, or would not be the same in its column."""
    if kind is Kind.STRING:
        return F.when(text.startswith('"'), F.try_variant_get(F.try_parse_json(text), "$", "string"))
    if kind is Kind.BOOLEAN:
        return F.when(text == "true", True).when(text == "false", False)
    if kind is Kind.INTEGER:
        return F.when(text.rlike(rf"\A{WHOLE_TEXT}\z"), text.try_cast("bigint"))
    value = F.when(text.rlike(rf"\A{NUMBER_TEXT}\z"), text.try_cast("double"))
    return F.when((F.abs(value) < float("inf")) & ~_is_rounded(text, value), value)


def _is_rounded(text: Column, number: Column) -> Column:
    """Whether it is a whole number that a double has no place for: an id most likely."""
    same = text.try_cast("decimal(38,0)") == number.try_cast("decimal(38,0)")
    return text.rlike(rf"\A{WHOLE_TEXT}\z") & ~F.coalesce(same, F.lit(False))
