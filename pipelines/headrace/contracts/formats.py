"""The formats of texts, each the pattern of the whole text in Java's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["FORMATS"]

# Addresses as RFC 3986, 3.2.2 writes them.
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
_H16 = r"[0-9a-fA-F]{1,4}"
_LS32 = rf"(?:{_H16}:{_H16}|{_IPV4})"
_IPV6 = (
    rf"(?:{_H16}:){{6}}{_LS32}",
    rf"::(?:{_H16}:){{5}}{_LS32}",
    *(rf"(?:(?:{_H16}:){{0,{before}}}{_H16})?::(?:{_H16}:){{{4 - before}}}{_LS32}" for before in range(5)),
    rf"(?:(?:{_H16}:){{0,5}}{_H16})?::{_H16}",
    rf"(?:(?:{_H16}:){{0,6}}{_H16})?::",
)

# Repetitions of a group are possessive: Java would go one call deeper for each, and a long text end the JVM.
FORMATS: Final[Mapping[str, str]] = {
    "uuid": r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "email": r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)++",
    "uri": r"[A-Za-z][A-Za-z0-9+.-]*:\S+",
    "ipv4": _IPV4,
    "ipv6": "|".join(_IPV6),
    "hostname": r"(?=.{1,253}\z)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*",
    "byte": r"(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
}
