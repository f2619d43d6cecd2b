"""A whole record gone wrong: what a transport, a sender or an attacker may make of a good one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from tests.hostile.contract import LARGEST

__all__ = ["WRONG_LINES", "WRONG_PAYLOADS"]

Damage = Callable[[Random, bytes], bytes | None]
"""Takes a good record as compact JSON in the contract's order and leaves something else of it."""


def _always(*payloads: bytes) -> Damage:
    return lambda random, _: random.choice(payloads)


def _behind(*junk: bytes) -> Damage:
    return lambda random, record: record + random.choice(junk)


def _before(*junk: bytes) -> Damage:
    return lambda random, record: random.choice(junk) + record


def _inside(*members: bytes) -> Damage:
    """A member more, behind the others."""
    return lambda random, record: record[:-1] + b"," + random.choice(members) + b"}"


def _for(old: bytes, *new: bytes) -> Damage:
    def damage(random: Random, record: bytes) -> bytes:
        assert old in record
        return record.replace(old, random.choice(new), 1)

    return damage


def _cut(random: Random, record: bytes) -> bytes:
    """Cut off at some sign, so never within a character or an escape."""
    return record[: random.choice([at for at, sign in enumerate(record) if at and sign in b'",:'])]


def _single_quotes(_: Random, record: bytes) -> bytes:
    return record.replace(b'"', b"'")


def _padded(_: Random, record: bytes) -> bytes:
    return record + b" " * (LARGEST + 1 - len(record))


def _listed(_: Random, record: bytes) -> bytes:
    return b"[" + record + b"]"


def _twice(random: Random, record: bytes) -> bytes:
    return record + random.choice((b"", b" ", b",", b"\r")) + record


def _as_text(_: Random, record: bytes) -> bytes:
    return b'"' + record.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def _wide(_: Random, record: bytes) -> bytes:
    return record.decode().encode("ascii", "ignore").decode().encode("utf-16-le")


# Kind of fault → the reason it is rejected for, and how it is made. Each fits into one line.
WRONG_LINES: Final[Mapping[str, tuple[str, Damage]]] = {
    "nothing": ("empty", _always(b"")),
    "blank": ("empty", _always(b" ", b"   \t", b"\r", b" \r")),
    "truncated": ("malformed", _cut),
    "single quotes": ("malformed", _single_quotes),
    "trailing comma": ("malformed", lambda _, record: record[:-1] + b",}"),
    "no comma": ("malformed", _for(b',"occurred_at"', b' "occurred_at"', b';"occurred_at"', b',,"occurred_at"')),
    "no colon": ("malformed", _for(b'"running":', b'"running"', b'"running"=', b"running:", b'"running"::')),
    "comment": ("malformed", _for(b'"running":', b'/**/"running":', b'"running":/* x */', b'"running"://x\r')),
    "byte-order mark twice": ("malformed", _before(b"\xef\xbb\xbf\xef\xbb\xbf", b" \xef\xbb\xbf")),
    "raw NUL in front": ("malformed", _before(b"\x00", b"\x01", b"\x1b[31m")),
    "not JSON": (
        "malformed",
        _always(b"<a/>", b"a,b,c", b"{", b"}", b"undefined", b"{]", b"\x00", b"id=7", b"---", b"\\N"),
    ),
    "two bytes a character": ("foreign_format", _wide),
    "invalid bytes": (
        "invalid_utf8",
        _for(b'"id":"', b'"id":"\xff', b'"id":"\xe9', b'"id":"\xc0\x80', b'"id":"\xed\xa0\x80'),
    ),
    "invalid end": ("invalid_utf8", _behind(b"\xe2\x82", b"\xf4\x90\x80\x80", b"\x80", b"\xf0\x9f")),
    "compressed": ("foreign_format", _always(b"\x1f\x8b\x08\x00\x00\x00", b"\x28\xb5\x2f\xfd\x24", b"\xff\xfe{\x00")),
    "bare value": (
        "not_an_object",
        _always(b"null", b"7", b'"x"', b"true", b"-1e5", b"[]", b"[[]]", b"[1,{}]", b' "" '),
    ),
    "list of records": ("not_an_object", _listed),
    "record as text": ("not_an_object", _as_text),
    "second record": ("trailing_content", _twice),
    "junk behind": ("trailing_content", _behind(b" x", b"{", b"\x00", b"null", b" 7", b"[]", b',{"a":1}', b"\x1a")),
    "key twice": (
        "duplicate_key",
        _inside(b'"running":true', b'"station":"ABC-12"', b'"id":null', b'"runn\\u0069ng":true'),
    ),
    "unknown key twice": ("duplicate_key", _inside(b'"z":1,"z":1', b'"z":{"q":1,"q":2}', b'"z":[{"q":1,"q":1}]')),
    "surrogate in a key": ("lone_surrogate", _inside(b'"\\ud800":1', b'"z":{"\\udfff":1}', b'"z":"\\uDC00"')),
    "key of 60,000 characters": ("malformed", _inside(b'"' + b"k" * 60_000 + b'":1')),
    "deep in what nobody asked for": ("too_deep", _inside(b'"z":' + b"[" * 1_001 + b"]" * 1_001)),
    "long in what nobody asked for": ("long_number", _inside(b'"z":' + b"9" * 2_000, b'"z":[-' + b"1" * 5_000 + b"]")),
    "padded": ("too_large", _padded),
    "long text": ("too_large", _inside(b'"z":"' + b"y" * LARGEST + b'"')),
    "upper-case key": ("wrong_case", _for(b'"station":', b'"Station":', b'"STATION":')),
    "camel-case key": ("wrong_case", _for(b'"occurred_at":', b'"Occurred_At":', b'"OCCURRED_AT":')),
    "key in both cases": ("wrong_case", _inside(b'"ID":"x"', b'"Running":true')),
    "field left out": ("required", _for(b'"sequence":', b'"sequenze":', b'"":', b'"sequence ":')),
    "no field at all": ("required", _always(b"{}", b" {} ", b'{"a":1}')),
}

# And what a topic can hold, but no line.
WRONG_PAYLOADS: Final[Mapping[str, tuple[str, Damage]]] = {
    "tombstone": ("tombstone", lambda _, __: None),
    "blank lines": ("empty", _always(b"\n", b"\r\n\r\n", b"\n\t\n")),
    "raw line break in a text": ("malformed", _for(b'"id":"', b'"id":"\n', b'"id":"\r\n')),
    "two lines": ("trailing_content", lambda _, record: record + b"\n" + record + b"\n"),
}
