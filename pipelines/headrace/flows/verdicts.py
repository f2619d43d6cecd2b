"""Verdicts: what was judged and did not simply hold, as rows of ``verdicts``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from pyspark.sql import SparkSession

from headrace.flows.ingest_job import Ingest
from headrace.io.lake import Writer
from headrace.tables import VERDICTS

__all__ = ["ALARM", "BREACH", "WAIVED", "WARN", "Verdict", "record"]

BREACH, WARN, WAIVED, ALARM = "breach", "warn", "waived", "alarm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One objective that a batch, or a window, did not meet."""

    objective: str
    verdict: str
    value: float
    must: str
    rows_in: int
    evidence: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        where = "".join(f", {key} {value}" for key, value in self.evidence.items())
        return f"{self.objective} is {self.value:g}, {self.must}{where}"


def record(
    spark: SparkSession,
    ingest: Ingest,
    writer: Writer,
    verdicts: Sequence[Verdict],
    *,
    at: datetime,
    attempt: int,
    output: str,
) -> None:
    """Write verdicts on a signal, once for each batch and ``output``.

    attempt: how many transitions its source had behind it.
    """
    shared = {
        "subject": ingest.signal,
        "judged_at": at,
        "contract_version": ingest.contract.version,
        "contract_fingerprint": ingest.contract.fingerprint,
        "attempt": attempt,
        **asdict(writer),
    }
    rows = [{**asdict(one), **shared} for one in verdicts]
    ingest.lake.append_rows(spark, rows, VERDICTS, writer, output=f"{VERDICTS.name}/{output}")
