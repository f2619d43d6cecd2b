"""What a property's ``quality`` says: the only values there are, and the severity of its checks."""

from __future__ import annotations

from headrace.contracts.model import Criticality, Field, Kind
from headrace.contracts.odcs_enum import enum_as_quality
from headrace.contracts.odcs_numbers import Number, read_value
from headrace.contracts.odcs_parts import criticality, custom_properties, severity, text
from headrace.contracts.odcs_quality import QualityType, quality_type
from headrace.contracts.odcs_support import STANDARD
from headrace.documents import Mistakes, Node, nearest

__all__ = ["LIBRARY_KEYS", "ONLY_VALUES", "is_value_list", "read_listed", "read_values"]

ONLY_VALUES = "cannot be enforced on a record: write metric: invalidValues, arguments: {validValues: […]}, mustBe: 0"
LIBRARY_KEYS = STANDARD["quality"].keys - {"engine", "implementation", "query"}
_LISTED = (Kind.STRING, Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL)


def read_values(
    node: Node, field: Field, said_severity: Node | None, mistakes: Mistakes, *, of_batches: bool
) -> tuple[tuple[str | Number, ...], Criticality]:
    """The allowed values, and the one criticality of all checks of such a field.

    of_batches: rules about a whole batch may stand there too, and are read elsewhere.
    """
    said = {criticality(said_severity, mistakes)} if said_severity else set()
    allowed: tuple[str | Number, ...] = ()
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
        allowed = _allowed(entry, field, mistakes)
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
    zero = must_be is not None and must_be.whole == 0
    library = text(entry, "type") in ("", "library")
    return metric == "invalidValues" and listed is not None and zero and library and not windowed


def _allowed(entry: Node, field: Field, mistakes: Mistakes) -> tuple[str | Number, ...]:
    for key, child in entry.mapping.items():
        if key not in LIBRARY_KEYS:
            mistakes.add(child, f"is not used in a rule of type library{nearest(key, sorted(LIBRARY_KEYS))}")
    arguments = entry.at("arguments")
    values = arguments.child("validValues")
    if set(arguments.mapping) != {"validValues"} or values is None:
        mistakes.add(entry, "needs {validValues: […]}, at least one value and nothing else", "arguments")
        return ()
    return read_listed(values, field, mistakes)


def read_listed(node: Node, field: Field, mistakes: Mistakes, *, null: bool = False) -> tuple[str | Number, ...]:
    """The listed values, each one that such a field can have; ``null`` says whether null may stand among them."""
    if field.kind not in _LISTED:
        mistakes.add(node, f"cannot be listed for type {field.kind}: only for {', '.join(_LISTED)}")
        return ()
    if not node.items:
        mistakes.add(node, "must be a list of values")
    found: list[str | Number] = []
    for item in node.items:
        if item.value is None and null:
            continue
        try:
            found.append(_value(item, field))
        except ValueError as error:
            mistakes.add(item, str(error))
    return tuple(found)


def _value(node: Node, field: Field) -> str | Number:
    if field.kind is not Kind.STRING and node.number is not None:
        return read_value(node, field)
    if field.kind is Kind.STRING and isinstance(node.value, str):
        return node.value
    raise ValueError(f"must be of type {field.kind}")
