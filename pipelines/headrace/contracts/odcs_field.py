"""One property of a contract file → a field."""

from __future__ import annotations

import re
from collections.abc import Mapping

from headrace.contracts.model import Criticality, Field, Kind
from headrace.contracts.odcs_options import LARGEST, read_options
from headrace.contracts.odcs_parts import criticality, custom_properties, flag, severity, text
from headrace.documents import Mistakes, Node, nearest
from headrace.tables import signals

__all__ = ["is_value_list", "read_field"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}")
_DECIMAL = re.compile(r"(?:decimal|numeric)\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", re.IGNORECASE)
_KINDS = {kind.value: kind for kind in Kind if kind is not Kind.DECIMAL}
_NOT_YET = ("object", "array", "time", "map", "variant")
_NOT_ENFORCED = ("unique", "enum", "items", "properties", "map")
_LISTED: Mapping[Kind, tuple[type, ...]] = {Kind.STRING: (str,), Kind.INTEGER: (int,), Kind.NUMBER: (int, float)}
_VALUE_KEYS = {"type", "metric", "rule", "arguments", "mustBe", "severity", "name", "description", "id", "tags"}
# Columns of the table, and those a record has beside its fields on the way there.
_OURS = frozenset({*(name.casefold() for name in signals("", ()).names), "envelope", "reasons", "attempt", "outcome"})
_CUSTOM = ("severity", "outlier")
_ONLY_VALUES = "cannot be enforced on a record: write metric: invalidValues, arguments: {validValues: […]}, mustBe: 0"


def read_field(node: Node, *, key_position: int) -> Field:
    """The field. ``key_position`` is its place in the primary key if it is in it and does not say where.

    Raises ``ConfigError`` with every mistake found.
    """
    mistakes = Mistakes()
    kind, precision, scale = _kind(node, mistakes)
    name = text(node, "name")
    _check_name(node, name, mistakes)
    for key in _NOT_ENFORCED:
        child = node.child(key)
        if child is not None and child.value not in (None, False):
            mistakes.add(child, "is not enforced: remove it" if key != "enum" else _ONLY_VALUES)
    options = read_options(node, kind, mistakes)
    allowed, weight = _quality(node, kind, mistakes)
    required, primary_key = flag(node, "required", mistakes), _key_position(node, key_position, mistakes)
    outlier = _outlier(node, kind, mistakes)
    mistakes.done()
    return Field(
        name=name,
        kind=kind,
        description=text(node, "description"),
        required=required,
        primary_key=primary_key,
        precision=precision,
        scale=scale,
        allowed=allowed,
        outlier=outlier,
        criticality=weight,
        **options,
    )


def _check_name(node: Node, name: str, mistakes: Mistakes) -> None:
    if not name:
        mistakes.add(node, "is missing", "name")
    elif not _NAME.fullmatch(name):
        mistakes.add(node.at("name"), "must be letters, digits and _, a letter first")
    elif name.casefold() in _OURS:
        mistakes.add(node.at("name"), "is the name of a column headrace adds: name it otherwise")


def _kind(node: Node, mistakes: Mistakes) -> tuple[Kind, int, int]:
    name, physical = text(node, "logicalType"), _DECIMAL.fullmatch(text(node, "physicalType").strip())
    if name not in _KINDS:
        _no_kind(node, name, mistakes)
        return Kind.STRING, 38, 0
    if physical is None or name != "number":
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
    elif name in _NOT_YET:
        mistakes.add(node.at("logicalType"), f"{name} is not supported yet: use one of {supported}")
    else:
        mistakes.add(node.at("logicalType"), f"must be one of {supported}{nearest(name, _KINDS)}")


def _key_position(node: Node, default: int, mistakes: Mistakes) -> int:
    if not flag(node, "primaryKey", mistakes):
        return 0
    given = node.child("primaryKeyPosition")
    if given is None:
        return default
    if type(given.value) is not int or given.value < 1:
        mistakes.add(given, "must be a whole number from 1")
        return default
    return given.value


def _quality(node: Node, kind: Kind, mistakes: Mistakes) -> tuple[tuple[str | int | float, ...], Criticality]:
    """The allowed values, and the one criticality of all checks of the field."""
    ours = custom_properties(node, _CUSTOM, mistakes)
    said = {criticality(ours["severity"], mistakes)} if "severity" in ours else set()
    allowed: tuple[str | int | float, ...] = ()
    quality = node.child("quality")
    for entry in quality.items if quality else ():
        if not is_value_list(entry):
            continue
        if allowed:
            mistakes.add(entry, "is a second list of values: keep one")
            continue
        allowed = _allowed(entry, kind, mistakes)
        chosen = severity(entry, mistakes)
        if chosen is not None:
            said.add(chosen)
    if len(said) > 1:
        mistakes.add(node, "has two severities: all checks of a field have one")
    return allowed, said.pop() if said else Criticality.ERROR


def _outlier(node: Node, kind: Kind, mistakes: Mistakes) -> float | None:
    given = custom_properties(node, _CUSTOM, Mistakes()).get("outlier")
    if given is None:
        return None
    if kind not in (Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL):
        mistakes.add(given, f"is for numbers, and this is of type {kind}")
    elif not isinstance(given.value, int | float) or isinstance(given.value, bool) or not 1 <= given.value <= 1_000:
        mistakes.add(given, "must be a robust z-score from 1 to 1000; 6 is a usual one")
    else:
        return float(given.value)
    return None


def is_value_list(entry: Node) -> bool:
    """Whether a quality entry lists the only values there are: each record is judged by it, and not the batch."""
    metric = text(entry, "metric") or text(entry, "rule")
    must_be = entry.child("mustBe")
    zero = must_be is not None and must_be.value == 0 and must_be.value is not False
    library = text(entry, "type") in ("", "library")
    return metric == "invalidValues" and zero and library and set(entry.mapping) <= _VALUE_KEYS


def _allowed(entry: Node, kind: Kind, mistakes: Mistakes) -> tuple[str | int | float, ...]:
    arguments = entry.at("arguments")
    values = arguments.child("validValues")
    fitting = _LISTED.get(kind)
    if fitting is None:
        mistakes.add(entry, f"a list of values is not enforced for type {kind}")
    elif set(arguments.mapping) != {"validValues"} or values is None or not values.items:
        mistakes.add(entry, "needs {validValues: […]}, at least one value and nothing else", "arguments")
    else:
        for value in values.items:
            if type(value.value) not in fitting:
                mistakes.add(value, f"must be of type {kind}")
            elif isinstance(value.value, int | float) and not abs(value.value) < LARGEST[kind]:
                mistakes.add(value, "must be a finite number, a whole one of 64 bits")
        return tuple(values.plain())
    return ()
