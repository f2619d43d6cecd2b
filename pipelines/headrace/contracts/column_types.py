"""The types a field is read as and stored as, in Spark's DDL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from headrace.contracts.model import TIMES, Field, Kind

__all__ = ["column_type", "items_of", "read_type"]

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
            return f"ARRAY<{_ddl(items_of(field), of_plain)}>"
        case Kind.DECIMAL:
            return f"DECIMAL({field.precision},{field.scale})"
        case _:
            return of_plain(field)


def items_of(field: Field) -> Field:
    """What the array holds."""
    if field.items is None:
        raise AssertionError("an array was read without items")
    return field.items
