"""A contract with every kind of field and every kind of check, for records that try to get past them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

from headrace.contracts.model import Contract, Criticality, Field, Kind, Rule
from headrace.expressions import compile_condition

__all__ = ["CONTRACT", "LARGEST"]

LARGEST: Final = 65_536

_FIELDS: Final = (
    Field(name="id", kind=Kind.STRING, required=True, primary_key=1, format="uuid"),
    Field(name="occurred_at", kind=Kind.TIMESTAMP, required=True),
    Field(name="station", kind=Kind.STRING, required=True, pattern="[A-Z]{3}-[0-9]{2,4}"),
    Field(name="running", kind=Kind.BOOLEAN, required=True),
    Field(name="sequence", kind=Kind.INTEGER, required=True, minimum=0),
    Field(name="level", kind=Kind.INTEGER, exclusive_minimum=-100, exclusive_maximum=100),
    Field(name="counter", kind=Kind.INTEGER),
    Field(name="power", kind=Kind.NUMBER, minimum=-50, maximum=5_000),
    Field(name="ratio", kind=Kind.NUMBER, exclusive_minimum=0, exclusive_maximum=1),
    Field(name="reading", kind=Kind.NUMBER),
    Field(name="price", kind=Kind.DECIMAL, precision=10, scale=2, minimum=Decimal(0)),
    Field(name="serial", kind=Kind.DECIMAL, precision=38, scale=0),
    Field(name="started_at", kind=Kind.TIMESTAMP),
    Field(name="inspected_on", kind=Kind.DATE, minimum=date(2000, 1, 1), maximum=date(2099, 12, 31)),
    Field(name="mode", kind=Kind.STRING, allowed=("idle", "run", "überholt")),
    Field(name="gear", kind=Kind.INTEGER, allowed=(1, 2, 3)),
    Field(name="contact", kind=Kind.STRING, format="email"),
    Field(name="page", kind=Kind.STRING, format="uri"),
    Field(name="address", kind=Kind.STRING, format="ipv4"),
    Field(name="address6", kind=Kind.STRING, format="ipv6"),
    Field(name="host", kind=Kind.STRING, format="hostname"),
    Field(name="note", kind=Kind.STRING, min_length=1, max_length=200),
    Field(name="remark", kind=Kind.STRING, max_length=10, criticality=Criticality.WARN),
)
_KINDS: Final = {field.name: field.kind for field in _FIELDS}


def _rule(name: str, text: str, criticality: Criticality = Criticality.ERROR) -> Rule:
    return Rule(name=name, expression=compile_condition(text, _KINDS), criticality=criticality)


CONTRACT: Final = Contract(
    id="turbine.readings",
    version="1.0.0",
    event_time="occurred_at",
    fields=_FIELDS,
    rules=(
        _rule("started_before", "started_at IS NULL OR started_at <= occurred_at"),
        _rule("stands_still", "running OR level IS NULL OR abs(level) <= 50"),
        _rule("usual_power", "power IS NULL OR power < 4000", Criticality.WARN),
    ),
    max_bytes=LARGEST,
)
