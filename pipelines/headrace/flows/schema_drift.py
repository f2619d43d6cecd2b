"""The drift of what a source sends, told in the batch it first occurs in, as a row of ``schema_drift``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pyspark.sql import DataFrame

from headrace.contracts.drift import Drift, DriftKind, Known, drifts, learned
from headrace.contracts.model import Contract, Criticality, Kind, Unknown
from headrace.flows.batch import Batch
from headrace.flows.ingest_job import Ingest
from headrace.tables import SCHEMA_DRIFT

__all__ = ["drifted", "record"]

# What was sent, in the words of a drift, that a column of the kind takes.
_TAKES: Mapping[Kind | None, tuple[str, ...]] = {
    Kind.STRING: ("string", "null"),
    Kind.INTEGER: ("number", "null"),
    Kind.NUMBER: ("number", "null"),
    Kind.BOOLEAN: ("boolean", "null"),
}


def drifted(
    ingest: Ingest,
    judged: DataFrame,
    present: Mapping[str, int],
    *,
    rows: int,
    bad: int,
    odd: int,
    columns: Mapping[str, Kind],
    last: Mapping[str, Any],
) -> dict[str, Any]:
    """What is known after a batch, and what of it is new: the part of the batch's plan that tells of drift.

    present: of each field that may be absent, in how many accepted records it is. rows, bad, odd: the batch's
    records, those rejected, and those accepted that have a warning or an unknown member. columns: those of the
    table for such members. last: the choices of the batch before.
    """
    before = Known.from_json(last["drift"]["known"]) if "drift" in last else Known()
    found = drifts(judged, ingest.contract) if bad or odd else []
    known, new = learned(before, found, present, rows - bad)
    told = [
        {**asdict(one), "share": one.records / rows, "policy": _policy(ingest.contract, one, columns)} for one in new
    ]
    return {"known": known.to_json(), "new": told}


def record(ingest: Ingest, batch: Batch, drift: Mapping[str, Any]) -> None:
    """Write what is new, if anything is."""
    if not drift["new"]:
        return
    shared = {
        "signal": ingest.signal,
        "seen_at": batch.offsets.time,
        "contract_version": ingest.contract.version,
        "contract_fingerprint": ingest.contract.fingerprint,
        "query_id": batch.writer.query_id,
        "batch_id": batch.writer.batch_id,
    }
    rows = [{**one, **shared} for one in drift["new"]]
    ingest.lake.append_rows(batch.spark, rows, SCHEMA_DRIFT, batch.writer)


def _policy(contract: Contract, drift: Drift, columns: Mapping[str, Kind]) -> str:
    if drift.kind == DriftKind.UNKNOWN_FIELD:
        if contract.unknown is Unknown.REJECT:
            return "rejected"
        return "column added" if drift.detail in _TAKES.get(columns.get(drift.field), ()) else "kept aside"
    if drift.kind == DriftKind.NEW_VALUE:
        return "kept" if contract.at(drift.field).criticality is Criticality.WARN else "rejected"
    return "rejected" if drift.kind == DriftKind.CHANGED_TYPE else ""
