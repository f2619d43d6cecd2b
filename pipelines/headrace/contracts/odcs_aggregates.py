"""The rules of ``type: library`` in a contract file → aggregate rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from headrace.contracts.aggregates import Aggregate, Metric, Must, Operator
from headrace.contracts.model import Criticality, Field, Kind
from headrace.contracts.odcs_parts import severity, text
from headrace.contracts.odcs_values import LIBRARY_KEYS, read_listed
from headrace.contracts.odcs_windows import read_window
from headrace.contracts.tumbling import Tumbling
from headrace.documents import Mistakes, Node, nearest
from headrace.patterns import pattern_mistake

__all__ = ["read_aggregate"]

_ARGUMENTS = {
    Metric.MISSING_VALUES: ("missingValues",),
    Metric.INVALID_VALUES: ("validValues", "pattern"),
    Metric.DUPLICATE_VALUES: ("properties",),
}
_FORMER_NAMES = {
    **dict.fromkeys(("nullCheck", "nullCount"), "metric: nullValues"),
    **dict.fromkeys(("duplicateCheck", "duplicateCount", "uniqueCheck"), "metric: duplicateValues"),
    **dict.fromkeys(("validValues", "validCheck"), "metric: invalidValues, arguments: {validValues: […]}, mustBe: 0"),
    "countCheck": "metric: rowCount",
}


def read_aggregate(node: Node, fields: Sequence[Field], field: Field | None) -> Aggregate:
    """The rule a ``quality`` entry declares: on the record as a whole, or on one ``field``.

    Raises ``ConfigError`` with one line for every mistake in it.
    """
    mistakes = Mistakes()
    for key, child in node.mapping.items():
        if key not in LIBRARY_KEYS:
            mistakes.add(child, f"is not used in a rule of type library{nearest(key, sorted(LIBRARY_KEYS))}")
    metric = _metric(node, mistakes)
    must = _must(node, mistakes)
    percent = _percent(node, mistakes)
    window = read_window(node, mistakes)
    criticality = _criticality(node, window, mistakes)
    mistakes.done()
    if metric is Metric.ROW_COUNT and percent:
        mistakes.add(node.at("unit"), "must be rows for rowCount: it is the whole, not a part of it")
    arguments = _arguments(node, metric, mistakes)
    named = _named(node, metric, arguments, fields, field, mistakes)
    read = _read(node, metric, arguments, named, mistakes)
    mistakes.done()
    names = tuple(one.name for one in named)
    return Aggregate(
        name=text(node, "name") or "_".join([metric, *names]),
        metric=metric,
        must=must,
        fields=names,
        percent=percent,
        description=text(node, "description"),
        criticality=criticality,
        window=window,
        **read,
    )


def _metric(node: Node, mistakes: Mistakes) -> Metric:
    """The metric; its key was ``rule`` in ODCS v3.0, where metrics had other names."""
    key = "rule" if node.child("rule") is not None else "metric"
    if key == "rule" and node.child("metric") is not None:
        mistakes.add(node.at("rule"), "is what v3.0 calls the metric: remove it")
        key = "metric"
    said = text(node, key)
    if said in list(Metric):
        return Metric(said)
    if said in _FORMER_NAMES:
        mistakes.add(node.at(key), f"{said} is a rule of ODCS v3.0: write {_FORMER_NAMES[said]}")
    else:
        known = f"must be one of {', '.join(Metric)}{nearest(said, list(Metric))}"
        mistakes.add(node.child(key) or node, known, *(() if node.child(key) else ("metric",)))
    return Metric.ROW_COUNT


def _must(node: Node, mistakes: Mistakes) -> Must:
    given = [operator for operator in Operator if node.child(operator) is not None]
    if len(given) != 1:
        mistakes.add(node, f"needs exactly one of {', '.join(Operator)}; it has {len(given)}")
        return Must(Operator.BE, (0,))
    child = node.at(given[0])
    ranged = given[0] in (Operator.BETWEEN, Operator.NOT_BETWEEN)
    numbers = [each.number for each in (child.items if ranged else (child,))]
    bounds = tuple(float(number) for number in numbers if number is not None and isfinite(number))
    if len(bounds) != len(numbers) or len(bounds) != 1 + ranged:
        mistakes.add(child, "must be two numbers, as in [0, 10]" if ranged else "must be a number")
        return Must(Operator.BE, (0,))
    if bounds[0] > bounds[-1]:
        mistakes.add(child, "has its ends the wrong way round: the lower comes first")
    return Must(given[0], bounds)


def _percent(node: Node, mistakes: Mistakes) -> bool:
    said = text(node, "unit") or "rows"
    if said not in ("rows", "percent"):
        mistakes.add(node.at("unit"), f"must be rows or percent{nearest(said, ('rows', 'percent'))}")
    return said == "percent"


def _criticality(node: Node, window: Tumbling | None, mistakes: Mistakes) -> Criticality:
    said = severity(node, mistakes)
    if window is None:
        return said or Criticality.ERROR
    if said is Criticality.ERROR:
        mistakes.add(node.at("severity"), "cannot be error over windows: they span batches, so the rule only alarms")
    return Criticality.WARN


def _arguments(node: Node, metric: Metric, mistakes: Mistakes) -> Mapping[str, Node]:
    listed = node.child("arguments")
    known = _ARGUMENTS.get(metric, ())
    given = dict(listed.mapping) if listed is not None else {}
    for key, child in given.items():
        if key not in known:
            mistakes.add(child, f"is no argument of {metric}{nearest(key, known)}")
    return given


def _named(
    node: Node,
    metric: Metric,
    arguments: Mapping[str, Node],
    fields: Sequence[Field],
    field: Field | None,
    mistakes: Mistakes,
) -> tuple[Field, ...]:
    """The fields the rule looks at."""
    if metric is Metric.ROW_COUNT:
        if field is not None:
            mistakes.add(node, "counts records: move it from the field to the record's quality")
        return ()
    listed = arguments.get("properties")
    if field is not None:
        if listed is not None:
            mistakes.add(listed, "belongs to a rule of the record: this one stands at a field already")
        return (field,)
    if metric is not Metric.DUPLICATE_VALUES:
        mistakes.add(node, f"{metric} is a rule of one field: move it to that field's quality")
        return ()
    if listed is None or not listed.items:
        mistakes.add(node, "needs arguments: {properties: [<field>, …]}", "arguments")
        return ()
    by_name = {one.name: one for one in fields}
    found = []
    for item in listed.items:
        if item.value in by_name:
            found.append(by_name[item.value])
        else:
            mistakes.add(item, f"names no field{nearest(item.value, list(by_name))}")
    return tuple(found)


def _read(
    node: Node, metric: Metric, arguments: Mapping[str, Node], named: Sequence[Field], mistakes: Mistakes
) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for key, target in (("missingValues", "missing"), ("validValues", "allowed")):
        if key in arguments and named:
            # Null is always missing, and never valid.
            read[target] = read_listed(arguments[key], named[0], mistakes, null=key == "missingValues")
    if "pattern" in arguments and named:
        pattern = arguments["pattern"]
        mistake = pattern_mistake(pattern.value) if isinstance(pattern.value, str) else "must be text"
        if named[0].kind is not Kind.STRING:
            mistake = f"is for texts, and {named[0].name} is of type {named[0].kind}"
        if mistake:
            mistakes.add(pattern, mistake)
        read["pattern"] = pattern.value
    if metric is Metric.INVALID_VALUES and not {"allowed", "pattern"} & read.keys():
        mistakes.add(node, "needs arguments: {validValues: […]} or {pattern: …}", "arguments")
    return read
