"""What changed between two versions of a contract, and whom each change breaks.

Looked at from two sides: records that the old contract accepted, and readers of ``signals_<signal>``. A change is
breaking where such a record may be rejected now, or a reader finds something gone or of another meaning. Loosening is
compatible, though readers may then meet values they have not met before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import Any

from headrace.contracts.aggregates import Aggregate
from headrace.contracts.model import EARLIEST, LATEST, Bound, Contract, Criticality, Field, Kind, Rule, Unknown

__all__ = ["Change", "Compatibility", "diff"]


class Compatibility(StrEnum):
    """``compatible``: what was accepted still is, what was read still can be. ``breaking``: that is not certain."""

    COMPATIBLE = "compatible"
    BREAKING = "breaking"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    field: the field's name, ``rule <name>``, ``quality <name>``, or nothing for the contract as a whole.
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
    is written below is breaking. Not told apart: whether a pattern or a condition accepts less than another, so one
    that changed is breaking.
    """
    changes = (
        *_altered("", old, new, _CONTRACT, apart=("version", "fields", "rules", "aggregates")),
        *_members("", old.fields, new.fields, _FIELD, _field_added, _FIELD_REMOVED),
        *_members("rule ", old.rules, new.rules, _RULE, _rule_added, _RULE_REMOVED),
        *_members("quality ", old.aggregates, new.aggregates, _AGGREGATE, _aggregate_added, _RULE_REMOVED),
    )
    return (*changes, *_version(old, new, changes))


Judgement = tuple[Compatibility, str]
# What an attribute that differs means, from the old and the new contract, field or rule.
Judge = Callable[[Any, Any], Judgement]

_BREAKING, _COMPATIBLE = Compatibility.BREAKING, Compatibility.COMPATIBLE
_TIGHTER: Judgement = (_BREAKING, "records that were accepted may be rejected")
_LOOSER: Judgement = (_COMPATIBLE, "accepts all it did; readers may meet new values")
_SAME: Judgement = (_COMPATIBLE, "accepts the same")
_MARKS: Judgement = (_COMPATIBLE, "severity is warn: marks records, rejects none")
_SAYS: Judgement = (_COMPATIBLE, "decides nothing")
_UNKNOWN: Judgement = (_BREAKING, "nothing is known that makes it compatible")
_HOLDS_BACK: Judgement = (_BREAKING, "batches that were taken in may be held back")
_MANY = {"": "fields", "rule ": "rules", "quality ": "quality rules"}
_FIELD_REMOVED: Judgement = (_BREAKING, "readers lose the column")
_RULE_REMOVED: Judgement = _LOOSER


def _altered(
    subject: str, old: Any, new: Any, judges: Mapping[str, Judge], *, apart: Sequence[str] = ()
) -> Iterator[Change]:
    """A change for each attribute that differs, whichever the class has. ``apart``: those looked at elsewhere."""
    for name in (attribute.name for attribute in fields(new) if attribute.name not in apart):
        before, after = getattr(old, name), getattr(new, name)
        # Compared as text, as fingerprints are: 1 and 1.0 are equal, but not the same contract.
        if repr(before) != repr(after):
            judgement = judges[name](old, new) if name in judges else _UNKNOWN
            yield Change(subject, _told(name, before, after), *judgement)


def _members(
    prefix: str,
    old: Sequence[Any],
    new: Sequence[Any],
    judges: Mapping[str, Judge],
    added: Callable[[Any], Judgement],
    removed: Judgement,
) -> Iterator[Change]:
    """What became of the fields, or of the rules. Each is known by its name: one that was renamed is another."""
    before, after = ({one.name: one for one in members} for members in (old, new))
    for name, one in before.items():
        if name in after:
            yield from _altered(prefix + name, one, after[name], judges)
        else:
            yield Change(prefix + name, "removed", *removed)
    for name, one in after.items():
        if name not in before:
            yield Change(prefix + name, "added", *added(one))
    if [name for name in before if name in after] != [name for name in after if name in before]:
        yield Change("", f"order of the {_MANY[prefix]}", *_SAME)


def _version(old: Contract, new: Contract, changes: Sequence[Change]) -> Iterator[Change]:
    due = f"{_major(old.version) + 1}.0.0"
    breaks = any(change.breaking for change in changes)
    if old.version == new.version:
        if old.fingerprint != new.fingerprint:
            what = f"a new major version, as {due}" if breaks else "a new version"
            yield Change("", f"version: still {new.version}", _BREAKING, f"the contract changed: give it {what}")
        return
    judgement: Judgement = (_COMPATIBLE, "names the change")
    if breaks and _major(new.version) <= _major(old.version):
        judgement = (_BREAKING, f"a breaking change raises the major version: make it {due}")
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
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, date) else str(value)


def _field_added(field: Field) -> Judgement:
    if field.required:
        return _BREAKING, "it is required: records without it are rejected"
    if field.primary_key:
        return _primary_key(field, field)
    return _COMPATIBLE, "records without it are accepted; the signal's table needs the column first"


