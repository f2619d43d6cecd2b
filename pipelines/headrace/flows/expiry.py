"""Expiry: rows that are old enough are taken out of a table, and the ledger says which.

An expiry is a batch like any other, of a writer of its own per output: planned before it has effects, with the digest
of what it will remove from each slice; then one commit that removes it; then a ledger entry a slice. So the check can
add up what is there and what expired. A batch that was begun and not ended is ended first: what it planned is either
there still, and is removed, or gone already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.errors import InfrastructureError
from headrace.flows.batch import instant
from headrace.flows.expiry_plan import chosen, parts, planned_rows
from headrace.flows.expiry_rules import Rule
from headrace.flows.kept_cuts import unfinished
from headrace.flows.outputs import Output
from headrace.flows.plans.expiry import ExpiryPlan, Part
from headrace.flows.project import Project
from headrace.io import ledger
from headrace.io.lake import Lake, Writer
from headrace.io.plans import last_planned, planned
from headrace.io.upkeep import take_out
from headrace.tables import BATCH_PLANS

__all__ = ["Expired", "begun", "decisions_count_from", "expirable", "expire", "expired_until", "removed", "resume"]

FLOW = ExpiryPlan.flow


@dataclass(frozen=True, slots=True)
class Expired:
    """What one batch removed, or would: rows, of how many batches of other flows."""

    rows: int
    batches: int


def begun(spark: SparkSession, project: Project) -> set[str]:
    """The outputs with an expiry that was begun and not ended."""
    plans = unfinished(spark, Lake(project.settings.storage)).where(F.col("flow") == FLOW)
    # Where the tables were elsewhere then, it is not this writer's to end.
    rows = plans.select("subject", "query_id").collect()
    return {row["subject"] for row in rows if row["query_id"] == _query_id(project, row["subject"])}


def resume(spark: SparkSession, project: Project, rule: Rule, at: datetime) -> Expired:
    """End the expiry of the rule's output that was begun, as it was planned.

    Raises InfrastructureError where it finds neither all of what it was to remove nor none.
    """
    lake, query_id = Lake(project.settings.storage), _query_id(project, rule.output.name)
    return _batch(spark, lake, rule, Writer(query_id, last_planned(spark, lake, query_id)), at, None)


def expire(spark: SparkSession, project: Project, rule: Rule, at: datetime) -> Iterator[Expired]:
    """Remove what the rule lets expire as of a moment. One result a batch. None may be begun and not ended."""
    lake, query_id, more = Lake(project.settings.storage), _query_id(project, rule.output.name), True
    number = last_planned(spark, lake, query_id) + 1
    while more and (plan := chosen(spark, project, rule, at)) is not None:
        yield _batch(spark, lake, rule, Writer(query_id, number), at, plan)
        number, more = number + 1, plan.more


def expirable(spark: SparkSession, project: Project, rule: Rule, at: datetime) -> Expired | None:
    """What the next batch of ``expire`` would remove; None where that is nothing."""
    plan = chosen(spark, project, rule, at)
    return None if plan is None else _told(plan)


def removed(book: DataFrame, output: Output) -> DataFrame:
    """What expired of an output: ``query_id``, ``batch_id``, ``slice``, ``removed``, a digest; a row an expiry."""
    at = F.split("slice", "/", 3)
    mine = book.where((F.col("flow") == FLOW) & (F.col("subject") == output.name))
    return mine.select(
        at[0].alias("query_id"),
        at[1].cast("bigint").alias("batch_id"),
        at[2].alias("slice"),
        F.try_element_at("digests", F.lit(output.table.name)).alias("removed"),
    )


def expired_until(spark: SparkSession, lake: Lake, signal: str) -> datetime | None:
    """The newest event time among the records of a signal that expired: windows up to it can be had no more."""
    plans = lake.read(spark, BATCH_PLANS.name).where(
        (F.col("flow") == FLOW) & (F.col("subject") == f"signals_{signal}")
    )
    row = plans.agg(F.max(F.get_json_object("choices", "$.newest_event").cast("bigint")).alias("at")).first()
    return instant(row["at"]) if row is not None else None


def decisions_count_from(spark: SparkSession, lake: Lake, log: str) -> datetime | None:
    """The moment from which on what decisions saw of a set's log is kept; None where nothing of it ever expired."""
    plans = lake.read(spark, BATCH_PLANS.name).where((F.col("flow") == FLOW) & (F.col("subject") == log))
    before = F.get_json_object("choices", "$.before")
    row = plans.agg(F.max_by(before, before.try_cast("timestamp")).alias("at")).first()
    return datetime.fromisoformat(row["at"]) if row is not None and row["at"] else None


def _query_id(project: Project, output: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"headrace:{FLOW}/{project.settings.storage.place}/{output}"))


def _batch(
    spark: SparkSession, lake: Lake, rule: Rule, writer: Writer, at: datetime, wanted: ExpiryPlan | None
) -> Expired:
    """wanted: what it is fixed by, unless that is stored already; None: it was begun, so it is."""
    watch, output = ledger.Stopwatch(), rule.output

    def choose() -> ExpiryPlan:
        assert wanted is not None, "a batch that was begun has a plan"
        return wanted

    with watch.lap("plan"):
        plan = planned(spark, lake, ExpiryPlan, output.name, writer, at=at, choose=choose)
    with watch.lap("write"):
        rows = planned_rows(spark, lake, rule, plan).persist()
        try:
            there = parts(rows, output)
            if there == list(plan.removed):
                take_out(spark, lake, output.table.name, rows, rule.key)
            elif there:
                raise InfrastructureError(
                    f"{output.table.name}: what expiry {writer.batch_id} was planned to remove is not what is there, "
                    "so nothing was removed: 'headrace ledger check' names the batches that somebody else changed"
                )
        finally:
            rows.unpersist()
    ledger.record(spark, lake, [_entry(output, part, plan.at, watch.laps) for part in plan.removed], writer)
    return _told(plan)


def _entry(output: Output, part: Part, at: datetime, durations: Mapping[str, int]) -> ledger.Entry:
    return ledger.Entry(
        flow=FLOW,
        subject=output.name,
        slice=f"{part.query}/{part.batch}/{part.slice}",
        rows_in=part.rows,
        outcomes={"expired": part.rows},
        digests={output.table.name: part.digest},
        batch_time=at,
        durations=durations,
    )


def _told(plan: ExpiryPlan) -> Expired:
    batches = {(part.query, part.batch) for part in plan.removed}
    return Expired(sum(part.rows for part in plan.removed), len(batches))
