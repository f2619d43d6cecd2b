"""From a sample to a contract its records keep: a proposal to start from, not the agreement.

What records show is taken over only where it may be a habit: a sample knows neither the largest value nor the next one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from headrace.contracts.model import EARLIEST, LATEST, Contract, Criticality, Field, Kind
from headrace.contracts.odcs_field import read_field
from headrace.contracts.odcs_text import written
from headrace.contracts.sample import Sample, Sent, Values
from headrace.documents import Node, nearest
from headrace.errors import ConfigError, UsageError

__all__ = ["Proposal", "propose"]

# What fewer values show may be chance: no bound, list of values or key comes of it.
ENOUGH = 20

_EPOCHS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC))
_IDENTIFIER = re.compile(r"(?:^|_)(?i:id|uuid|guid|key)$|[a-z](?:Id|ID)$")
_HEAD = """\
Proposed from {records:,} records, all of which keep it. They are all it knows: where a line says what was seen, ask
whether it will stay so. What no record says is yours to write: descriptions, the team, patterns, upper bounds."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A contract that every record of the sample keeps.

    remarks: by field, what its checks were taken from; left_out: keys that are no field of it, and why.
    """

    contract: Contract
    remarks: Mapping[str, str]
    left_out: tuple[str, ...]
    records: int

    @property
    def text(self) -> str:
        """The contract as an ODCS file, with the remarks as comments."""
        return written(self.contract, self.remarks, heading=_HEAD.format(records=self.records))


def propose(sample: Sample, *, name: str, event_time: str | None = None) -> Proposal:
    """A contract of that name. Left out of it are keys whose values no single kind takes, or which no field can be.

    event_time: the field that says when it happened; left out, it is the first that can be.
    Raises ``UsageError`` where no field can be, or not this one.
    """
    spelled = Counter(key.casefold() for key in sample.keys)
    refused = {key: _refusal(key, values, spelled[key.casefold()] > 1) for key, values in sample.keys.items()}
    fields = [_field(key, sample) for key, why in refused.items() if not why]
    chosen, identifier = _event_time(fields, sample, event_time), _primary_key(fields, sample)
    fields = [
        replace(each, minimum=_epoch(sample.keys[chosen]))
        if each.name == chosen
        else replace(each, primary_key=int(each.name == identifier))
        for each in fields
    ]
    return Proposal(
        contract=Contract(id=name, version="1.0.0", event_time=chosen, fields=tuple(fields)),
        remarks={each.name: _remark(each, sample) for each in fields},
        left_out=tuple(f"{key[:80]!r} {why}" for key, why in refused.items() if why),
        records=sample.read,
    )


def _refusal(key: str, values: Values, twin: bool) -> str:
    """Why a key can be no field; nothing if it can."""
    if twin:
        return "also comes in other upper and lower case: a field is written in one way"
    try:
        parts = {"name": key, "logicalType": Kind.STRING.value}
        read_field(Node({part: Node(value, "", 0, (part,)) for part, value in parts.items()}, "", 0), key_position=1)
    except ConfigError as error:
        return error.mistakes[0].split(": ", 2)[-1]
    if values.kind is not None:
        return ""
    if not values.sent:
        return "is null in every record: nothing tells its kind"
    if set(values.sent) & {Sent.OBJECT, Sent.ARRAY}:
        return "holds objects or arrays: nested values have no field yet"
    return f"is sent as {_counts(values)}: a field is of one kind"


def _field(key: str, sample: Sample) -> Field:
    values = sample.keys[key]
    count, texts = values.sent.total(), sorted(values.texts or ())
    few = len(texts) > 1 and count >= ENOUGH * len(texts)
    plausible = values.earliest >= EARLIEST and values.latest <= LATEST
    return Field(
        name=key,
        kind=values.kind or Kind.STRING,
        required=count == sample.read,
        minimum=0 if values.kind in (Kind.INTEGER, Kind.NUMBER) and count >= ENOUGH and values.least >= 0 else None,
        allowed=tuple(texts) if few and values.kind is Kind.STRING else (),
        criticality=Criticality.ERROR if plausible or values.kind is not Kind.TIMESTAMP else Criticality.WARN,
    )


def _event_time(fields: Sequence[Field], sample: Sample, wanted: str | None) -> str:
    able = [each.name for each in fields if each.kind is Kind.TIMESTAMP and each.required]
    if wanted in able or (able and wanted is None):
        return wanted or able[0]
    if able:
        raise UsageError(
            f"{wanted} is no time with its zone in every record, as an event time is"
            + (nearest(wanted, able) or f"; there are: {', '.join(able)}")
        )
    near = {
        key: values for key, values in sample.keys.items() if set(values.sent) & {Sent.TIME, Sent.ZONELESS, Sent.DAY}
    }
    raise UsageError(
        "a contract needs an event time, and no field is a time with its zone in every record, "
        "as 2026-01-31T00:00:00Z is"
        + "".join(f"\n{key[:80]!r} is {_counts(values)} of {sample.read:,}" for key, values in near.items())
    )


def _primary_key(fields: Sequence[Field], sample: Sample) -> str | None:
    """The field that may tell records apart: one named as an identifier first, else the first there is."""
    able = [
        each.name
        for each in fields
        if each.required and each.name in sample.unique and each.kind in (Kind.STRING, Kind.INTEGER)
    ]
    named = [name for name in able if _IDENTIFIER.search(name)]
    return next(iter(named or able), None) if sample.compared >= ENOUGH else None


def _epoch(values: Values) -> datetime | None:
    return next((epoch for epoch in _EPOCHS if values.earliest >= epoch), None)


def _remark(each: Field, sample: Sample) -> str:
    values = sample.keys[each.name]
    count = values.sent.total()
    usual = {Kind.STRING: {Sent.TEXT}, Kind.NUMBER: {Sent.INTEGER, Sent.NUMBER}}.get(each.kind)
    remarks = (
        (not each.required, f"absent or null in {sample.read - count:,} of {sample.read:,}"),
        (each.primary_key, f"unique in {sample.compared:,} records"),
        (each.minimum == 0, f"never below 0 in {count:,} values"),
        (each.allowed, f"no other in {count:,} values"),
        (each.criticality is Criticality.WARN, "sent before 1900 or after 2200 too: marked, not rejected"),
        (usual and set(values.sent) - usual, f"sent as {_counts(values)}"),
    )
    return "; ".join(remark for holds, remark in remarks if holds)


def _counts(values: Values) -> str:
    return ", ".join(f"{sent} ({count:,})" for sent, count in values.sent.most_common())
