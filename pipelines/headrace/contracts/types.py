"""What a field is read as, typed as and stored as: Spark's types for the kinds of a contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from headrace.contracts.model import TIMES, Field, Kind
from headrace.contracts.times import instant, read_date, read_time

__all__ = ["NUMBER_TEXT", "WHOLE_TEXT", "column_type", "read_type", "typed"]

# The numbers of JSON. What is sent in quotes has to be what could have been sent without.
WHOLE_TEXT: Final = r"-?(?:0|[1-9]\d*)"
NUMBER_TEXT: Final = rf"{WHOLE_TEXT}(?:\.\d+)?(?:[eE][+-]?\d+)?"

_STORED: Final = {
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.DATE: "DATE",
    Kind.NUMBER: "DOUBLE",
    Kind.INTEGER: "BIGINT",
    Kind.BOOLEAN: "BOOLEAN",
}


def read_type(field: Field) -> str:
    """The DDL type the field is read as: a time is the text or number it was sent as, to be judged and not guessed."""
    return _ddl(field, _read_plain)


def column_type(field: Field) -> str:
    """The DDL type the field has in ``signals_<signal>``."""
    return _ddl(field, lambda plain: _STORED.get(plain.kind, "STRING"))


def _read_plain(plain: Field) -> str:
    if plain.kind in TIMES and not plain.is_epoch:
        return "STRING"
    return _STORED.get(plain.sent_kind, "STRING")


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
    """A value as it was read → of its column's type; null where it cannot be that."""
    if not _has_times(field):
        return sent
    match field.kind:
        case Kind.OBJECT:
            members = [typed(member, sent.getField(member.name)).alias(member.name) for member in field.members]
            return F.when(sent.isNotNull(), F.struct(*members))
        case Kind.DATE:
            return read_date(field, sent)
        case Kind.TIME:
            return read_time(field, sent)
        case Kind.TIMESTAMP:
            return instant(field, sent)
        case _:
            return F.transform(sent, lambda one: typed(_items(field), one))


def _has_times(field: Field) -> bool:
    return field.kind in TIMES or any(_has_times(part) for part in field.inner)


def _items(field: Field) -> Field:
    if field.items is None:
        raise AssertionError("an array was read without items")
    return field.items
