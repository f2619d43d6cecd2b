"""Ingest: envelopes of one signal → contract → ``signals_<signal>``, ``dead_letters``, ``ledger``.

The order of a batch: count the source · judge, kept once · move the clock · plan · dead letters · accepted · ledger.
Nothing is written before the plan, and the ledger last, so whoever finds a batch in the ledger finds it whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.config import Clock, FileSource
from headrace.contracts.clock import Advance, Mark, advance
from headrace.contracts.judge import column_type, judge
from headrace.contracts.model import Contract
from headrace.contracts.reasons import Reason, reason
from headrace.errors import InfrastructureError, SourceChanged
from headrace.flows.batch import Batch, instant, opened, seconds, stamped
from headrace.flows.project import Project
from headrace.io import kafka_admin, ledger
from headrace.io.checkpoint import Checkpoint
from headrace.io.lake import Lake, Writer
from headrace.io.plans import plan_of, planned
from headrace.io.sources import file_envelopes, kafka_envelopes
from headrace.tables import BATCH_PLANS, DEAD_LETTERS, LEDGER, Column, Table, signals

__all__ = ["Ingest", "ingest_batch", "job", "mark_after", "opened_stream", "stream", "table"]

FLOW = "ingest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """All that one signal's batches need. Plain values, so that it can be sent to wherever the batch runs.

    ended_at: the high-water mark, in seconds, that a declared end of input left before this start of the query.
    """

    signal: str
    contract: Contract
    clock: Clock
    lake: Lake
    checkpoint: Checkpoint
    topic_id: str | None = None
    ended_at: int | None = None


def table(signal: str, contract: Contract) -> Table:
    """The table of a signal's accepted records."""
    return signals(signal, [Column(field.name, column_type(field), field.description) for field in contract.fields])


def job(project: Project, signal: str, topic_id: str | None = None) -> Ingest:
    """The ingest of one signal as the project declares it."""
    return Ingest(
        signal=signal,
        contract=project.contracts[signal],
        clock=project.settings.signals[signal].clock,
        lake=Lake(project.settings.storage),
        checkpoint=Checkpoint(f"{project.settings.storage.checkpoint_root}/ingest/{signal}"),
        topic_id=topic_id,
    )


def opened_stream(
    project: Project, signal: str, spark: SparkSession
) -> tuple[DataFrame, Callable[[DataFrame, int], None]]:
    """The signal's stream and what takes its batches, once it is sure that the topic is still the same one."""
    source = project.settings.signals[signal].source
    if isinstance(source, FileSource):
        described = job(project, signal)
    else:
        options = {name: value.get_secret_value() for name, value in source.options.items()}
        described = job(project, signal, kafka_admin.topic_id(source.bootstrap, source.topic, options))
        _refuse_other_topic(spark, described, source.topic)
    described = replace(described, ended_at=_ended_at(spark, described))
    return stream(spark, project, described), partial(ingest_batch, described)


def stream(spark: SparkSession, project: Project, ingest: Ingest) -> DataFrame:
    """The judged stream of the signal."""
    source = project.settings.signals[ingest.signal].source
    if isinstance(source, FileSource):
        envelopes = file_envelopes(spark, source, ingest.signal)
    else:
        envelopes = kafka_envelopes(spark, source, str(ingest.topic_id))
    return judge(envelopes, ingest.contract)


def ingest_batch(ingest: Ingest, judged: DataFrame, batch_id: int) -> None:
    """Take one batch through the flow. Any number of attempts leave what one would have left.

    A batch without a record, as an empty file makes one, has a plan and nothing else: the next reads the clock there.
    """
    watch = ledger.Stopwatch()
    batch = opened(judged, batch_id, ingest.checkpoint)
    with watch.lap("count"):
        found = ledger.slices(judged.select("envelope.source", "envelope.value"))
    judged.persist()
    try:
        with watch.lap("judge"):
            before = mark_after(batch.spark, ingest, Writer(batch.writer.query_id, batch_id - 1))
            seen = _event_seconds(judged)
        with watch.lap("plan"):
            choices = _planned(ingest, batch, before, seen, found)
        if found:
            with watch.lap("write"):
                _write(ingest, batch, judged, choices, rejected=_rejected(seen, found, choices["limit"]))
    finally:
        judged.unpersist()
    with watch.lap("account"):
        entries = _entries(ingest, batch, found, choices, watch)
    ledger.record(batch.spark, ingest.lake, entries, batch.writer)


