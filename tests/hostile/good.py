"""Records that keep the contract, in the many spellings JSON and ISO 8601 have for one value."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Final

__all__ = ["Members", "instant", "members", "quoted", "spelled"]

Members = dict[str, str]
"""A record as the JSON text of each of its fields."""

_ASTRAL: Final = "𝔘🜂"
_LETTERS: Final = "abcXYZ 0189 äßéñ 漢字 Ωж \u200b\u2028\"\\/\t\b\x7f{}[]:,'" + _ASTRAL
_ZONES: Final = (
    UTC,
    timezone(timedelta(hours=5, minutes=30)),
    timezone(-timedelta(hours=11)),
    timezone(timedelta(hours=14)),
)
_STRANGERS: Final = (
    '"_corrupt_record":"x"',
    '"_headrace_corrupt":"{"',
    '"extra":{"deep":[1,{"a":null}]}',
    '"EXTRA":1.5',
)


def members(random: Random, at: datetime) -> Members:
    """A good record of that time. Optional fields are present, null or left out."""
    needed = {
        "id": quoted(random, f"{random.getrandbits(128):032x}", _uuid),
        "occurred_at": instant(random, at),
        "station": quoted(random, random.choice(("ABC-12", "XYZ-0000", "QQQ-999"))),
        "running": random.choice(("true", "false")),
        "sequence": random.choice(("0", "-0", "1", "4294967296", "9223372036854775807")),
    }
    kept = {name: made(random) for name, made in _OPTIONAL.items() if random.random() < 0.7}
    if random.random() < 0.5:
        kept["started_at"] = instant(random, at - timedelta(seconds=random.choice((1, 86_400, 800_000_000))))
    absent = {name: "null" for name in (*_OPTIONAL, "started_at") if name not in kept and random.random() < 0.3}
    return needed | kept | absent


def instant(random: Random, at: datetime) -> str:
    """The moment as JSON text, in one of the ways to write it with its zone."""
    if random.random() < 0.5:
        return f'"{at:%Y-%m-%dT%H:%M:%SZ}"'
    local = at.astimezone(random.choice(_ZONES))
    zone = f"{local:%z}"
    offset = random.choice((zone, f"{zone[:3]}:{zone[3:]}"))
    fraction = random.choice(("", ".0", ".123", ".999999", ".123456789"))
    return quoted(random, f"{local:%Y-%m-%d}{random.choice('T ')}{local:%H:%M:%S}{fraction}{offset}")


def quoted(random: Random, text: str, change: Callable[[str], str] = str) -> str:
    """The text as a JSON string: as it is, or with some or all of its characters escaped."""
    text = change(text)
    if random.random() < 0.7:
        return json.dumps(text, ensure_ascii=random.random() < 0.5)
    if random.random() < 0.5:
        return json.dumps(text).replace("/", "\\/")
    units = text.encode("utf-16-be")
    return '"' + "".join(f"\\u{units[i]:02x}{units[i + 1]:02X}" for i in range(0, len(units), 2)) + '"'


def spelled(random: Random, record: Mapping[str, str], *, lines: bool = True) -> str:
    """The record as one JSON text: compact or spaced, in order or not, with what nobody asked for.

    lines: it has to fit into one line.
    """
    parts = [(f'"{name}"', value) for name, value in record.items()]
    if random.random() < 0.3:
        random.shuffle(parts)
    if random.random() < 0.1:
        at = random.randrange(len(parts))
        name, value = parts[at]
        parts[at] = f'"\\u{ord(name[1]):04x}{name[2:]}', value
    blank = random.choice(("", "", "", " ", "  ", "\t", "\r")) if lines else random.choice(("\n", "\r\n", "\n\t"))
    colon, comma = random.choice(((":", ","), (": ", ", "), (f"{blank}:{blank}", f"{blank},{blank}")))
    texts = [f"{key}{colon}{value}" for key, value in parts]
    if random.random() < 0.1:
        texts.insert(random.randrange(len(texts) + 1), random.choice(_STRANGERS))
    return f"{blank}{{{blank}{comma.join(texts)}{blank}}}{blank}"


def _uuid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _one_of(*values: str) -> Callable[[Random], str]:
    return lambda random: random.choice(values)


def _text_of(*values: str) -> Callable[[Random], str]:
    return lambda random: quoted(random, random.choice(values))


def _note(random: Random) -> str:
    length = random.choice((1, 7, 40, 200))
    return quoted(random, "".join(random.choices(_LETTERS, k=length)))


_OPTIONAL: Final[Mapping[str, Callable[[Random], str]]] = {
    "level": _one_of("0", "50", "-50", "-0", "7"),
    "counter": _one_of("9223372036854775807", "-9223372036854775808", "0", "1234567"),
    "power": _one_of(
        "-50", "5000", "-5e1", "5E+3", "5000.000", "12.5", "0.1", "-0.0", "1e-300", "4.9406564584124654e-324"
    ),
    "ratio": _one_of("0.5", "5e-1", "0.9999999999999999", "1e-307", "0.30000000000000004"),
    "reading": _one_of("1.7976931348623157e308", "-1e308", "9" * 300, "0." + "3" * 400, "-1", "2.5e-7", "0e0"),
    "price": _one_of("0", "0.0", "12", "12.3", "12.30", "12.3000", "99999999.99", "0.01"),
    "serial": _one_of("9" * 38, "-" + "9" * 38, "0", "17", "20.0"),
    "inspected_on": _one_of('"2000-01-01"', '"2099-12-31"', '"2024-02-29"', '"2026-\\u0030\\u0031-31"'),
    "mode": _text_of("idle", "run", "überholt"),
    "gear": _one_of("1", "2", "3"),
    "contact": _text_of("a@b.c", "jane.doe+x@mail.example.org"),
    "page": _text_of("https://example.org/a?b=c#d", "urn:isbn:0451450523", "mailto:a@b.c"),
    "address": _text_of("0.0.0.0", "255.255.255.255", "10.1.2.3"),
    "address6": _text_of("::", "::1", "2001:db8::ff00:42:8329", "::ffff:10.0.0.1"),
    "host": _text_of("localhost", "a.b-c.example", "x" * 63 + ".org"),
    "note": _note,
    "remark": _text_of("short", "far longer than ten characters", "a\0b"),
}
