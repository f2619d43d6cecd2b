"""What the records of a sample have in common: which keys they have, and what their values were sent as.

``parsed`` reads a line, a ``Sample`` gathers. Memory is bounded, whatever the records hold.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from headrace.contracts.model import Kind
from headrace.errors import UsageError

__all__ = ["LONGEST_LINE", "Sample", "Sent", "Unreadable", "Values", "parsed"]

LONGEST_LINE = 1024 * 1024
MOST_KEYS = 300
LONG_NUMBER = 1_000

MOST_ALLOWED, LONGEST_ALLOWED = 12, 64
# Values kept, over all keys, to find out which keys are unique.
MOST_KEPT = 1_000_000

# Of the forms the judge reads only the common ones: whatever comes in another is proposed as text, which takes it.
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_WIDEST_ZONE = timedelta(hours=18)


class Unreadable(ValueError):
    """A line is no record. Its text is the reason it would have in ``dead_letters``."""


def parsed(line: bytes) -> dict[str, Any]:
    """The record in a line. Raises ``Unreadable`` where it would be rejected whatever its contract says."""
    if len(line) > LONGEST_LINE:
        raise Unreadable("too_large")
    try:
        text = line.decode()
        found = _JSON.decode(text)
        if "\\u" in text:
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        raise Unreadable("invalid_utf8") from None
    except UnicodeEncodeError:
        raise Unreadable("lone_surrogate") from None
    except RecursionError:
        raise Unreadable("too_deep") from None
    except json.JSONDecodeError as error:
        trailing = error.msg == "Extra data"
        raise Unreadable("trailing_content" if trailing else "malformed" if text.strip() else "empty") from None
    if not isinstance(found, dict):
        raise Unreadable("not_an_object")
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Unreadable("duplicate_key")
    return found


def _number(text: str) -> int | float:
    if len(text) >= LONG_NUMBER:
        raise Unreadable("long_number")
    number = float(text)
    if abs(number) == float("inf"):
        raise Unreadable("non_finite")
    return int(text) if text.removeprefix("-").isdigit() else number


def _no_number(name: str) -> None:
    raise Unreadable("malformed")


_JSON = json.JSONDecoder(object_pairs_hook=_object, parse_int=_number, parse_float=_number, parse_constant=_no_number)


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
    (Kind.NUMBER, {Sent.INTEGER, Sent.LONG, Sent.NUMBER}),
    (Kind.TIMESTAMP, {Sent.TIME}),
    (Kind.DATE, {Sent.DAY}),
    (Kind.STRING, {Sent.TEXT, Sent.TIME, Sent.ZONELESS, Sent.DAY}),
)
_TYPES = {bool: Sent.BOOLEAN, float: Sent.NUMBER, dict: Sent.OBJECT, list: Sent.ARRAY}


@dataclass(slots=True)
class Values:
    """What the values of one key have in common; nulls are not counted.

    texts: how often each text came; None once they are too many or too long to be a list.
    """

    sent: Counter[Sent] = field(default_factory=Counter)
    texts: Counter[str] | None = field(default_factory=Counter)
    least: float = float("inf")
    earliest: datetime = _LAST
    latest: datetime = _FIRST

    def add(self, value: object) -> None:
        if isinstance(value, str):
            self._add_text(value)
        elif type(value) is int:
            self.sent[Sent.INTEGER if abs(value) < 2**63 else Sent.LONG] += 1
            self.least = min(self.least, value)
        elif value is not None:
            self.sent[_TYPES[type(value)]] += 1
            if isinstance(value, float):
                self.least = min(self.least, value)

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


@dataclass(slots=True)
class Sample:
    """The records seen so far.

    unique: the keys of the first record that came in each of the first ``compared`` records, as text or integer and
    never with the same value, with those values.
    """

    read: int = 0
    keys: dict[str, Values] = field(default_factory=dict)
    unique: dict[str, set[object]] = field(default_factory=dict)
    compared: int = 0

    def add(self, record: Mapping[str, object]) -> None:
        """Take in one more. Raises ``UsageError`` when the records have too many keys to be of one kind."""
        if not self.read:
            self.unique = {name: set() for name in record}
        self.read += 1
        for name, value in record.items():
            if name not in self.keys and len(self.keys) == MOST_KEYS:
                raise UsageError(
                    f"the records have more than {MOST_KEYS} different keys: a contract lists fields by name, "
                    "so data that stands in keys belongs into values"
                )
            self.keys.setdefault(name, Values()).add(value)
        if len(self.unique) * self.read <= MOST_KEPT:
            self._compare(record)

    def _compare(self, record: Mapping[str, object]) -> None:
        self.compared = self.read
        for name, values in [*self.unique.items()]:
            value = record.get(name)
            # A hash in place of a text, which may be long.
            kept = hash(value) if isinstance(value, str) else value
            if type(value) not in (str, int) or kept in values:
                del self.unique[name]
            else:
                values.add(kept)