def mark_after(spark: SparkSession, ingest: Ingest, writer: Writer) -> Mark:
    """Where the signal's clock stood after one batch of its query; a declared end of input had moved it on."""
    stored = plan_of(spark, ingest.lake, FLOW, ingest.signal, writer) if writer.batch_id >= 0 else None
    if stored is None:
        return Mark()
    mark = Mark.from_json(stored["mark"])
    return Mark(max(mark.high_water or 0, ingest.ended_at)) if ingest.ended_at is not None else mark


def _ended_at(spark: SparkSession, ingest: Ingest) -> int | None:
    query_id = ingest.checkpoint.query_id(spark)
    rows = ingest.lake.read(spark, LEDGER.name).where((F.col("query_id") == query_id) & F.col("end_of_input"))
    ended = rows.select(F.max("high_water").alias("at")).first() if query_id else None
    return seconds(ended["at"]) if ended is not None and ended["at"] is not None else None


def _refuse_other_topic(spark: SparkSession, ingest: Ingest, topic: str) -> None:
    """A topic made anew starts at offset 0 again; Spark would skip what lies below its checkpoint without a word."""
    query_id = ingest.checkpoint.query_id(spark)
    if query_id is None:
        return
    rows = ingest.lake.read(spark, BATCH_PLANS.name).where((F.col("query_id") == query_id) & (F.col("flow") == FLOW))
    known = rows.select(F.max_by(F.get_json_object("choices", "$.topic_id"), "batch_id").alias("topic_id")).first()
    if known is not None and known["topic_id"] not in (None, ingest.topic_id):
        raise SourceChanged(
            f"topic {topic} of signal {ingest.signal} was deleted and made anew (id {known['topic_id']} is now "
            f"{ingest.topic_id}): its offsets no longer fit the checkpoint {ingest.checkpoint.path}. "
            "Move that folder away to read the new topic from its start, as a new generation."
        )


def _event_seconds(judged: DataFrame) -> tuple[Any, Any]:
    """The event times of records that broke no rule so far, each second once, with their number."""
    second = F.unix_seconds("event_time").alias("second")
    counted = judged.where(F.size("reasons") == 0).groupBy(second).count().toPandas()
    return counted["second"].to_numpy(np.int64), counted["count"].to_numpy(np.int64)


def _planned(
    ingest: Ingest, batch: Batch, before: Mark, seen: tuple[Any, Any], found: Sequence[ledger.Slice]
) -> Mapping[str, Any]:
    """The choices of the batch; a stored plan whose source or contract is no longer the same ends the query."""

    def choose() -> Mapping[str, Any]:
        step = advance(ingest.clock, before, *seen, now=seconds(batch.offsets.time))
        return _choices(ingest, before, step, found)

    choices = planned(batch.spark, ingest.lake, FLOW, ingest.signal, batch.writer, at=batch.offsets.time, choose=choose)
    for part in found:
        if choices["slices"].get(part.name) != part.digest:
            raise SourceChanged(
                f"{part.name} of signal {ingest.signal} was altered after batch {batch.writer.batch_id} had read it: "
                "sources are append-only. Put the original back, or send the new content under a new name."
            )
    if choices["contract"] != ingest.contract.fingerprint:
        raise InfrastructureError(
            f"batch {batch.writer.batch_id} of signal {ingest.signal} was begun under contract "
            f"{choices['contract_version']} and has to end under it: put it back, run once, then change it."
        )
    return choices


