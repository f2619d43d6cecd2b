"""A file of the Open Data Contract Standard (v3) → a contract.

``odcs_support`` says what becomes of each key; what asks to be enforced on a record and cannot be is refused, but for
rules that are another engine's or people's to keep, which ``odcs_notes`` names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headrace.contracts.aggregates import Aggregate
from headrace.contracts.model import Contract, Criticality, Field, Kind, Rule, Unknown, kinds
from headrace.contracts.odcs_aggregates import read_aggregate
from headrace.contracts.odcs_field import read_fields
from headrace.contracts.odcs_parts import custom_properties, flag, severity, text
from headrace.contracts.odcs_quality import QualityType, quality_type
from headrace.contracts.odcs_support import STANDARD
from headrace.contracts.odcs_values import is_value_list
from headrace.contracts.odcs_version import refuse_other_standards
from headrace.documents import Mistakes, Node, check, nearest
from headrace.expressions import compile_condition

__all__ = ["read_contract"]

DEFAULT_LARGEST_RECORD, LARGEST_RECORD = 1024 * 1024, 64 * 1024 * 1024
LONGEST_NAME = 128
_DESCRIBING = {"customProperties", *STANDARD["quality"].describes} - {"query"}
_RULE_KEYS = {"type", "engine", "name", "implementation", "severity", *_DESCRIBING}


def read_contract(document: Node) -> Contract:
    """The contract in a file that was read. Raises ``ConfigError`` with one line for every mistake in it."""
    # Slow to import, and only whoever reads a contract file needs it.
    from open_data_contract_standard.model import OpenDataContractStandard

    refuse_other_standards(document)
    check(document, OpenDataContractStandard)
    mistakes = Mistakes()
    _head(document, mistakes)
    objects = document.at("schema").items if document.child("schema") else ()
    if len(objects) != 1:
        each = ": write a contract for each" if objects else ""
        mistakes.add(document.at("schema"), f"must hold exactly one object, the record; it holds {len(objects)}{each}")
        mistakes.done()
    contract = _contract(document, objects[0], mistakes)
    mistakes.done()
    return contract


def _head(document: Node, mistakes: Mistakes) -> None:
    for key in ("apiVersion", "kind", "id", "version"):
        if not text(document, key):
            mistakes.add(document, "is missing", key)


def _contract(document: Node, record: Node, mistakes: Mistakes) -> Contract:
    custom_properties(document, (), mistakes)
    settings = custom_properties(record, ("eventTime", "maxBytes", "unknownFields"), mistakes)
    before = len(mistakes.lines)
    fields = _fields(record, mistakes)
    # What refers to fields can be judged only when all of them could be read.
    whole = len(mistakes.lines) == before
    return Contract(
        id=text(document, "id"),
        version=text(document, "version"),
        owner=_owner(document),
        description=text(document.at("description"), "purpose"),
        event_time=_event_time(record, settings, fields if whole else None, mistakes),
        fields=tuple(fields),
        rules=tuple(_rules(record, fields if whole else None, mistakes)),
        aggregates=tuple(_aggregates(record, fields, mistakes)) if whole else (),
        max_bytes=_max_bytes(settings, mistakes),
        unknown=_unknown(settings, mistakes),
    )


def _owner(document: Node) -> str:
    team = document.child("team")
    if team is None:
        return ""
    return text(team, "name") or (text(team.items[0], "name") if team.items else "")


def _fields(record: Node, mistakes: Mistakes) -> list[Field]:
    properties = record.child("properties")
    if properties is None or not properties.items:
        mistakes.add(properties or record, "must list at least one field", *(() if properties else ("properties",)))
        return []
    if text(record, "logicalType") not in ("", "object"):
        mistakes.add(record.at("logicalType"), "must be object: a record is one JSON object")
    fields = read_fields(properties, mistakes)
    positions = [field.primary_key for field in fields if field.primary_key]
    if len(set(positions)) < len(positions):
        mistakes.add(properties, "gives two fields one place in the primary key: set primaryKeyPosition")
    for node in properties.items if len(positions) > 1 else ():
        if flag(node, "unique", mistakes) and flag(node, "primaryKey", mistakes):
            mistakes.add(node.at("unique"), "is more than the primary key says, which has several fields: remove it")
    return fields


def _event_time(record: Node, settings: Mapping[str, Node], fields: Sequence[Field] | None, mistakes: Mistakes) -> str:
    node = settings.get("eventTime")
    if node is None:
        mistakes.add(record, "needs {property: eventTime, value: <field>}: when the event happened", "customProperties")
        return ""
    name = str(node.value)
    if fields is None:
        return name
    way = _way(name, fields)
    if not way:
        times = [path for path, kind in kinds(fields).items() if kind is Kind.TIMESTAMP]
        mistakes.add(node, f"names no field{nearest(name, times)}")
    elif way[-1].kind is not Kind.TIMESTAMP or not way[-1].required:
        mistakes.add(node, f"{name} must have logicalType timestamp and required true")
    elif optional := [field.name for field in way if not field.required]:
        mistakes.add(node, f"{name} can be missing: {', '.join(optional)} must have required true too")
    return name


def _way(path: str, fields: Sequence[Field]) -> tuple[Field, ...]:
    """The objects on the way to a member, and the member last; nothing where there is no such path."""
    way: list[Field] = []
    for name in path.split("."):
        found = {field.name: field for field in fields}.get(name)
        if found is None:
            return ()
        way.append(found)
        fields = found.members
    return tuple(way)


def _max_bytes(settings: Mapping[str, Node], mistakes: Mistakes) -> int:
    node = settings.get("maxBytes")
    if node is None:
        return DEFAULT_LARGEST_RECORD
    most = node.whole
    if most is None or not 0 < most <= LARGEST_RECORD:
        mistakes.add(node, f"must be a whole number of bytes, 1 to {LARGEST_RECORD}")
        return 0
    return most


def _unknown(settings: Mapping[str, Node], mistakes: Mistakes) -> Unknown:
    node = settings.get("unknownFields")
    if node is None:
        return Unknown.KEEP
    if node.value not in list(Unknown):
        mistakes.add(node, f"must be keep, reject or evolve{nearest(node.value, list(Unknown))}")
        return Unknown.KEEP
    return Unknown(str(node.value))


def _rules(record: Node, fields: Sequence[Field] | None, mistakes: Mistakes) -> list[Rule]:
    columns = None if fields is None else kinds(fields)
    rules: list[Rule] = []
    for node in _quality(record):
        with mistakes.gathered():
            if quality_type(node) is not QualityType.CONDITION:
                continue
            rule = _rule(node, columns)
            if rule.name in {other.name for other in rules}:
                mistakes.add(node.at("name"), "is the name of another rule too")
            rules.append(rule)
    return rules


def _aggregates(record: Node, fields: Sequence[Field], mistakes: Mistakes) -> list[Aggregate]:
    """Library rules of the record as a whole, then those of each field that are not about its every value."""
    by_name = {field.name: field for field in fields}
    entries: list[tuple[Node, Field | None]] = [(node, None) for node in _quality(record)]
    for property_ in record.at("properties").items:
        own = [node for node in _quality(property_) if not is_value_list(node)]
        entries += [(node, by_name.get(text(property_, "name"))) for node in own]
    aggregates: list[Aggregate] = []
    for node, field in entries:
        with mistakes.gathered():
            type_ = quality_type(node)
            if type_ is QualityType.CONDITION and field is not None:
                mistakes.add(node, "is a rule of the whole record: move it to the quality of the record")
            if type_ is not QualityType.LIBRARY:
                continue
            one = read_aggregate(node, fields, field)
            if one.name in {other.name for other in aggregates}:
                mistakes.add(node, f"{one.name} is the name of another rule too: name it", "name")
            aggregates.append(one)
    return aggregates


def _quality(node: Node) -> Sequence[Node]:
    quality = node.child("quality")
    return quality.items if quality else ()


def _rule(node: Node, columns: Mapping[str, str] | None) -> Rule:
    mistakes = Mistakes()
    custom_properties(node, (), mistakes)
    for key, child in node.mapping.items():
        if key not in _RULE_KEYS:
            mistakes.add(child, "is not used in a rule of engine headrace: remove it")
    for key in ("name", "implementation"):
        if not text(node, key):
            mistakes.add(node, "is missing", key)
    if len(text(node, "name")) > LONGEST_NAME or not text(node, "name").isprintable():
        mistakes.add(node.at("name"), f"must be printable, and {LONGEST_NAME} characters at most")
    expression, criticality = "", severity(node, mistakes) or Criticality.ERROR
    if text(node, "implementation") and columns is not None:
        try:
            expression = compile_condition(text(node, "implementation"), columns)
        except ValueError as error:
            mistakes.add(node.at("implementation"), str(error))
    mistakes.done()
    return Rule(
        name=text(node, "name"),
        expression=expression,
        description=text(node, "description"),
        criticality=criticality,
    )
