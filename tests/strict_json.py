"""Records as Python's own parser has them: what headrace reads is held beside it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

__all__ = ["strictly"]


def strictly(text: str) -> dict[str, Any]:
    """The record as Python reads it, every number exactly; ValueError where it is no record, or a key stands twice."""
    found = json.loads(text, object_pairs_hook=_once, parse_float=Decimal, parse_constant=_no_constant)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _no_constant(name: str) -> None:
    raise ValueError(name)
