"""Schema drift: what a source sends that its contract does not say, and what it has stopped sending.

A drift is told once: in the batch it first occurs in. What is known already is carried from batch to batch as plain
values, so every attempt at a batch tells the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from headrace.contracts.model import Contract
from headrace.contracts.reasons import Reason
from headrace.contracts.unknown import unknown_paths

__all__ = ["Drift", "DriftKind", "Known", "drifts", "learned"]

# A source that makes up a new name for each record would fill the memory: beyond these, one row says so.
MOST_A_BATCH, MOST_KNOWN = 100, 1_000
# A field that was in so many records as this should have been is missed when it is in none.
MISSED = 20
_HALVED_AT = 1_000_000


class DriftKind(StrEnum):
    """What changed."""

    UNKNOWN_FIELD = "unknown_field"
    CHANGED_TYPE = "changed_type"
    NEW_VALUE = "new_value"
    VANISHED_FIELD = "vanished_field"
    TOO_MANY = "too_many"


_TELLING = {Reason.WRONG_TYPE: DriftKind.CHANGED_TYPE, Reason.NOT_ALLOWED: DriftKind.NEW_VALUE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One change. ``records``: in how many of the batch; ``record_id``: the first of them, none for a field missed."""

    kind: str
    field: str
    detail: str
    records: int
    record_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What batches before have told: drifts by kind, field and detail, fields missed, and how often each field came.

    present: of each field that may be absent, in how many records it was; records: of how many.
    """

    told: tuple[tuple[str, str, str], ...] = ()
    missed: tuple[str, ...] = ()
    present: Mapping[str, int] = field(default_factory=dict)
    records: int = 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Known:
        told = tuple((kind, name, detail) for kind, name, detail in stored["told"])
        return cls(told=told, missed=tuple(stored["missed"]), present=stored["present"], records=stored["records"])


def drifts(judged: DataFrame, contract: Contract) -> list[Drift]:
    """What the records of a batch have that their contract does not say, whether told before or not.

    In: what ``judge`` gives. One pass over the records that have a reason, a warning or an unknown member; what the
    former contract accepted is no drift.
    """
    odd = judged.where((F.size("reasons") > 0) | (F.size("warnings") > 0) | F.col("others").isNotNull())
    odd = odd.where(F.col("contract_version") == contract.version)
    seen = odd.select(F.explode(F.concat(_unknown(contract), _told())).alias("seen"), "envelope")
    source = F.col("envelope.source")
    came = F.struct(source["arrived_at"], source["name"], source["partition"], source["position"])
    grouped = seen.groupBy("seen.kind", "seen.field", "seen.detail").agg(
        F.count(F.lit(1)).alias("records"), F.min_by(F.col("envelope.record_id"), came).alias("record_id")
    )
    rows = grouped.orderBy(F.desc("records"), "kind", "field", "detail").limit(MOST_KNOWN).collect()
    return [Drift(**row.asDict()) for row in rows]


def learned(
    known: Known, found: Sequence[Drift], present: Mapping[str, int], records: int
) -> tuple[Known, list[Drift]]:
    """What is known after a batch, and what of it is new.

    present: of each field that may be absent, in how many accepted records of the batch it was; records: of how many.
    """
    told = set(known.told)
    fresh = [one for one in found if (one.kind, one.field, one.detail) not in told]
    room = min(MOST_A_BATCH, MOST_KNOWN - len(told))
    kept, beyond = fresh[: max(room, 0)], fresh[max(room, 0) :]
    too_many = (DriftKind.TOO_MANY.value, "*", "")
    if beyond and too_many not in told:
        kept.append(Drift(kind=too_many[0], field="*", detail="", records=len(beyond), record_id=beyond[0].record_id))
    missing = [name for name in present if not present[name] and _expected(known, name, records) >= MISSED]
    gone = [name for name in missing if name not in known.missed]
    kept += [Drift(kind=DriftKind.VANISHED_FIELD, field=name, detail="", records=0, record_id=None) for name in gone]
    told |= {(one.kind, one.field, one.detail) for one in kept if one.kind != DriftKind.VANISHED_FIELD}
    still = tuple(name for name in known.missed if not present.get(name))
    return _added(known, present, records, told=tuple(sorted(told)), missed=(*still, *gone)), kept


def _expected(known: Known, name: str, records: int) -> float:
    return records * known.present.get(name, 0) / known.records if known.records else 0.0


def _added(known: Known, present: Mapping[str, int], records: int, **told: Any) -> Known:
    """Old counts weigh less in time, so that what a source usually sends is what it sends these days."""
    halved = 2 if known.records > _HALVED_AT else 1
    names = {*known.present, *present}
    counts = {name: known.present.get(name, 0) // halved + present.get(name, 0) for name in sorted(names)}
    return Known(present=counts, records=known.records // halved + records, **told)


def _unknown(contract: Contract) -> Column:
    kind = F.lit(DriftKind.UNKNOWN_FIELD.value)
    pairs = unknown_paths(contract, F.col("others"))
    return F.transform(pairs, lambda pair: _seen(kind, pair["key"], _kind(pair["value"])))


def _told() -> Column:
    """Reasons and warnings that say how a field is sent; what was found stands behind the colon of the message."""
    ours = F.filter(F.concat("reasons", "warnings"), lambda each: each["code"].isin(*_TELLING))
    return F.transform(ours, lambda each: _seen(F.element_at(_kinds(), each["code"]), each["field"], _found(each)))


def _found(told: Column) -> Column:
    return F.regexp_extract(told["message"], r"(?s)^[^:]*: (.*)$", 1)


def _kinds() -> Column:
    return F.create_map(*[F.lit(part.value) for pair in _TELLING.items() for part in pair])


def _seen(kind: Column, name: Column, detail: Column) -> Column:
    return F.struct(kind.alias("kind"), name.alias("field"), detail.alias("detail"))


def _kind(text: Column) -> Column:
    """The kind of a value written as JSON, in the words of contracts."""
    first = F.substring(text, 1, 1)
    words = {'"': "string", "{": "object", "[": "array", "t": "boolean", "f": "boolean", "n": "null"}
    found = F.lit(None).cast("string")
    for sign, word in words.items():
        found = F.coalesce(found, F.when(first == sign, word))
    return F.coalesce(found, F.lit("number"))
