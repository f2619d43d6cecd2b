"""The option ``format`` of a property, and those that say of which zone a time is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from headrace.contracts.formats import FORMATS
from headrace.contracts.model import EPOCHS, RANGES, TIMES, Kind
from headrace.contracts.time_pattern import time_pattern
from headrace.documents import Mistakes, Node, nearest

__all__ = ["STANDARD_ZONE", "check_zone", "format_of", "zone_name"]

STANDARD_ZONE = "Etc/UTC"

_OF: Mapping[Kind, tuple[str, ...]] = {
    Kind.STRING: tuple(FORMATS),
    Kind.INTEGER: tuple(name for name in RANGES if name[0] in "iu"),
    Kind.NUMBER: tuple(name for name in RANGES if name[0] == "f"),
}
_WIDE = {"u64": 20, "i128": 38, "u128": 38}
_SILENT = ("password", "binary")
_ZONE = re.compile(r"[A-Z][A-Za-z0-9_+-]*(?:/[A-Z][A-Za-z0-9_+-]*)*")


def format_of(value: Any, kind: Kind) -> str:
    """The format of a field of that kind. Raises ``ValueError`` saying what it must be."""
    if kind in TIMES and str(value).startswith("epoch"):
        if kind is not Kind.TIMESTAMP:
            raise ValueError(f"{value} is for logicalType: timestamp")
        if value not in EPOCHS:
            raise ValueError(f"must be one of {', '.join(EPOCHS)}{nearest(value, EPOCHS)}")
    elif kind in TIMES:
        time_pattern(str(value), kind)
    elif value in _WIDE:
        raise ValueError(
            f"{value} does not fit into 64 bits: write logicalType: number, physicalType: decimal({_WIDE[value]},0)"
        )
    elif value in _SILENT:
        raise ValueError(f"{value} says nothing a text could be checked by: remove it")
    elif value not in _OF[kind]:
        raise ValueError(f"must be one of {', '.join(_OF[kind])}{nearest(value, _OF[kind])}")
    return str(value)


def zone_name(value: Any) -> str:
    """The name of a time zone. Raises ``ValueError`` where there is none of that name."""
    known = value in (STANDARD_ZONE, "UTC")
    if not known and isinstance(value, str) and _ZONE.fullmatch(value):
        try:
            known = bool(ZoneInfo(value).key)
        except (ValueError, OSError, LookupError):
            known = False
    if not known:
        raise ValueError("must be the name of a time zone, as in Europe/Berlin")
    return str(value)


def check_zone(options: Node, read: dict[str, Any], kind: Kind, mistakes: Mistakes) -> None:
    """A time is sent with its zone, or all times of the field are of one zone: ``timezone: false``."""
    with_zone, zone = read.pop("timezone", None), read.get("default_timezone")
    if kind is Kind.TIME and with_zone:
        mistakes.add(options.at("timezone"), "must be false: a time of day has no zone")
    if kind is not Kind.TIMESTAMP:
        return
    if read.get("format") in EPOCHS:
        for key in ("timezone", "defaultTimezone"):
            if options.child(key) is not None:
                mistakes.add(options.at(key), f"is for times that are sent as texts: {read['format']} counts in UTC")
        return
    if zone and with_zone is not False:
        mistakes.add(options.at("defaultTimezone"), "needs timezone: false; without it each time says its own zone")
    if with_zone is False:
        read["default_timezone"] = zone or STANDARD_ZONE
    if "format" not in read:
        return
    has_zone = time_pattern(read["format"], kind).has_zone
    if has_zone and with_zone is False:
        mistakes.add(options.at("format"), "has a zone (XXX), but timezone is false: leave out one of them")
    if not has_zone and with_zone is not False:
        mistakes.add(options.at("format"), "has no zone: add XXX, or write timezone: false")
