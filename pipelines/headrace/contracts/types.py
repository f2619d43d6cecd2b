"""What a field is read as, typed as and stored as: Spark's types for the kinds of a contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from headrace.contracts.model import Field, Kind
from headrace.contracts.times import instant, read_date, read_time

__all__ = ["DECIMAL_TEXT", "NUMBER_TEXT", "WHOLE_TEXT", "column_type", "json_type", "typed"]

# The numbers of JSON. What is sent in quotes has to be what could have been sent without.
WHOLE_TEXT: Final = r"-?(?:0|[1-9]\d*)"
DECIMAL_TEXT: Final = rf"{WHOLE_TEXT}(?:\.\d+)?"
NUMBER_TEXT: Final = rf"{DECIMAL_TEXT}(?:[eE][+-]?\d+)?"

_STORED: Final = {
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.DATE: "DATE",
    Kind.NUMBER: "DOUBLE",
    Kind.INTEGER: "BIGINT",
    Kind.BOOLEAN: "BOOLEAN",
}


def json_type(field: Field) -> str:
    """The DDL type ``from_json`` reads the field as: text, but for decimals and what others are nested in.

    As text 5 stays 5 and not 5.0, and a time is judged and not guessed. And ``from_json`` raises, slowly, for each
    value that is not of its type; any value is a text.
    """
    return _ddl(field, lambda plain: "STRING")


def column_type(field: Field) -> str:
    """The DDL type the field has in ``signals_<signal>``."""
    return _ddl(field, lambda plain: _STORED.get(plain.kind, "STRING"))


def _ddl(field: Field, of_plain: Callable[[Field], str]) -> str:
    match field.kind:
        case Kind.OBJECT:
            return f"STRUCT<{', '.join(f'`{member.name}`: {_ddl(member, of_plain)}' for member in field.members)}>"
        case Kind.ARRAY:
            return f"ARRAY<{_ddl(_items(field), of_plain)}>"
        case Kind.DECIMAL:
            return f"DECIMAL({field.precision},{field.scale})"
        case _:
            return of_plain(field)


def typed(field: Field, sent: Column) -> Column:
    """A value as ``from_json`` left it → of its column's type; null where it cannot be that."""
    if json_type(field) == column_type(field) and not _is_rewritten(field):
        return sent
    match field.kind:
        case Kind.OBJECT:
            members = [typed(member, sent.getField(member.name)).alias(member.name) for member in field.members]
            return F.when(sent.isNotNull(), F.struct(*members))
        case Kind.ARRAY:
            return F.transform(sent, lambda one: typed(_items(field), one))
        case Kind.TIMESTAMP:
            return instant(field, sent)
        case Kind.DATE:
            return read_date(field, sent)
        case Kind.TIME:
            return read_time(field, sent)
        case Kind.INTEGER if not field.coerce:
            return sent.try_cast("bigint")
        case Kind.NUMBER if not field.coerce:
            return _finite(sent)
        case _:
            return _unquoted(field, sent)


def _is_rewritten(field: Field) -> bool:
    """Whether there is a time of day in it: read as text and stored as text, but judged between the two."""
    return field.kind is Kind.TIME or any(_is_rewritten(part) for part in field.inner)


def _unquoted(field: Field, sent: Column) -> Column:
    match field.kind:
        case Kind.INTEGER:
            return F.when(sent.rlike(rf"\A{WHOLE_TEXT}\z"), sent.try_cast("bigint"))
        case Kind.BOOLEAN:
            return F.when(sent == "true", True).when(sent == "false", False)
        case _:
            return F.when(sent.rlike(rf"\A{NUMBER_TEXT}\z"), _finite(sent))


def _finite(sent: Column) -> Column:
    """The number a text says; null where it is beyond the largest, which a cast makes infinity of."""
    number = sent.try_cast("double")
    return F.when(F.abs(number) < float("inf"), number)


def _items(field: Field) -> Field:
    if field.items is None:
        raise AssertionError("an array was read without items")
    return field.items
