"""The drift of what a source sends, told in the batch it first occurs in, as a row of ``schema_drift``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pyspark.sql import DataFrame

from headrace.contracts.drift import Drift, DriftKind, Known, drifts, learned
from headrace.contracts.model import Contract, Criticality, Kind, Unknown
from headrace.flows.batch import Batch
from headrace.flows.ingest_job import Ingest
from headrace.tables import SCHEMA_DRIFT

__all__ = ["DriftReport", "NewDrift", "drifted", "record"]

# What was sent, in the words of a drift, that a column of the kind takes.
_TAKES: Mapping[Kind | None, tuple[str, ...]] = {
    Kind.STRING: ("string", "null"),
    Kind.INTEGER: ("number", "null"),
    Kind.NUMBER: ("number", "null"),
    Kind.BOOLEAN: ("boolean", "null"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDrift:
    """One change that was not known before: the ``Drift``, of what share of the batch, and what becomes of it."""

    kind: str
    field: str
    detail: str
    records: int
    record_id: str | None
    share: float
    policy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """What a batch's plan tells of drift: what is known after it, and what of that is new."""

    known: Known = field(default_factory=Known)
    new: tuple[NewDrift, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> DriftReport:
        new = tuple(NewDrift(**drift) for drift in stored["new"])
        return cls(known=Known.from_json(stored["known"]), new=new)


def drifted(
    ingest: Ingest,
    judged: DataFrame,
    present: Mapping[str, int],
    *,
    rows: int,
    bad: int,
    odd: int,
    columns: Mapping[str, Kind],
    before: Known,
) -> DriftReport:
    """What is known after a batch, and what of it is new.

    present: of each field that may be absent, in how many accepted records it is. rows, bad, odd: the batch's
    records, those rejected, and those accepted that have a warning or an unknown member. columns: those of the
    table for such members. before: what was known before the batch.
    """
    found = drifts(judged, ingest.contract) if bad or odd else []
    known, new = learned(before, found, present, rows - bad)
    told = [
        NewDrift(**asdict(drift), share=drift.records / rows, policy=_policy(ingest.contract, drift, columns))
        for drift in new
    ]
    return DriftReport(known=known, new=tuple(told))


def record(ingest: Ingest, batch: Batch, report: DriftReport) -> None:
    """Write what is new, if anything is."""
    if not report.new:
        return
    shared = {
        "signal": ingest.signal,
        "seen_at": batch.offsets.time,
        "contract_version": ingest.contract.version,
        "contract_fingerprint": ingest.contract.fingerprint,
        "query_id": batch.writer.query_id,
        "batch_id": batch.writer.batch_id,
    }
    rows = [{**asdict(drift), **shared} for drift in report.new]
    ingest.lake.append_rows(batch.spark, rows, SCHEMA_DRIFT, batch.writer)


def _policy(contract: Contract, drift: Drift, columns: Mapping[str, Kind]) -> str:
    if drift.kind == DriftKind.UNKNOWN_FIELD:
        if contract.unknown is Unknown.REJECT:
            return "rejected"
        return "column added" if drift.detail in _TAKES.get(columns.get(drift.field), ()) else "kept aside"
    if drift.kind == DriftKind.NEW_VALUE:
        return "kept" if contract.at(drift.field).criticality is Criticality.WARN else "rejected"
    return "rejected" if drift.kind == DriftKind.CHANGED_TYPE else ""
