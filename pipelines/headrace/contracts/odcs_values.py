"""What a property's ``quality`` says: the only values there are, and the severity of its checks."""

from __future__ import annotations

from collections.abc import Mapping

from headrace.contracts.model import Criticality, Kind
from headrace.contracts.odcs_enum import enum_as_quality
from headrace.contracts.odcs_parts import criticality, custom_properties, severity, text
from headrace.contracts.odcs_quality import QualityType, quality_type
from headrace.contracts.odcs_support import STANDARD
from headrace.documents import Mistakes, Node, nearest

__all__ = ["LIBRARY_KEYS", "ONLY_VALUES", "is_value_list", "read_values"]

ONLY_VALUES = "cannot be enforced on a record: write metric: invalidValues, arguments: {validValues: […]}, mustBe: 0"
LIBRARY_KEYS = STANDARD["quality"].keys - {"engine", "implementation", "query"}
_LISTED: Mapping[Kind, tuple[type, ...]] = {Kind.STRING: (str,), Kind.INTEGER: (int,), Kind.NUMBER: (int, float)}
# What the absolute value of a number of that kind stays below.
_LARGEST: Mapping[Kind, float] = {Kind.INTEGER: 2**63, Kind.NUMBER: float("inf")}


def read_values(
    node: Node, kind: Kind, said_severity: Node | None, mistakes: Mistakes, *, of_batches: bool
) -> tuple[tuple[str | int | float, ...], Criticality]:
    """The allowed values, and the one criticality of all checks of the field.

    of_batches: rules about a whole batch may stand there too, and are read elsewhere.
    """
    said = {criticality(said_severity, mistakes)} if said_severity else set()
    allowed: tuple[str | int | float, ...] = ()
    quality = node.child("quality")
    for entry in (*(quality.items if quality else ()), *enum_as_quality(node)):
        if not is_value_list(entry):
            if not of_batches:
                _check_nested(entry, mistakes)
            continue
        custom_properties(entry, (), mistakes)
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


def _check_nested(entry: Node, mistakes: Mistakes) -> None:
    """What is nested is judged record by record, by its list of values alone."""
    with mistakes.gathered():
        if quality_type(entry) is not QualityType.DESCRIBED:
            mistakes.add(entry, ONLY_VALUES)


def is_value_list(entry: Node) -> bool:
    """Whether a quality entry lists the only values there are: each record is judged by it, and not the batch."""
    listed, properties = entry.at("arguments").child("validValues"), entry.child("customProperties")
    windowed = any(text(one, "property") == "window" for one in (properties.items if properties else ()))
    metric = text(entry, "metric") or text(entry, "rule")
    must_be = entry.child("mustBe")
    zero = must_be is not None and must_be.value == 0 and must_be.value is not False
    library = text(entry, "type") in ("", "library")
    return metric == "invalidValues" and listed is not None and zero and library and not windowed


def _allowed(entry: Node, kind: Kind, mistakes: Mistakes) -> tuple[str | int | float, ...]:
    for key, child in entry.mapping.items():
        if key not in LIBRARY_KEYS:
            mistakes.add(child, f"is not used in a rule of type library{nearest(key, sorted(LIBRARY_KEYS))}")
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
            elif isinstance(value.value, int | float) and not abs(value.value) < _LARGEST[kind]:
                mistakes.add(value, "must be a finite number, a whole one of 64 bits")
        return tuple(values.plain())
    return ()
