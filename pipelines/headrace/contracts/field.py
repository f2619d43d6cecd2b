"""One field of a record: what a good value of it is, and of what is nested in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Final

__all__ = ["DEEPEST", "EARLIEST", "EPOCHS", "LATEST", "RANGES", "TIMES", "Bound", "Criticality", "Field", "Kind"]

Bound = int | float | Decimal | date | datetime | time

# The bounds of a timestamp that has no others: Python cannot hold a year beyond 9999, and Delta readers differ on old
# calendars, so what lies outside is a mistake.
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

# By the format of a timestamp that is sent as a whole number: how many of them make a second, counted from 1970 in UTC.
EPOCHS: Mapping[str, int] = {"epoch_second": 1, "epoch_millis": 1_000, "epoch_micros": 1_000_000}

# Levels: a field of the record stands on the first, what is in it on the second.
DEEPEST: Final = 8


class Criticality(StrEnum):
    """``error`` rejects a record that breaks the rule, ``warn`` keeps and marks it."""

    ERROR = "error"
    WARN = "warn"


class Kind(StrEnum):
    """The logical type of a field, in ODCS's words; ``DECIMAL`` is its ``number`` with a physical decimal type."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    DATE = "date"
    TIME = "time"
    OBJECT = "object"
    ARRAY = "array"

    @property
    def nested(self) -> bool:
        """Whether its values hold values."""
        return self in (Kind.OBJECT, Kind.ARRAY)


TIMES = (Kind.TIMESTAMP, Kind.DATE, Kind.TIME)
# By the format of an integer or number: what its bits can hold.
RANGES: Mapping[str, tuple[int | float, int | float]] = {
    **{f"i{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"u{bits}": (0, 2**bits - 1) for bits in (8, 16, 32)},
    "f32": (-3.4028234663852886e38, 3.4028234663852886e38),
    "f64": (-1.7976931348623157e308, 1.7976931348623157e308),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a record, one member of an object in it, or, without a name, what stands in an array.

    name, description: as the contract has them. The name is that of the column.
    kind: its logical type; a value sent as any other JSON type is ``wrong_type``.
    required: null or absent is ``required``.
    primary_key: its place in the primary key, from 1; 0 if it has none.
    precision, scale: of a decimal.
    minimum, maximum: inclusive bounds, ``out_of_range`` (a time outside is ``implausible_time``).
    exclusive_minimum, exclusive_maximum: the same, exclusive.
    min_length, max_length: in characters, ``length``.
    pattern: a Java regular expression the whole text must match, ``pattern``.
    format: of a string ``uuid``, ``email`` and the like, ``format``; of a number its bits, ``out_of_range``; of a time
        how it is written, ``wrong_format``, or of ``EPOCHS``.
    allowed: the only values, ``not_allowed``.
    criticality: of every check but outlier, which never rejects, and type, format of time and required, which always
        do.
    members: of an object, in the order of its column.
    items: of an array.
    min_items, max_items, unique_items: of an array, ``item_count`` and ``repeated_item``.
    min_properties, max_properties: how many members are given and not null, ``member_count``.
    multiple_of: a number divides by it, ``not_a_multiple``.
    default_timezone: of a timestamp that is sent without its zone; empty: it is sent with it.
    coerce: a number or boolean may be sent in quotes.
    outlier: the robust z-score from which on a value is marked as ``outlier``; it never rejects.
    physical_name: the member of the JSON object it is sent as; empty where that is its name.
    """

    name: str
    kind: Kind
    description: str = ""
    required: bool = False
    primary_key: int = 0
    precision: int = 38
    scale: int = 0
    minimum: Bound | None = None
    maximum: Bound | None = None
    exclusive_minimum: Bound | None = None
    exclusive_maximum: Bound | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    format: str | None = None
    allowed: tuple[str | int | float | Decimal, ...] = ()
    criticality: Criticality = Criticality.ERROR
    members: tuple[Field, ...] = ()
    items: Field | None = None
    min_items: int | None = None
    max_items: int | None = None
    unique_items: bool = False
    min_properties: int | None = None
    max_properties: int | None = None
    multiple_of: int | float | Decimal | None = None
    default_timezone: str = ""
    coerce: bool = False
    outlier: float | None = None
    physical_name: str = ""

    @property
    def member(self) -> str:
        """The member of the JSON object it is sent as."""
        return self.physical_name or self.name

    @property
    def is_epoch(self) -> bool:
        """Whether it is a time that is sent as a whole number."""
        return self.kind is Kind.TIMESTAMP and self.format in EPOCHS

    @property
    def sent_kind(self) -> Kind:
        """The kind of value it is sent as."""
        return Kind.INTEGER if self.is_epoch else self.kind

    @property
    def inner(self) -> tuple[Field, ...]:
        """What is nested in it: the members of an object; of an array its items, which have no name."""
        return (self.items,) if self.items else self.members

    @property
    def lowest(self) -> Bound | None:
        """The inclusive bound below; a timestamp without any has ``EARLIEST``."""
        unbounded = self.minimum is None and self.exclusive_minimum is None
        return EARLIEST if self.kind is Kind.TIMESTAMP and unbounded else self.minimum

    @property
    def highest(self) -> Bound | None:
        """The inclusive bound above; a timestamp without any has ``LATEST``."""
        unbounded = self.maximum is None and self.exclusive_maximum is None
        return LATEST if self.kind is Kind.TIMESTAMP and unbounded else self.maximum
