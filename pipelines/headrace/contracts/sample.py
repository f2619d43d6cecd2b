"""What the records of a sample have in common: which keys they have, and what their values were sent as.

``parsed`` reads a line, a ``Sample`` gathers. Memory is bounded, whatever the records hold.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace.contracts.values import MOST_KEYS, Room, Values
from headrace.errors import UsageError

__all__ = ["LONGEST_LINE", "Sample", "Unreadable", "parsed"]

LONGEST_LINE = 1024 * 1024
LONG_NUMBER = 1_000
# How what is neither JSON nor lines of it begins; the judge knows some more (``jvm/Format.java``).
_FOREIGN = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00", b"PK\x03\x04", BOM_UTF16_LE, BOM_UTF16_BE)

# Values kept, over all keys, to find out which keys are unique.
MOST_KEPT = 1_000_000


class Unreadable(ValueError):
    """A line is no record. Its text is the reason it would have in ``dead_letters``."""


def parsed(line: bytes) -> dict[str, Any]:
    """The record in a line. Raises ``Unreadable`` where it would be rejected whatever its contract says."""
    if len(line) > LONGEST_LINE:
        raise Unreadable("too_large")
    if line.startswith(_FOREIGN):
        raise Unreadable("foreign_format")
    try:
        text = line.removeprefix(BOM_UTF8).decode()
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
    room: Room = field(default_factory=Room)

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
            self.keys.setdefault(name, Values()).add(value, self.room)
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
