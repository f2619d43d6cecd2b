"""What the values of one key have in common, and those of the keys below it. Memory is bounded, whatever they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from headrace.contracts.model import DEEPEST, Kind

__all__ = ["MOST_ALLOWED", "MOST_KEYS", "Room", "Sent", "Values"]

MOST_KEYS = 300
# Keys of nested objects, over all places they stand in.
MOST_NESTED = 3_000

MOST_ALLOWED, LONGEST_ALLOWED = 12, 64

# Of the forms the judge reads only the common ones: whatever comes in another is proposed as text, which takes it.
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_WIDEST_ZONE = timedelta(hours=18)


class Sent(StrEnum):
    """What a value was sent as: finer than a kind."""

    TEXT = "text"
    TIME = "time with its zone"
    ZONELESS = "time without its zone"
    DAY = "date"
    INTEGER = "integer"
    LONG = "integer beyond 64 bits"
    NUMBER = "number"
    BOOLEAN = "boolean"
    OBJECT = "object"
    ARRAY = "array"


_KINDS: Sequence[tuple[Kind, set[Sent]]] = (
    (Kind.BOOLEAN, {Sent.BOOLEAN}),
    (Kind.INTEGER, {Sent.INTEGER}),
    (Kind.DECIMAL, {Sent.INTEGER, Sent.LONG}),  # a double would make one of several
    (Kind.NUMBER, {Sent.INTEGER, Sent.LONG, Sent.NUMBER}),
    (Kind.TIMESTAMP, {Sent.TIME}),
    (Kind.DATE, {Sent.DAY}),
    (Kind.STRING, {Sent.TEXT, Sent.TIME, Sent.ZONELESS, Sent.DAY}),
    (Kind.OBJECT, {Sent.OBJECT}),
    (Kind.ARRAY, {Sent.ARRAY}),
)
_TYPES = {bool: Sent.BOOLEAN, float: Sent.NUMBER, dict: Sent.OBJECT, list: Sent.ARRAY}


@dataclass(slots=True)
class Room:
    """How many more keys of nested objects can be looked at."""

    left: int = MOST_NESTED


@dataclass(slots=True)
class Values:
    """What the values of one key have in common; nulls are not counted.

    texts: how often each text came; None once they are too many or too long to be a list.
    members: of all objects, by key; items: of all arrays.
    whole: False once there were too many of them, or they stood too deep, to look at.
    """

    sent: Counter[Sent] = field(default_factory=Counter)
    texts: Counter[str] | None = field(default_factory=Counter)
    least: float = float("inf")
    earliest: datetime = _LAST
    latest: datetime = _FIRST
    members: dict[str, Values] = field(default_factory=dict)
    items: Values | None = None
    whole: bool = True

    def add(self, value: object, room: Room, level: int = 1) -> None:
        """Take in one more, which stands on that level of its record."""
        if isinstance(value, str):
            self._add_text(value)
        elif type(value) is int:
            size = abs(value)
            self.sent[Sent.INTEGER if size < 2**63 else Sent.LONG if size < 10**38 else Sent.NUMBER] += 1
            self.least = min(self.least, value)
        elif value is not None:
            self.sent[_TYPES[type(value)]] += 1
            if isinstance(value, float):
                self.least = min(self.least, value)
            elif isinstance(value, dict | list):
                self._add_nested(value, room, level)

    def _add_nested(self, value: Mapping[str, object] | Sequence[object], room: Room, level: int) -> None:
        self.whole &= level < DEEPEST
        if isinstance(value, Mapping):
            new = value.keys() - self.members.keys()
            self.whole &= len(new) <= min(room.left, MOST_KEYS - len(self.members))
            if self.whole:
                room.left -= len(new)
                for name, one in value.items():
                    self.members.setdefault(name, Values()).add(one, room, level + 1)
        elif self.whole:
            self.items = self.items or Values()
            for one in value:
                self.items.add(one, room, level + 1)

    def _add_text(self, text: str) -> None:
        sent, instant = _read(text)
        self.sent[sent] += 1
        if instant is not None:
            self.earliest, self.latest = min(self.earliest, instant), max(self.latest, instant)
        if self.texts is not None:
            self.texts[text] += 1
            if len(self.texts) > MOST_ALLOWED or len(text) > LONGEST_ALLOWED or not text.isprintable():
                self.texts = None

    @property
    def kind(self) -> Kind | None:
        """The first kind that takes every value; None if there is none, or no value."""
        return next((kind for kind, taken in _KINDS if self.sent and set(self.sent) <= taken), None)


def _read(text: str) -> tuple[Sent, datetime | None]:
    """What a text is, and its instant if it is one."""
    try:
        if _DAY.fullmatch(text):
            date.fromisoformat(text)
            return Sent.DAY, None
        found = _TIME.fullmatch(text)
        if found:
            moment = datetime.fromisoformat(text)
            offset = moment.utcoffset()
            if offset is None:
                return Sent.ZONELESS, None
            if abs(offset) <= _WIDEST_ZONE:
                return Sent.TIME, moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    return Sent.TEXT, None
