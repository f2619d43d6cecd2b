"""From a sample to a contract its records keep: a proposal to start from, not the agreement.

What records show is taken over only where it may be a habit: a sample knows neither the largest value nor the next one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from headrace.contracts.infer_field import ENOUGH, counts, fields_of, remarks_of
from headrace.contracts.model import Contract, Field, Kind
from headrace.contracts.odcs_text import written
from headrace.contracts.sample import Sample
from headrace.contracts.values import Sent, Values
from headrace.documents import nearest
from headrace.errors import UsageError

__all__ = ["Proposal", "propose"]

_EPOCHS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC))
_IDENTIFIER = re.compile(r"(?:^|_)(?i:id|uuid|guid|key)$|[a-z](?:Id|ID)$")
_HEAD = """\
Proposed from {records:,} records, all of which keep it. They are all it knows: where a line says what was seen, ask
whether it will stay so. What no record says is yours to write: descriptions, the team, patterns, upper bounds."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A contract that every record of the sample keeps.

    remarks: by the path of a field, what its checks were taken from; left_out: keys that are no field of it, and why.
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

    event_time: the field that says when it happened, or the key it is sent as; left out, it is the first that can be.
    Raises ``UsageError`` where no field can be, or not this one.
    """
    left_out: list[str] = []
    fields = fields_of(sample.keys, sample.read, left_out)
    chosen, identifier = _event_time(fields, sample, event_time), _primary_key(fields, sample)
    fields = [
        replace(each, minimum=_epoch(sample.keys[each.member]))
        if each.name == chosen
        else replace(each, primary_key=int(each.name == identifier))
        for each in fields
    ]
    remarks = remarks_of(fields, sample.keys, sample.read)
    if identifier:
        seen = f"unique in {sample.compared:,} records"
        remarks[identifier] = "; ".join(filter(None, (seen, remarks[identifier])))
    return Proposal(
        contract=Contract(id=name, version="1.0.0", event_time=chosen, fields=tuple(fields)),
        remarks=remarks,
        left_out=tuple(left_out),
        records=sample.read,
    )


def _event_time(fields: Sequence[Field], sample: Sample, wanted: str | None) -> str:
    times = [each for each in fields if each.kind is Kind.TIMESTAMP and each.required]
    able = [each.name for each in times]
    chosen = [each.name for each in times if wanted in (None, each.name, each.member)]
    if chosen:
        return chosen[0]
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
        + "".join(f"\n{key[:80]!r} is {counts(values)} of {sample.read:,}" for key, values in near.items())
    )


def _primary_key(fields: Sequence[Field], sample: Sample) -> str | None:
    """The field that may tell records apart: one named as an identifier first, else the first there is."""
    able = [
        each.name
        for each in fields
        if each.required and each.member in sample.unique and each.kind in (Kind.STRING, Kind.INTEGER)
    ]
    named = [name for name in able if _IDENTIFIER.search(name)]
    return next(iter(named or able), None) if sample.compared >= ENOUGH else None


def _epoch(values: Values) -> datetime | None:
    return next((epoch for epoch in _EPOCHS if values.earliest >= epoch), None)
