"""One field gone wrong: which values break the contract, and as what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

__all__ = ["WRONG_VALUES", "wrong_values"]

_EPOCHS: Final = ("1780000000", "1780000000000", "1780000000000000", "-1", "0", "1.78e9", "true", "{}", "[2026]")
_NO_TIMES: Final = (
    "2026-02-30T00:00:00Z",
    "2025-02-29T12:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-10T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-01-01T24:30:00Z",
    "2026-01-01T12:60:00Z",
    "2026-01-01T12:00:61Z",
    "2026-01-01T12:00:00+25:00",
    "2026-01-01T12:00:00",
    "2026-01-01 12:00:00.5",
    "2026-03-29T02:30:00 Europe/Berlin",
    "2026-03-29T02:30:00[Europe/Berlin]",
    "2026-01-01T12:00:00 UTC",
    "2026-01-01",
    "2026-W01-1T00:00:00Z",
    "12:00:00Z",
    "01/02/2026 12:00:00Z",
    "10000-01-01T00:00:00Z",
    "+12026-01-01T00:00:00Z",
    "57971-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z",
    "1780000000",
    "1780000000000",
    "yesterday",
    "now",
    "epoch",
    "",
    " 2026-01-01T12:00:00Z",
    "2026-01-01T12:00:00Z ",
    "2026-01-01T12:00:00Z\\n",
    "٢٠٢٦-01-01T12:00:00Z",
)
_FAR_TIMES: Final = (
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "1582-10-10T00:00:00Z",
    "1899-12-31T23:59:59Z",
    "2200-01-01T00:00:01Z",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-14:00",
)
_NO_TEXTS: Final = ("5", "1.50", "true", "{}", '{"x":1}', "[]", '["a"]', "1e400")
_NO_NUMBERS: Final = ('"1"', '"1.5"', '""', '"NaN"', '"Infinity"', "true", "[1]", '{"x":1}')


def _texts(*values: str) -> tuple[str, ...]:
    return tuple(f'"{value}"' for value in values)


# Field → reason → the JSON texts that are rejected for it.
WRONG_VALUES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "id": {
        "wrong_type": _NO_TEXTS,
        "required": ("null",),
        "format": _texts("", "no uuid", "0" * 32, "00000000-0000-0000-0000-00000000000g"),
    },
    "occurred_at": {
        "wrong_type": _EPOCHS,
        "required": ("null",),
        "wrong_format": _texts(*_NO_TIMES),
        "implausible_time": _texts(*_FAR_TIMES),
    },
    "station": {
        "wrong_type": _NO_TEXTS,
        "required": ("null",),
        "pattern": _texts(
            "", "abc-12", "ABC-1", "ABC-12345", "xABC-12", "ABC-12x", "ABC-12\\n", "ABC-١٢", "ABC-12\\u0000"
        ),
    },
    "running": {"wrong_type": ('"true"', '"false"', "0", "1", '""', "[true]", "{}"), "required": ("null",)},
    "sequence": {
        "wrong_type": (*_NO_NUMBERS, "1.5", "1.0", "1e0"),
        "required": ("null",),
        "out_of_range": ("-1", "9223372036854775808", "-9223372036854775809", "9" * 30, "9" * 40),
    },
    "level": {"out_of_range": ("100", "-100", "101", "-9223372036854775808", "9" * 38)},
    "power": {
        "wrong_type": _NO_NUMBERS,
        "out_of_range": ("-50.000001", "5000.0001", "1e308", "-5e9"),
        "non_finite": ("1e400", "-1e400", "1e999999"),
    },
    "ratio": {"out_of_range": ("0", "1", "-0.0", "1.0", "1e0", "-0.1"), "non_finite": ("1E+400",)},
    "price": {
        "wrong_type": _NO_NUMBERS,
        "inexact_decimal": ("1.239", "0.001", "12.3456789"),
        "out_of_range": ("-0.01", "-5", "100000000", "100000000.01", "123456789012.5", "9" * 20),
    },
    "serial": {
        "wrong_type": _NO_NUMBERS,
        "inexact_decimal": ("1.5", "0.1"),
        "out_of_range": ("9" * 39, "-" + "9" * 60),
    },
    "started_at": {
        "wrong_type": _EPOCHS,
        "wrong_format": _texts(*_NO_TIMES),
        "implausible_time": _texts(*_FAR_TIMES),
        "rule": _texts("2199-01-01T00:00:00Z", "2150-06-01 12:00:00+05:30"),
    },
    "inspected_on": {
        "wrong_type": ("20260101", "true", "[]"),
        "wrong_format": _texts(
            "2026-02-29", "2026-13-01", "2026-1-1", "20260101", "2026-01-01T00:00:00Z", "01.02.2026", "", "today"
        ),
        "implausible_time": _texts("0000-01-01", "1999-12-31", "2100-01-01", "9999-12-31"),
    },
    "mode": {
        "wrong_type": _NO_TEXTS,
        "not_allowed": _texts("", "RUN", "run ", "u\\u0308berholt", "überHolt", "run\\u0000"),
    },
    "gear": {"not_allowed": ("0", "4", "-1"), "wrong_type": ("1.0", '"1"', "1e0")},
    "contact": {"format": _texts("", "a", "a@b", "a@@b.c", "a b@c.d", "a@b.c\\n", "@b.c")},
    "page": {"format": _texts("", "no uri", "//a", "1http://a", "http:")},
    "address": {"format": _texts("", "256.0.0.1", "1.2.3", "1.2.3.4.5", "1.2.3.4 ", "a.b.c.d")},
    "address6": {"format": _texts("", "12345", "g::", ":: 1")},
    "host": {"format": _texts("", "-a", "a-", "a..b", "x" * 64, "a_b", ".".join(["x" * 60] * 5))},
    "note": {
        "wrong_type": _NO_TEXTS,
        "length": _texts("", "x" * 201, "é" * 201, "𝔘" * 201, "\\ud83d\\ude00" * 201),
        "lone_surrogate": _texts("\\ud800", "a\\udc00b", "\\ude00\\ud83d", "\\uD83Dx"),
        "malformed": ('"\t"', '"\x00"', '"\x1f"', '"\\x41"', '"\\u12"', "'x'", "x", "None", "undefined", "\x0b1"),
        "too_deep": ("[" * 1_200 + "]" * 1_200, '{"a":' * 5_000 + "1" + "}" * 5_000, "[" * 30_000 + "]" * 30_000),
        "long_number": ("9" * 2_000, "-" + "7" * 1_500, "0." + "1" * 3_000),
    },
    "reading": {
        "wrong_type": _NO_NUMBERS,
        "non_finite": ("1e309", "-1.8e308", "9" * 400),
        "malformed": (
            "NaN",
            "Infinity",
            "-Infinity",
            "+1",
            "01",
            ".5",
            "5.",
            "0x10",
            "1_000",
            "1,5",
            "--1",
            "1e",
            "True",
            "١",
        ),
        "long_number": ("9" * 2_000,),
    },
}


def wrong_values() -> Iterator[tuple[str, str, str]]:
    """Each wrong value as field, reason and JSON text."""
    for field, reasons in WRONG_VALUES.items():
        for reason, values in reasons.items():
            for value in values:
                yield field, reason, value