def _choices(ingest: Ingest, before: Mark, step: Advance, found: Sequence[ledger.Slice]) -> Mapping[str, Any]:
    return {
        "contract": ingest.contract.fingerprint,
        "contract_version": ingest.contract.version,
        "topic_id": ingest.topic_id,
        "before": before.to_json(),
        "mark": step.mark.to_json(),
        "limit": step.limit,
        "slices": {part.name: part.digest for part in found},
    }


def _rejected(seen: tuple[Any, Any], found: Sequence[ledger.Slice], limit: int) -> int:
    times, counts = seen
    return sum(part.rows for part in found) - int(counts[times <= limit].sum())


def _write(ingest: Ingest, batch: Batch, judged: DataFrame, choices: Mapping[str, Any], *, rejected: int) -> None:
    future = F.coalesce(F.unix_seconds("event_time") > choices["limit"], F.lit(False))
    ahead = reason(Reason.FUTURE_EVENT_TIME, field=ingest.contract.event_time)
    decided = judged.withColumn(
        "reasons", F.when(future & (F.size("reasons") == 0), F.array(ahead)).otherwise(F.col("reasons"))
    )
    accepted = F.size("reasons") == 0
    if rejected:
        ingest.lake.append(_dead_letters(decided.where(~accepted), ingest, batch), DEAD_LETTERS, batch.writer)
    kept = _accepted(decided.where(accepted), ingest, batch, choices["before"]["high_water"])
    ingest.lake.append(kept, table(ingest.signal, ingest.contract), batch.writer)


def _accepted(rows: DataFrame, ingest: Ingest, batch: Batch, high_water: int | None) -> DataFrame:
    lateness: SparkColumn = F.lit(0).cast("bigint")
    if high_water is not None:
        lateness = F.lit(high_water * 1000).cast("bigint") - F.unix_millis("event_time")
    return stamped(rows, batch).withColumns(
        {
            "record_id": F.col("envelope.record_id"),
            "late_by": lateness,
            "source": F.col("envelope.source"),
            "contract_version": F.lit(ingest.contract.version),
        }
    )


def _dead_letters(rows: DataFrame, ingest: Ingest, batch: Batch) -> DataFrame:
    envelope = {name: F.col(f"envelope.{name}") for name in ("record_id", "key", "value", "headers", "source")}
    return stamped(rows.select("envelope", "event_time", "reasons"), batch).withColumns(
        {
            **envelope,
            "signal": F.lit(ingest.signal),
            "stage": F.lit(FLOW),
            "rejected_at": F.lit(batch.offsets.time),
            "contract_id": F.lit(ingest.contract.id),
            "contract_version": F.lit(ingest.contract.version),
            "contract_fingerprint": F.lit(ingest.contract.fingerprint),
        }
    )


def _entries(
    ingest: Ingest,
    batch: Batch,
    found: Sequence[ledger.Slice],
    choices: Mapping[str, Any],
    watch: ledger.Stopwatch,
) -> list[ledger.Entry]:
    """One entry a slice: rows counted at the source, outcomes counted in what was committed."""
    spark, lake, target = batch.spark, ingest.lake, table(ingest.signal, ingest.contract)
    written = ledger.committed(spark, lake, (target, DEAD_LETTERS), batch.writer, ledger.source_slice())
    accepted, rejected = written[target.name], written[DEAD_LETTERS.name]
    return [
        ledger.Entry(
            flow=FLOW,
            subject=ingest.signal,
            slice=part.name,
            slice_from=part.first,
            slice_to=part.end,
            rows_in=part.rows,
            digest_in=part.digest,
            outcomes={
                "accepted": accepted.get(part.name, (0, ""))[0],
                "rejected": rejected.get(part.name, (0, ""))[0],
            },
            digests={name: counted[part.name][1] for name, counted in written.items() if part.name in counted},
            high_water=instant(choices["mark"]["high_water"]),
            batch_time=batch.offsets.time,
            durations=watch.laps,
        )
        for part in found
    ]
