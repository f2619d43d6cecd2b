"""Quality of what a stream takes in: of every so many batches a sample is judged, and what came of it measured.

It is never worth a query: whatever goes wrong here is logged and measured, and the query goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from headrace.config import Quality
from headrace.contracts.model import Contract
from headrace.flows.batch import Batch
from headrace.flows.quality import Assessment, Finding, assess
from headrace.io import samples
from headrace.io.lake import Lake
from headrace.tables import MEASUREMENTS, signals

__all__ = ["audit"]

log = logging.getLogger("headrace.quality")


def audit(quality: Quality | None, batch: Batch, lake: Lake, signal: str, contract: Contract) -> None:
    """Of every so many batches, judge a sample of what the first has accepted, and measure what came of it."""
    if quality is None or batch.writer.batch_id % quality.every:
        return
    try:
        found = _sampled(quality, batch, lake, signal, contract)
    except Exception as error:
        log.warning("%s: a sample of batch %s could not be judged: %s", signal, batch.writer.batch_id, error)
        measured = [_measurement("samples_not_judged", 1.0, error=str(error)[:1_000])]
    else:
        _tell(found, batch, signal)
        measured = list(_shares(found))
    try:
        of = {"subject": signal, "measured_at": batch.offsets.time, **asdict(batch.writer)}
        rows = [each | of for each in measured]
        lake.append_rows(batch.spark, rows, MEASUREMENTS, batch.writer, output=f"{MEASUREMENTS.name}/quality")
    except Exception:
        log.exception("%s: the quality of batch %s could not be stored", signal, batch.writer.batch_id)


def _sampled(quality: Quality, batch: Batch, lake: Lake, signal: str, contract: Contract) -> Assessment:
    query_id, batch_id = batch.writer.query_id, batch.writer.batch_id
    rows = lake.batches(batch.spark, signals(signal, ()).name, query_id, batch_id, batch_id)
    sample = samples.of_rows(rows, contract.names, quality.rows)
    return assess(signal, contract, sample, lake.storage, occasion=f"batch {batch_id}")


def _tell(found: Assessment, batch: Batch, signal: str) -> None:
    for each in found.findings:
        if each.fails:
            log.warning(
                "%s: accepted records of batch %s break %s", signal, batch.writer.batch_id, each.expectation.rule
            )


def _shares(found: Assessment) -> Iterator[dict[str, Any]]:
    """The share of the sample that breaks each rule: of several expectations that say one rule, the largest."""
    by_rule: dict[str, list[Finding]] = {}
    for each in found.findings:
        by_rule.setdefault(each.expectation.rule, []).append(each)
    for rule, findings in by_rule.items():
        shares = [each.outcome.share or float(not each.outcome.success) for each in findings]
        broken = ", ".join(each.expectation.type for each in findings if not each.outcome.success)
        severity = findings[0].expectation.severity.value
        yield _measurement(
            "sample_unexpected_share", max(shares), segment=rule, records=found.rows, severity=severity, broken=broken
        )


def _measurement(
    metric: str, value: float, *, segment: str | None = None, records: int | None = None, **details: str
) -> dict[str, Any]:
    return {"metric": metric, "segment": segment, "value": value, "records": records, "details": details}
