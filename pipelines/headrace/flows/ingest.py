"""Ingest: envelopes of one signal → contract → ``signals_<signal>``, ``dead_letters``, ``ledger``.

The order of a batch: judge, kept once, and count what came · clock, limits and drift, which make the plan · dead
letters · accepted · verdicts and drift · ledger. Nothing is written before the plan (but why a batch got none), and the
ledger last, so whoever finds a batch in the ledger finds it whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from headrace.config import Duplicates
from headrace.contracts.duplicates import duplicates
from headrace.contracts.error_headers import kafka_records
from headrace.contracts.evolve import evolved
from headrace.contracts.model import Contract
from headrace.contracts.outliers import marked
from headrace.contracts.reason_columns import reason
from headrace.contracts.reasons import Reason
from headrace.flows import limits, schema_drift, window_rules
from headrace.flows.batch import Batch, instant, opened, readable_at, stamped
from headrace.flows.catalog import signal_table
from headrace.flows.ingest_job import FLOW, Ingest
from headrace.flows.ingest_plan import Seen, is_accepted, look, planned_batch
from headrace.flows.plans.ingest import IngestPlan
from headrace.flows.quality_audit import audit
from headrace.io import ledger
from headrace.io.dead_letter_topic import send
from headrace.io.plans import unplanned
from headrace.tables import DEAD_LETTERS, Table

__all__ = ["ingest_batch", "with_duplicates", "without_future"]


# A batch of no more is written by the driver itself.
_FEW_ROWS, _FEW_BYTES = 50_000, 32 * 1024 * 1024


def ingest_batch(ingest: Ingest, judged: DataFrame, batch_id: int) -> None:
    """Take one batch through the flow. Any number of attempts leave what one would have left.

    A batch without a record, as an empty file makes one, leaves nothing.
    """
    watch = ledger.Stopwatch()
    batch = opened(judged, batch_id, ingest.checkpoint)
    # Kept before anything is asked of it: no column of what a batch is handed can be left out, so that to count its
    # envelopes alone would be to judge them too.
    judged.persist()
    try:
        with watch.lap("judge"):
            seen = look(judged, ingest.contract)
        if not seen.slices and unplanned(batch.spark, ingest.lake, IngestPlan, ingest.signal, batch.writer):
            return
        with watch.lap("plan"):
            plan = planned_batch(ingest, batch, judged, seen)
        with watch.lap("write"):
            accepted = _write(ingest, batch, judged, plan, seen)
    finally:
        judged.unpersist()
    with watch.lap("account"):
        entries = _entries(ingest, batch, seen.slices, plan, watch, accepted=accepted)
    ledger.record(batch.spark, ingest.lake, entries, batch.writer)
    audit(ingest.quality, batch, ingest.lake, ingest.signal, ingest.contract)


def _write(ingest: Ingest, batch: Batch, judged: DataFrame, plan: IngestPlan, seen: Seen) -> int:
    """Write the batch; how many of its records are accepted."""
    accepted = seen.accepted(plan.limit)
    if plan.columns:
        ingest.lake.widen(batch.spark, _target(ingest, plan))
    decided = without_future(judged, ingest.contract, plan.limit)
    if ingest.duplicates is None:
        _commit(ingest, batch, decided, plan, seen, accepted=accepted)
        return accepted
    repeats = _repeats(ingest, batch, decided, plan.accepted_before, ingest.duplicates).persist()
    try:
        unique = with_duplicates(decided, repeats, ingest.contract)
        accepted -= repeats.count()
        _commit(ingest, batch, unique, plan, seen, accepted=accepted)
    finally:
        repeats.unpersist()
    return accepted


def _commit(ingest: Ingest, batch: Batch, decided: DataFrame, plan: IngestPlan, seen: Seen, *, accepted: int) -> None:
    good = F.size("reasons") == 0
    if seen.rows > accepted:
        letters = _dead_letters(decided.where(~good), ingest, batch)
        ingest.lake.append(letters, DEAD_LETTERS, batch.writer, after=plan.after.get(DEAD_LETTERS.name))
        if ingest.dead_letter_topic is not None:
            send(kafka_records(letters, ingest.dead_letter_topic.max_bytes), ingest.dead_letter_topic)
    if accepted:
        usual = marked(decided.where(good), plan.outliers.bounds)
        kept = _accepted(usual, ingest, batch, plan.before.high_water)
        target = _target(ingest, plan)
        rows = evolved(kept, plan.columns)
        few = seen.rows <= _FEW_ROWS and seen.bytes <= _FEW_BYTES
        ingest.lake.append(rows, target, batch.writer, after=plan.after.get(target.name), few=few)
    limits.record(ingest, batch, plan.limits)
    schema_drift.record(ingest, batch, plan.drift)
    window_rules.record(ingest, batch, plan)


def _target(ingest: Ingest, plan: IngestPlan) -> Table:
    return signal_table(ingest.signal, ingest.contract, plan.columns)


def without_future(judged: DataFrame, contract: Contract, limit: int) -> DataFrame:
    """The judged records; one that broke no rule but lies beyond the clock's limit, in seconds, has a reason now."""
    ahead = F.array(reason(Reason.FUTURE_EVENT_TIME, field=contract.event_time))
    return judged.withColumn("reasons", F.when(is_accepted(limit), F.col("reasons")).otherwise(_first(ahead)))


