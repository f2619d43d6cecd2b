"""A field as it was read, made a value of its column's type."""

from __future__ import annotations

from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from headrace.contracts.column_types import items_of
from headrace.contracts.model import TIMES, Field, Kind
from headrace.contracts.times import instant, read_date, read_time

__all__ = ["NUMBER_TEXT", "WHOLE_TEXT", "typed"]

# The numbers of JSON. What is sent in quotes has to be what could have been sent without.
WHOLE_TEXT: Final = r"-?(?:0|[1-9]\d*)"
NUMBER_TEXT: Final = rf"{WHOLE_TEXT}(?:\.\d+)?(?:[eE][+-]?\d+)?"


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
            return F.transform(sent, lambda one: typed(items_of(field), one))


def _has_times(field: Field) -> bool:
    return field.kind in TIMES or any(_has_times(part) for part in field.inner)