def _rule_added(rule: Rule) -> Judgement:
    return _TIGHTER if rule.criticality is Criticality.ERROR else _MARKS


def _aggregate_added(aggregate: Aggregate) -> Judgement:
    return _HOLDS_BACK if aggregate.criticality is Criticality.ERROR else _MARKS


def _always(judgement: Judgement) -> Judge:
    return lambda old, new: judgement


def _check(tighter: Callable[[Any, Any], bool]) -> Judge:
    """The judge of an attribute that is a check. ``tighter``: whether the second accepts less than the first."""

    def judge(old: Any, new: Any) -> Judgement:
        if getattr(new, "criticality", Criticality.ERROR) is Criticality.WARN:
            return _MARKS
        return _TIGHTER if tighter(old, new) else _LOOSER if tighter(new, old) else _SAME

    return judge


def _bounds(field: Field, inclusive: Bound | None, exclusive: Bound | None, default: Bound) -> list[tuple[Any, bool]]:
    given = [(bound, is_open) for bound, is_open in ((inclusive, False), (exclusive, True)) if bound is not None]
    return given or ([(default, False)] if field.kind is Kind.TIMESTAMP else [])


def _higher_minimum(old: Field, new: Field) -> bool:
    before, after = (_bounds(each, each.minimum, each.exclusive_minimum, EARLIEST) for each in (old, new))
    return old.kind is not new.kind or bool(after and (not before or max(after) > max(before)))


def _lower_maximum(old: Field, new: Field) -> bool:
    before, after = (
        [(bound, not is_open) for bound, is_open in _bounds(each, each.maximum, each.exclusive_maximum, LATEST)]
        for each in (old, new)
    )
    return old.kind is not new.kind or bool(after and (not before or min(after) < min(before)))


def _shorter(old: Field, new: Field) -> bool:
    return new.max_length is not None and (old.max_length is None or new.max_length < old.max_length)


def _fewer(old: Field, new: Field) -> bool:
    return bool(new.allowed) and not (old.allowed and set(old.allowed) <= set(new.allowed))


def _decimal(old: Field, new: Field) -> Judgement:
    if new.scale < old.scale or new.precision - new.scale < old.precision - old.scale:
        return _TIGHTER
    return _COMPATIBLE, "accepts all it did; the column of the signal's table is to be widened first"


def _required(old: Field, new: Field) -> Judgement:
    if new.required:
        return _BREAKING, "records without it were accepted, and are rejected"
    return _COMPATIBLE, "accepts all it did; readers may meet nulls"


def _primary_key(old: Field, new: Field) -> Judgement:
    return _BREAKING, "what identifies a record changed: readers join and count by it"


def _severity(old: Field | Rule | Aggregate, new: Field | Rule | Aggregate) -> Judgement:
    if new.criticality is Criticality.ERROR:
        return _BREAKING, "records that were marked are rejected"
    return _COMPATIBLE, "records that were rejected are kept and marked; readers may meet them"


_FIELD: Mapping[str, Judge] = {
    "kind": _always((_BREAKING, "a value sent as another type is rejected, and readers find another type")),
    "description": _always(_SAYS),
    "required": _required,
    "primary_key": _primary_key,
    "precision": _decimal,
    "scale": _decimal,
    "minimum": _check(_higher_minimum),
    "maximum": _check(_lower_maximum),
    "exclusive_minimum": _check(_higher_minimum),
    "exclusive_maximum": _check(_lower_maximum),
    "min_length": _check(lambda old, new: (new.min_length or 0) > (old.min_length or 0)),
    "max_length": _check(_shorter),
    "pattern": _check(lambda old, new: new.pattern not in (None, old.pattern)),
    "format": _check(lambda old, new: new.format not in (None, old.format)),
    "allowed": _check(_fewer),
    "outlier": _always(_MARKS),
    "criticality": _severity,
}
_RULE: Mapping[str, Judge] = {
    "expression": _check(lambda old, new: True),
    "description": _always(_SAYS),
    "criticality": _severity,
}
_AGGREGATE: Mapping[str, Judge] = {
    name: lambda old, new: _HOLDS_BACK if new.criticality is Criticality.ERROR else _MARKS
    for name in ("metric", "must", "fields", "percent", "missing", "allowed", "pattern")
} | {"description": _always(_SAYS), "criticality": _severity}
_CONTRACT: Mapping[str, Judge] = {
    "id": _always((_BREAKING, "it is another contract: what goes by its id loses it")),
    "description": _always(_SAYS),
    "owner": _always(_SAYS),
    "event_time": _always((_BREAKING, "windows and decisions go by another time")),
    "max_bytes": _check(lambda old, new: new.max_bytes < old.max_bytes),
    "unknown": _check(lambda old, new: new.unknown is Unknown.REJECT),
}
