"""One property of a contract file → a field, with all that is nested in it."""

from __future__ import annotations

from dataclasses import replace

from headrace.contracts.model import DEEPEST, Field, Kind
from headrace.contracts.odcs_kind import read_kind
from headrace.contracts.odcs_names import check_distinct, read_names
from headrace.contracts.odcs_options import read_options
from headrace.contracts.odcs_parts import custom_properties, flag, text
from headrace.contracts.odcs_values import read_values
from headrace.documents import Mistakes, Node, nearest

__all__ = ["read_field", "read_fields"]

_UNIQUE = "is not enforced: write quality: [{metric: duplicateValues, mustBe: 0}], which is judged once a batch"
_NUMBERS = (Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL)
_COERCED = (*_NUMBERS, Kind.BOOLEAN)


def read_fields(properties: Node, mistakes: Mistakes, *, level: int = 1) -> list[Field]:
    """The fields of a record, or the members of an object, those that could be read; each name stands once."""
    fields: list[Field] = []
    for node in properties.items:
        with mistakes.gathered():
            position = 1 + sum(1 for field in fields if field.primary_key)
            fields.append(read_field(node, key_position=position, level=level))
    check_distinct(properties.items, mistakes)
    return fields


def read_field(node: Node, *, key_position: int, level: int = 1) -> Field:
    """The field. ``key_position`` is its place in the primary key if it is in it and does not say where.

    Raises ``ConfigError`` with every mistake found.
    """
    mistakes = Mistakes()
    kind, precision, scale = read_kind(node, mistakes)
    # Of a property of no kind it cannot be said what may be in it.
    has_kind = not mistakes.lines
    name, physical_name = read_names(node, level, mistakes)
    _refuse(node, level, mistakes)
    bare = Field(name=name, kind=kind, precision=precision, scale=scale)
    options = read_options(node, bare, mistakes)
    needed = options.pop("required", None)
    custom = custom_properties(node, ("severity", "coerce", "outlier"), mistakes)
    allowed, criticality = read_values(node, bare, custom.get("severity"), mistakes, of_batches=level == 1)
    field = Field(
        name=name,
        physical_name=physical_name,
        kind=kind,
        description=text(node, "description"),
        required=flag(node, "required", mistakes),
        primary_key=_key_position(node, key_position, kind, level, mistakes),
        precision=precision,
        scale=scale,
        allowed=allowed,
        criticality=criticality,
        coerce=_coerce(custom.get("coerce"), replace(bare, **options).sent_kind, mistakes),
        outlier=_outlier(custom.get("outlier"), kind, level, mistakes),
        members=_members(node, kind, needed, level, mistakes) if has_kind else (),
        items=_items(node, kind, level, mistakes) if has_kind else None,
        **options,
    )
    mistakes.done()
    return field


def _refuse(node: Node, level: int, mistakes: Mistakes) -> None:
    """The keys a record cannot be judged by; what is the primary key is unique anyway."""
    if flag(node, "unique", mistakes) and not flag(node, "primaryKey", mistakes):
        mistakes.add(node.at("unique"), _UNIQUE if level == 1 else "is not enforced in what is nested: remove it")
    map_ = node.child("map")
    if map_ is not None and map_.value is not None:
        mistakes.add(map_, "is not enforced: remove it")
    if text(node, "semanticType") == "measure":
        mistakes.add(node.at("semanticType"), "measure is computed from records, and in none: remove the property")


def _members(node: Node, kind: Kind, needed: Node | None, level: int, mistakes: Mistakes) -> tuple[Field, ...]:
    """The members of an object, those in its ``required`` option made so."""
    properties = node.child("properties")
    if kind is not Kind.OBJECT:
        if properties is not None and properties.value is not None:
            mistakes.add(properties, "belongs to logicalType object: remove it")
        return ()
    if properties is None or not properties.items:
        why = "must list at least one member; without the field, what is sent is kept in others as it came"
        mistakes.add(properties or node, why, *(() if properties else ("properties",)))
        return ()
    if level == DEEPEST:
        mistakes.add(properties, f"is nested too deeply: {DEEPEST} levels are the most")
        return ()
    before = len(mistakes.lines)
    members = read_fields(properties, mistakes, level=level + 1)
    if needed is None or len(mistakes.lines) > before:
        return tuple(members)
    names, known = [each.value for each in needed.items], [member.name for member in members]
    if not names:
        mistakes.add(needed, "must list members by their names")
    for each in needed.items:
        if each.value not in known:
            mistakes.add(each, f"names no member{nearest(each.value, known)}")
    return tuple(replace(member, required=True) if member.name in names else member for member in members)


def _items(node: Node, kind: Kind, level: int, mistakes: Mistakes) -> Field | None:
    items = node.child("items")
    if kind is not Kind.ARRAY:
        if items is not None and items.value is not None:
            mistakes.add(items, "belongs to logicalType array: remove it")
        return None
    if items is None or not items.mapping:
        mistakes.add(node, "is missing: an array says what its items are, as in {logicalType: string}", "items")
        return None
    if level == DEEPEST:
        mistakes.add(items, f"is nested too deeply: {DEEPEST} levels are the most")
        return None
    with mistakes.gathered():
        return read_field(items, key_position=0, level=level + 1)
    return None


def _coerce(said: Node | None, kind: Kind, mistakes: Mistakes) -> bool:
    if said is None:
        return False
    if not isinstance(said.value, bool):
        mistakes.add(said, "must be true or false")
    elif kind not in _COERCED:
        mistakes.add(said, f"is not possible for type {kind}: only {', '.join(_COERCED)} may be sent in quotes")
    return said.value is True


def _outlier(said: Node | None, kind: Kind, level: int, mistakes: Mistakes) -> float | None:
    if said is None:
        return None
    if level > 1:
        mistakes.add(said, "is for a field of the record: remove it")
    elif kind not in _NUMBERS:
        mistakes.add(said, f"is for numbers, and this is of type {kind}")
    elif not isinstance(said.value, int | float) or isinstance(said.value, bool) or not 1 <= said.value <= 1_000:
        mistakes.add(said, "must be a robust z-score from 1 to 1000; 6 is a usual one")
    else:
        return float(said.value)
    return None


def _key_position(node: Node, default: int, kind: Kind, level: int, mistakes: Mistakes) -> int:
    if not flag(node, "primaryKey", mistakes):
        return 0
    if level > 1 or kind.nested:
        mistakes.add(node.at("primaryKey"), "is for a plain field of the record: remove it")
    given = node.child("primaryKeyPosition")
    if given is None:
        return default
    position = given.whole
    if position is None or position < 1:
        mistakes.add(given, "must be a whole number from 1")
        return default
    return position
