"""Rules over windows of event time: each window is judged once, when its signal's high-water mark makes it final.

Which windows those are is read from the plan of the batch, and what they hold from the rows its query had committed by
then, so every attempt tells the same. A window spans batches, so a rule over windows alarms and holds nothing back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from headrace.config import duration_text
from headrace.contracts.aggregates import Aggregate
from headrace.contracts.counts import counts_by_window
from headrace.contracts.model import Contract
from headrace.contracts.tumbling import Tumbling, told
from headrace.flows import verdicts
from headrace.flows.batch import Batch, instant
from headrace.flows.catalog import signal_table
from headrace.flows.ingest_job import Ingest
from headrace.flows.plans.ingest import IngestPlan
from headrace.flows.verdicts import ALARM, Verdict
from headrace.io.lake import Writer
from headrace.tables import MEASUREMENTS

__all__ = ["record", "record_end"]

Due = tuple[range, Aggregate]
"""A rule, and the starts of the windows it is to judge."""
Counted = Mapping[int, Sequence[int]]
"""By the start of a window that holds a record: how many it holds, then what each rule counts of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """What one rule measured: of one window, or of many without a record that follow one another."""

    rule: Aggregate
    windows: range
    value: float
    rows: int

    @property
    def start(self) -> datetime | None:
        return instant(self.windows[0])

    @property
    def end(self) -> datetime | None:
        return instant(self.windows[-1] + self.windows.step)

    @property
    def said(self) -> dict[str, str]:
        many = {"windows": str(len(self.windows))} if len(self.windows) > 1 else {}
        return {"rule": str(self.rule), **many}


def record(ingest: Ingest, batch: Batch, plan: IngestPlan) -> None:
    """Judge the windows this batch made final. Its accepted rows have to be committed before."""

    def final(windows: Tumbling) -> range:
        return windows.final(plan.before.high_water, plan.mark.high_water, plan.first_seen)

    _record(batch.spark, ingest, batch.writer, final, at=batch.offsets.time, output="windows")


def record_end(
    spark: SparkSession, ingest: Ingest, writer: Writer, plan: IngestPlan, *, newest: int, at: datetime
) -> None:
    """Judge the windows that only the end of the input makes final: those up to the newest record's.

    writer, plan: of the last batch. at: the time of it.
    """

    def final(windows: Tumbling) -> range:
        return windows.final(plan.mark.high_water, windows.closing(newest), plan.first_seen)

    _record(spark, ingest, writer, final, at=at, output="end_of_input")


def _record(
    spark: SparkSession,
    ingest: Ingest,
    writer: Writer,
    final: Callable[[Tumbling], range],
    *,
    at: datetime,
    output: str,
) -> None:
    judged = list(_judged(spark, ingest, writer, final))
    if judged:
        shared = {"metric": "rule", "subject": ingest.signal, "measured_at": at, **asdict(writer)}
        rows = [{**_measurement(one), **shared} for one in judged]
        ingest.lake.append_rows(spark, rows, MEASUREMENTS, writer, output=f"{MEASUREMENTS.name}/{output}")
    alarms = [_alarm(one) for one in judged if not one.rule.must.holds(one.value)]
    if alarms:
        verdicts.record(spark, ingest, writer, alarms, at=at, attempt=0, output=output)


def _judged(
    spark: SparkSession, ingest: Ingest, writer: Writer, final: Callable[[Tumbling], range]
) -> Iterator[_Judged]:
    """What the rules say of the windows that are final now: those of one length in one job, and none without need."""
    by_length: dict[int, list[Due]] = {}
    for windows, rule in ingest.contract.window_rules:
        if starts := final(windows):
            by_length.setdefault(windows.step, []).append((starts, rule))
    name = signal_table(ingest.signal, ingest.contract).name
    for due in by_length.values():
        committed = ingest.lake.batches(spark, name, writer.query_id, 0, writer.batch_id)
        counted = _counted(committed, due, _time(ingest.contract))
        for place, (starts, rule) in enumerate(due, start=1):
            yield from _of_rule(rule, place, starts, counted)


def _time(contract: Contract) -> str:
    """The column to find windows by: the contract's own field where every row has it, for Delta skips files by the
    first 32 columns, and those stand before ours."""
    former = contract.former
    return contract.event_time if former is None or former.event_time == contract.event_time else "event_time"


def _counted(rows: DataFrame, due: Sequence[Due], event_time: str) -> Counted:
    found = counts_by_window(rows, [rule for _, rule in due], {starts for starts, _ in due}, event_time)
    return {start: measured for start, *measured in found.collect()}


def _of_rule(rule: Aggregate, place: int, starts: range, counted: Counted) -> Iterator[_Judged]:
    nothing = (0,) * (place + 1)
    for windows in told(starts, [start for start in counted if start in starts]):
        measured = counted.get(windows[0], nothing)
        value = rule.value(measured[place], measured[0])
        if value is not None:
            yield _Judged(rule=rule, windows=windows, value=value, rows=measured[0])


def _measurement(one: _Judged) -> dict[str, Any]:
    return {
        "segment": one.rule.name,
        "window_start": one.start,
        "window_end": one.end,
        "value": one.value,
        "records": one.rows,
        "details": {**one.said, "window": duration_text(timedelta(seconds=one.windows.step))},
    }


def _alarm(one: _Judged) -> Verdict:
    ends = {"window_start": one.start, "window_end": one.end}
    return Verdict(
        objective=one.rule.name,
        verdict=ALARM,
        value=one.value,
        must=str(one.rule.must),
        rows_in=one.rows,
        evidence={**one.said, **{name: f"{at:%Y-%m-%dT%H:%M:%SZ}" for name, at in ends.items()}},
    )
