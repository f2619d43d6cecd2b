"""The logical type of a property → the kind of a field."""

from __future__ import annotations

import re

from headrace.contracts.model import Kind
from headrace.contracts.odcs_parts import text
from headrace.documents import Mistakes, Node, nearest

__all__ = ["read_kind"]

_DECIMAL = re.compile(r"(?:decimal|numeric|dec|number)\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", re.IGNORECASE)
_LIKE_DECIMAL = re.compile(r"\s*(?:decimal|dec|numeric|number)\b", re.IGNORECASE)
_KINDS = {kind.value: kind for kind in Kind if kind is not Kind.DECIMAL}
_NO_KINDS = {
    "map": "is not enforced: make it an array of objects with a key and a value, or an object where the keys are known",
    "vector": "is not enforced: write logicalType: array, items: {logicalType: number}",
    "variant": "is not enforced: a field has one kind",
}


def read_kind(node: Node, mistakes: Mistakes) -> tuple[Kind, int, int]:
    """The kind, and of a decimal precision and scale."""
    name, physical = text(node, "logicalType"), _DECIMAL.fullmatch(text(node, "physicalType").strip())
    if name not in _KINDS:
        _no_kind(node, name, mistakes)
        return Kind.STRING, 38, 0
    if physical is None or name != "number":
        if name == "number" and _LIKE_DECIMAL.match(text(node, "physicalType")):
            mistakes.add(node.at("physicalType"), "must be decimal(p,s): else the field is a double, which rounds")
        # Where NUMBER is the one type of numbers there is, an integer is a NUMBER(38,0), whatever it holds.
        if (
            name == "integer"
            and physical is not None
            and physical[0][0] in "dDnN"
            and physical[0][:6].lower() != "number"
        ):
            mistakes.add(node.at("physicalType"), "goes with logicalType: number; an integer has 64 bits")
        return _KINDS[name], 38, 0
    # Four digits decide: Python refuses to read a number of five thousand.
    precision, scale = int(physical[1][:4]), int((physical[2] or "0")[:4])
    if not 0 < precision <= 38 or scale > precision:
        mistakes.add(node.at("physicalType"), "a decimal has 1 to 38 digits, and its scale is within them")
    return Kind.DECIMAL, precision, scale


def _no_kind(node: Node, name: str, mistakes: Mistakes) -> None:
    supported = ", ".join(_KINDS)
    if not name:
        mistakes.add(node, f"is missing: one of {supported}", "logicalType")
    elif name in _NO_KINDS:
        mistakes.add(node.at("logicalType"), f"{name} {_NO_KINDS[name]}")
    else:
        mistakes.add(node.at("logicalType"), f"must be one of {supported}{nearest(name, _KINDS)}")
