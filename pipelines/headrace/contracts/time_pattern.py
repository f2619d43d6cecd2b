"""The pattern a time is written in, where a contract's ``format`` gives one.

Of Java's patterns (https://docs.oracle.com/en/java/javase/17/docs/api/java.base/java/time/format/DateTimeFormatter.html)
those are taken whose parts have a fixed width. Such a text can be put into the order of ISO 8601 and cast: a parser of
Spark's own would be lenient, or raise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from headrace.contracts.model import Kind

__all__ = ["ZONE", "TimePattern", "time_pattern"]

ZONE = r"(?:[Zz]|[+-]\d{2}:?\d{2})"

_TOKEN = re.compile(r"'[^']*'|([A-Za-z])\1*|[^A-Za-z']|'")
_WIDTHS = {"yyyy": 4, "uuuu": 4, "MM": 2, "dd": 2, "HH": 2, "mm": 2, "ss": 2}
_NEEDED: Mapping[Kind, set[str]] = {
    Kind.DATE: set("yMd"),
    Kind.TIMESTAMP: set("yMdHm"),
    Kind.TIME: set("Hm"),
}
_MORE: Mapping[Kind, set[str]] = {Kind.DATE: set(), Kind.TIMESTAMP: set("sSX"), Kind.TIME: set("sS")}


@dataclass(frozen=True, slots=True)
class TimePattern:
    """A pattern, read. places: where each part stands, by its letter, as start from 1 and width; regex: its texts."""

    regex: str
    places: Mapping[str, tuple[int, int]]

    @property
    def has_zone(self) -> bool:
        return "X" in self.places


def time_pattern(pattern: str, kind: Kind) -> TimePattern:
    """The pattern, read. Raises ``ValueError`` saying what of it is not taken."""
    regex, places, start = "", dict[str, tuple[int, int]](), 1
    for token in (found[0] for found in _TOKEN.finditer(pattern)):
        letter = "y" if token == "uuuu" else token[0]
        if token in _WIDTHS or (letter == "S" and len(token) <= 9) or token == "XXX":
            if letter in places or "X" in places:
                raise ValueError(f"{token} stands twice, or behind the zone")
            width = len(token) if token != "XXX" else 6
            places[letter] = (start, width)
            regex += ZONE if token == "XXX" else rf"\d{{{width}}}"
            start += width
        elif token[0].isalpha() or token == "'" or "X" in places:
            raise ValueError(f"{token} is not taken: only yyyy, MM, dd, HH, mm, ss, S, text in '…', and XXX at the end")
        else:
            text = token.strip("'") or "'"
            regex, start = regex + re.escape(text), start + len(text)
    return _complete(TimePattern(regex, places), kind)


def _complete(found: TimePattern, kind: Kind) -> TimePattern:
    there, needed = set(found.places), _NEEDED[kind]
    if not needed <= there or not there <= needed | _MORE[kind] or ("S" in there and "s" not in there):
        whole = {Kind.DATE: "yyyy-MM-dd", Kind.TIME: "HH:mm:ss"}.get(kind, "yyyy-MM-dd HH:mm:ssXXX")
        raise ValueError(f"is not the format of a {kind}, as {whole} is")
    return found
