"""The formats of texts, each the pattern of the whole text in Java's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["FORMATS"]

# Repetitions of a group are possessive: Java would go one call deeper for each, and a long text end the JVM.
FORMATS: Final[Mapping[str, str]] = {
    "uuid": r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "email": r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)++",
    "uri": r"[A-Za-z][A-Za-z0-9+.-]*:\S+",
    "ipv4": r"((25[0-5]|2[0-4]\d|1?\d?\d)(\.(?!\z)|\z)){4}",
    "ipv6": r"[0-9a-fA-F:]*:[0-9a-fA-F:.]*",
    "hostname": r"(?=.{1,253}\z)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*",
    "byte": r"(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
}
