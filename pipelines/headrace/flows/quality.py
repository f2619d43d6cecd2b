"""Quality for people's eyes: samples of a signal's accepted records, judged by its contract as a suite.

The contract itself decides about every record. A sample shows that the two agree, in pages anybody can read. It is
never worth a query: whatever goes wrong here is logged and measured, and the query goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.config import Quality, Storage
from headrace.contracts.expectations import Expectation, suite
from headrace.contracts.model import Contract, Criticality
from headrace.flows.batch import Batch
from headrace.io import data_docs, pages, samples
from headrace.io.lake import Lake, local_rows
from headrace.io.local_path import local_path
from headrace.tables import MEASUREMENTS, signals

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Assessment", "Finding", "assess", "audit"]

log = logging.getLogger("headrace.quality")


@dataclass(frozen=True, slots=True)
class Finding:
    """One expectation and what came of it."""

    expectation: Expectation
    outcome: data_docs.Outcome

    @property
    def fails(self) -> bool:
        """Whether it is broken, or could not be judged, and is of severity error."""
        return not self.outcome.success and self.expectation.severity is Criticality.ERROR


@dataclass(frozen=True, slots=True)
class Assessment:
    """A sample judged: every expectation with its outcome, the size of the sample, and the page, if one was made."""

    findings: tuple[Finding, ...]
    rows: int
    page: Path | None


def assess(signal: str, contract: Contract, sample: pd.DataFrame, storage: Storage, *, occasion: str) -> Assessment:
    """Judge a sample by the contract's suite; a page of it is made where tables are folders of this machine.

    Raises InfrastructureError where great-expectations is not installed.
    """
    expectations = suite(contract).expectations
    folder = None if storage.root is None else local_path(f"{storage.root}/{pages.FOLDER}")
    given = [each.configuration for each in expectations]
    report = data_docs.run(signal, given, sample, folder, occasion=occasion)
    return Assessment(tuple(map(Finding, expectations, report.outcomes)), len(sample), report.page)


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
        rows = local_rows(batch.spark, MEASUREMENTS, [each | of for each in measured])
        lake.append(rows, MEASUREMENTS, batch.writer, output=f"{MEASUREMENTS.name}/quality")
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