def with_duplicates(decided: DataFrame, repeats: DataFrame, contract: Contract) -> DataFrame:
    """The decided records; those whose ``record_id`` is in ``repeats`` have a reason now."""
    again = F.array(reason(Reason.DUPLICATE, field=",".join(contract.primary_key)))
    repeated = repeats.select(F.col("record_id").alias("_repeat"))
    joined = decided.join(repeated, F.col("envelope.record_id") == F.col("_repeat"), "left")
    return joined.withColumn("reasons", F.when(F.col("_repeat").isNotNull(), again).otherwise(F.col("reasons")))


def _first(other: Column) -> Column:
    """The reasons there are, or else the other ones: a record that is bad already needs no second reason."""
    return F.when(F.size("reasons") > 0, F.col("reasons")).otherwise(other)


def _repeats(ingest: Ingest, batch: Batch, decided: DataFrame, cut: Mapping[str, int], policy: Duplicates) -> DataFrame:
    before = ingest.lake.as_of(batch.spark, signal_table(ingest.signal, ingest.contract).name, cut)
    return duplicates(decided.where(F.size("reasons") == 0), before, ingest.contract.primary_key, policy.within)


def _accepted(rows: DataFrame, ingest: Ingest, batch: Batch, high_water: int | None) -> DataFrame:
    lateness: Column = F.lit(0).cast("bigint")
    if high_water is not None:
        lateness = F.lit(high_water * 1000).cast("bigint") - F.unix_millis("event_time")
    return stamped(rows, batch.writer).withColumns(
        {
            "record_id": F.col("envelope.record_id"),
            "late_by": lateness,
            "source": F.col("envelope.source"),
        }
    )


def _dead_letters(rows: DataFrame, ingest: Ingest, batch: Batch) -> DataFrame:
    envelope = {name: F.col(f"envelope.{name}") for name in ("record_id", "key", "value", "headers", "source")}
    # A record may claim any year; a client in Python could not fetch a row with one it has no date for.
    readable = F.when(F.year("event_time").between(1, 9999), F.col("event_time"))
    return stamped(rows.select("envelope", "event_time", "reasons"), batch.writer).withColumns(
        {
            **envelope,
            "event_time": readable,
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
    plan: IngestPlan,
    watch: ledger.Stopwatch,
    *,
    accepted: int,
) -> list[ledger.Entry]:
    """One entry a slice: rows counted at the source, outcomes counted in what was committed.

    accepted: how many records are to be in the signal's table; where there are to be none in a table, it is not looked
    into.
    """
    spark, lake, target = batch.spark, ingest.lake, signal_table(ingest.signal, ingest.contract)
    rejected = sum(part.rows for part in found) - accepted
    outputs = [table for table, rows in ((target, accepted), (DEAD_LETTERS, rejected)) if rows]
    readable = readable_at(batch, lake, target, plan.after)
    written = ledger.committed(spark, lake, outputs, batch.writer, ledger.source_slice(), plan.after)
    good, letters = written.get(target.name, {}), written.get(DEAD_LETTERS.name, {})
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
                "accepted": good.get(part.name, (0, ""))[0],
                "rejected": letters.get(part.name, (0, ""))[0],
            },
            digests={name: counted[part.name][1] for name, counted in written.items() if part.name in counted},
            high_water=instant(plan.mark.high_water),
            batch_time=batch.offsets.time,
            readable_at=readable,
            durations=watch.laps,
        )
        for part in found
    ]
