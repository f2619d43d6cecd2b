"""What it means that an attribute of a contract changed: for records the old one accepted, and for readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from headrace.contracts.aggregates import Aggregate
from headrace.contracts.model import TIMES, Contract, Criticality, Field, Rule, Unknown
from headrace.contracts.narrowing import fewer, finer, higher_minimum, lower_maximum, narrower

__all__ = [
    "FIELD_REMOVED",
    "FIELD_RENAMED",
    "OF_AGGREGATE",
    "OF_CONTRACT",
    "OF_FIELD",
    "OF_RULE",
    "RULE_REMOVED",
    "SAME",
    "UNKNOWN",
    "Compatibility",
    "Judge",
    "Judgement",
    "aggregate_added",
    "field_added",
    "rule_added",
]


class Compatibility(StrEnum):
    """``compatible``: what was accepted still is, what was read still can be. ``breaking``: that is not certain."""

    COMPATIBLE = "compatible"
    BREAKING = "breaking"


Judgement = tuple[Compatibility, str]
# What an attribute that differs means, from the old and the new contract, field or rule.
Judge = Callable[[Any, Any], Judgement]

_BREAKING, _COMPATIBLE = Compatibility.BREAKING, Compatibility.COMPATIBLE
_TIGHTER: Judgement = (_BREAKING, "records that were accepted may be rejected")
_LOOSER: Judgement = (_COMPATIBLE, "accepts all it did; readers may meet new values")
SAME: Judgement = (_COMPATIBLE, "accepts the same")
_MARKS: Judgement = (_COMPATIBLE, "severity is warn: marks records, rejects none")
_SAYS: Judgement = (_COMPATIBLE, "decides nothing")
UNKNOWN: Judgement = (_BREAKING, "nothing is known that makes it compatible")
_ALARMS: Judgement = (_COMPATIBLE, "raises alarms: rejects no record, holds no batch back")
_HOLDS_BACK: Judgement = (_BREAKING, "batches that were taken in may be held back")
_TAKES_IN: Judgement = (_COMPATIBLE, "batches that were taken in still are")
FIELD_RENAMED: Judgement = (_BREAKING, "readers find the column under another name; senders send the same")
FIELD_REMOVED: Judgement = (_BREAKING, "readers lose the column")
RULE_REMOVED: Judgement = _LOOSER


def field_added(field: Field) -> Judgement:
    """What it means that a field is there that was not."""
    if field.required:
        return _BREAKING, "it is required: records without it are rejected"
    if field.primary_key:
        return _primary_key(field, field)
    return _COMPATIBLE, "records without it are accepted; the signal's table gets a column"


def rule_added(rule: Rule) -> Judgement:
    """What it means that a rule is there that was not."""
    return _TIGHTER if rule.criticality is Criticality.ERROR else _MARKS


def aggregate_added(aggregate: Aggregate) -> Judgement:
    """What it means that a rule over batches or windows is there that was not."""
    if aggregate.window is not None:
        return _ALARMS
    return _HOLDS_BACK if aggregate.criticality is Criticality.ERROR else _MARKS


def _always(judgement: Judgement) -> Judge:
    return lambda old, new: judgement


def _check(tighter: Callable[[Any, Any], bool]) -> Judge:
    """The judge of an attribute that is a check. ``tighter``: whether the second accepts less than the first."""

    def judge(old: Any, new: Any) -> Judgement:
        if getattr(new, "criticality", Criticality.ERROR) is Criticality.WARN:
            return _MARKS
        return _TIGHTER if tighter(old, new) else _LOOSER if tighter(new, old) else SAME

    return judge


def _at_least(name: str) -> Judge:
    return _check(lambda old, new: (getattr(new, name) or 0) > (getattr(old, name) or 0))


def _at_most(name: str) -> Judge:
    def tighter(old: Field, new: Field) -> bool:
        before, after = getattr(old, name), getattr(new, name)
        return after is not None and (before is None or after < before)

    return _check(tighter)


def _format(old: Field, new: Field) -> Judgement:
    if new.kind in TIMES:
        return _BREAKING, "what was written as the old format says is rejected"
    return _check(narrower)(old, new)


def _coerce(old: Field, new: Field) -> Judgement:
    return _LOOSER if new.coerce else (_BREAKING, "what is sent in quotes was accepted, and is rejected")


def _decimal(old: Field, new: Field) -> Judgement:
    if new.scale < old.scale or new.precision - new.scale < old.precision - old.scale:
        return _TIGHTER
    return (
        _BREAKING,
        "the signal's table keeps the type it has: give the new field another name, or move the table away",
    )


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


def _must(old: Aggregate, new: Aggregate) -> Judgement:
    return _TAKES_IN if old.must.implies(new.must) else aggregate_added(new)


def _unknown(old: Contract, new: Contract) -> Judgement:
    if new.unknown is Unknown.REJECT:
        return _TIGHTER
    if old.unknown is Unknown.REJECT:
        return _LOOSER
    return _BREAKING, "members no field is named as move between others and columns of their own"


OF_FIELD: Mapping[str, Judge] = {
    "kind": _always((_BREAKING, "a value sent as another type is rejected, and readers find another type")),
    "description": _always(_SAYS),
    "required": _required,
    "primary_key": _primary_key,
    "precision": _decimal,
    "scale": _decimal,
    "minimum": _check(higher_minimum),
    "maximum": _check(lower_maximum),
    "exclusive_minimum": _check(higher_minimum),
    "exclusive_maximum": _check(lower_maximum),
    "min_length": _at_least("min_length"),
    "max_length": _at_most("max_length"),
    "min_items": _at_least("min_items"),
    "max_items": _at_most("max_items"),
    "unique_items": _check(lambda old, new: new.unique_items),
    "min_properties": _at_least("min_properties"),
    "max_properties": _at_most("max_properties"),
    "multiple_of": _check(finer),
    "pattern": _check(lambda old, new: new.pattern not in (None, old.pattern)),
    "format": _format,
    "default_timezone": _always((_BREAKING, "what a text says is another instant, or none")),
    "allowed": _check(fewer),
    "coerce": _coerce,
    "outlier": _always(_MARKS),
    "physical_name": _always((_BREAKING, "senders have to send it as another member: what they send now is not read")),
    "criticality": _severity,
}
OF_RULE: Mapping[str, Judge] = {
    "expression": _check(lambda old, new: True),
    "description": _always(_SAYS),
    "criticality": _severity,
}
OF_AGGREGATE: Mapping[str, Judge] = {
    name: lambda old, new: aggregate_added(new)
    for name in ("metric", "fields", "percent", "missing", "allowed", "pattern", "window")
} | {"must": _must, "description": _always(_SAYS), "criticality": _severity}
OF_CONTRACT: Mapping[str, Judge] = {
    "id": _always((_BREAKING, "it is another contract: what goes by its id loses it")),
    "description": _always(_SAYS),
    "owner": _always(_SAYS),
    "event_time": _always((_BREAKING, "windows and decisions go by another time")),
    "max_bytes": _check(lambda old, new: new.max_bytes < old.max_bytes),
    "unknown": _unknown,
    "former": lambda old, new: _LOOSER if old.former is None else _TIGHTER,
}
