"""What changed between two versions of a contract, and whom each change breaks.

Looked at from two sides: records that the old contract accepted, and readers of ``signals_<signal>``. A change is
breaking where such a record may be rejected now, or a reader finds something gone or of another meaning. Loosening is
compatible, though readers may then meet values they have not met before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

from headrace.contracts.aggregates import Aggregate
from headrace.contracts.judgements import (
    FIELD_REMOVED,
    FIELD_RENAMED,
    OF_AGGREGATE,
    OF_CONTRACT,
    OF_FIELD,
    OF_RULE,
    RULE_REMOVED,
    SAME,
    UNKNOWN,
    Compatibility,
    Judge,
    Judgement,
    aggregate_added,
    field_added,
    rule_added,
)
from headrace.contracts.model import Contract, Field, Rule

__all__ = ["Change", "Compatibility", "diff"]

_MANY = {"": "fields", "rule ": "rules", "quality ": "quality rules"}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    field: the field's path, as in ``lines[].price``, ``rule <name>``, ``quality <name>``, or nothing for the contract
        as a whole.
    change: what it was and is, in the words of the file; why: whom it breaks, or why nobody.
    """

    field: str
    change: str
    compatibility: Compatibility
    why: str

    @property
    def breaking(self) -> bool:
        return self.compatibility is Compatibility.BREAKING


def diff(old: Contract, new: Contract) -> tuple[Change, ...]:
    """Every difference: the contract as a whole, its fields, its rules on records and on batches, last its version.

    Nothing is passed over: two contracts of different fingerprints have a change, and an attribute for which no judge
    is written is breaking. Not told apart: whether a pattern or a condition accepts less than another, so one
    that changed is breaking.
    """
    changes = (
        *_altered("", old, new, OF_CONTRACT, apart=("version", "fields", "rules", "aggregates")),
        *_fields("", old.fields, new.fields),
        *_members("rule ", old.rules, new.rules, _rule, rule_added, RULE_REMOVED),
        *_members("quality ", old.aggregates, new.aggregates, _aggregate, aggregate_added, RULE_REMOVED),
    )
    return (*changes, *_version(old, new, changes))


def _altered(
    subject: str, old: Any, new: Any, judges: Mapping[str, Judge], *, apart: Sequence[str] = ()
) -> Iterator[Change]:
    """A change for each attribute that differs, whichever the class has. ``apart``: those looked at elsewhere."""
    for name in (attribute.name for attribute in fields(new) if attribute.name not in apart):
        before, after = getattr(old, name), getattr(new, name)
        # Compared as text, as fingerprints are: 1 and 1.0 are equal, but not the same contract.
        if repr(before) != repr(after):
            judgement = judges[name](old, new) if name in judges else UNKNOWN
            yield Change(subject, _told(name, before, after), *judgement)


def _members(
    prefix: str,
    old: Sequence[Any],
    new: Sequence[Any],
    changed: Callable[[str, Any, Any], Iterator[Change]],
    added: Callable[[Any], Judgement],
    removed: Judgement,
) -> Iterator[Change]:
    """What became of the fields, or of the rules. Each is known by its name: one that was renamed is another."""
    before, after = ({one.name: one for one in members} for members in (old, new))
    for name, one in before.items():
        if name in after:
            yield from changed(prefix + name, one, after[name])
        else:
            yield Change(prefix + name, "removed", *removed)
    for name, one in after.items():
        if name not in before:
            yield Change(prefix + name, "added", *added(one))
    if [name for name in before if name in after] != [name for name in after if name in before]:
        what = _MANY.get(prefix, "members")
        yield Change(prefix.removesuffix(".") if what == "members" else "", f"order of the {what}", *SAME)


def _fields(prefix: str, old: Sequence[Field], new: Sequence[Field]) -> Iterator[Change]:
    """A field that is sent as the member it was is the same field, whatever its name."""
    old_names, new_names = ({field.name for field in listed} for listed in (old, new))
    sent = {field.member: field for field in new if field.name not in old_names}
    renamed = {field.name: sent[field.member] for field in old if field.name not in new_names and field.member in sent}
    for before, after in renamed.items():
        yield Change(prefix + after.name, f"name: {before} → {after.name}", *FIELD_RENAMED)
    same = [
        replace(field, name=renamed[field.name].name, physical_name=renamed[field.name].physical_name)
        if field.name in renamed
        else field
        for field in old
    ]
    yield from _members(prefix, same, new, _field, field_added, FIELD_REMOVED)


def _field(path: str, old: Field, new: Field) -> Iterator[Change]:
    yield from _altered(path, old, new, OF_FIELD, apart=("members", "items"))
    if old.kind is new.kind:
        yield from _fields(f"{path}.", old.members, new.members)
        yield from _fields(f"{path}[]", *[[each.items] if each.items else [] for each in (old, new)])


def _rule(subject: str, old: Rule, new: Rule) -> Iterator[Change]:
    return _altered(subject, old, new, OF_RULE)


def _aggregate(subject: str, old: Aggregate, new: Aggregate) -> Iterator[Change]:
    return _altered(subject, old, new, OF_AGGREGATE)


def _version(old: Contract, new: Contract, changes: Sequence[Change]) -> Iterator[Change]:
    due = f"{_major(old.version) + 1}.0.0"
    breaks = any(change.breaking for change in changes)
    if old.version == new.version:
        if old.fingerprint != new.fingerprint:
            what = f"a new major version, as {due}" if breaks else "a new version"
            yield Change(
                "", f"version: still {new.version}", Compatibility.BREAKING, f"the contract changed: give it {what}"
            )
        return
    judgement: Judgement = (Compatibility.COMPATIBLE, "names the change")
    if breaks and _major(new.version) <= _major(old.version):
        judgement = (Compatibility.BREAKING, f"a breaking change raises the major version: make it {due}")
    yield Change("", f"version: {old.version} → {new.version}", *judgement)


def _major(version: str) -> int:
    """The major version; 0 if the text has none."""
    found = re.match(r"v?(\d+)(?:\.|\Z)", version)
    return int(found[1]) if found else 0


# The words of the file, where they are not those of the model.
_KEYS = {
    "kind": "logicalType",
    "primary_key": "primaryKeyPosition",
    "allowed": "validValues",
    "unknown": "unknownFields",
    "criticality": "severity",
    "owner": "team",
    "expression": "implementation",
}


def _told(name: str, before: object, after: object) -> str:
    key = _KEYS.get(name) or re.sub(r"_(\w)", lambda match: match[1].upper(), name)
    if name == "description":
        return key
    if isinstance(before, tuple) and isinstance(after, tuple):
        moves = [f"-{one}" for one in before if one not in after] + [f"+{one}" for one in after if one not in before]
        return f"{key}: {', '.join(moves) or 'written otherwise'}"
    if name == "primary_key":
        before, after = before or None, after or None
    return f"{key}: {_text(before)} → {_text(after)}"


def _text(value: object) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, Contract):
        return value.version
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, date) else str(value)
