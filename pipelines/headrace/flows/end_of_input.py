"""A declared end of input: once a finite source is drained, nothing more comes, so its last windows are final.

Finality is only a mark in the ledger. Closing a signal moves its high-water mark past the end of every window it
feeds, plus that set's delay; should a record come after all, it is late, by a stamp, like any other. The windows of the
contract's rules are judged up to the one of the newest record, and none after it: nothing was due there. What comes
after all and is late moves nothing: the next close leaves the mark where the one before had put it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from headrace.features.spec import FeatureSet
from headrace.flows import ingest_job, window_rules
from headrace.flows.backfill import backfill
from headrace.flows.batch import instant
from headrace.flows.plans.ingest import IngestPlan
from headrace.flows.project import Project
from headrace.flows.queries import Query
from headrace.io import ledger
from headrace.io.lake import Lake, Writer
from headrace.io.plans import plan_of
from headrace.tables import LEDGER

__all__ = ["close"]


def close(spark: SparkSession, project: Project, queries: Sequence[Query]) -> None:
    """Close the drained signals that declare their end, and the feature sets upon them.

    Closing twice changes nothing. Signals first: a set takes its mark from its signal's. Sessions still open in Spark's
    state, which gives them out when a later record closes them, are written by a backfill.
    """
    ending = {name for name, signal in project.settings.signals.items() if signal.end_of_input}
    lake = Lake(project.settings.storage)
    for query in queries:
        if query.flow == "ingest" and query.subject in ending:
            _close_signal(spark, lake, project, query)
        elif query.flow == "features" and project.feature_sets[query.subject].signal in ending:
            _close_set(spark, lake, project, query)
            if project.feature_sets[query.subject].window.gap:
                deque(backfill(spark, project, query.subject), maxlen=0)


def _close_signal(spark: SparkSession, lake: Lake, project: Project, query: Query) -> None:
    last = _last(spark, lake, query)
    if last is None or last["ended"]:
        return
    writer = Writer(last["query_id"], last["batch_id"])
    plan = plan_of(spark, lake, IngestPlan, query.subject, writer)
    if plan is None or plan.mark.high_water is None:
        return
    newest, at = max([plan.mark.high_water, *plan.mark.ahead]), last["batch_time"].astimezone(UTC)
    reached = ledger.ended_at(spark, lake, writer.query_id)
    if reached is not None and newest <= reached:
        _record(spark, lake, query, writer, at, high_water=instant(reached), watermark=None)
        return
    sets = [one for one in project.feature_sets.values() if one.signal == query.subject]
    described = ingest_job.job(project, query.subject)
    ends = [newest + _closing(one) for one in sets]
    ends += [windows.closing(newest) for windows, _ in described.contract.window_rules]
    window_rules.record_end(spark, described, writer, plan, newest=newest, at=at)
    _record(spark, lake, query, writer, at, high_water=instant(max(ends, default=newest)), watermark=None)


def _closing(feature_set: FeatureSet) -> int:
    """How many seconds after the newest record every window of the set is final.

    A session that ends at the watermark could still be gone on with, by a record of that very second.
    """
    window = feature_set.window
    return int((window.longest + feature_set.delay).total_seconds()) + (1 if window.gap else 0)


def _close_set(spark: SparkSession, lake: Lake, project: Project, query: Query) -> None:
    last, feature_set = _last(spark, lake, query), project.feature_sets[query.subject]
    rows = lake.read(spark, LEDGER.name).where(
        (F.col("flow") == "ingest") & (F.col("subject") == feature_set.signal) & F.col("end_of_input")
    )
    ended = rows.select(F.max(F.unix_seconds("high_water")).alias("high_water")).first()
    if last is None or last["ended"] or last["batch_id"] < 0 or ended is None or ended["high_water"] is None:
        return
    writer, at = Writer(last["query_id"], last["batch_id"]), last["batch_time"].astimezone(UTC)
    high_water = instant(ended["high_water"])
    _record(spark, lake, query, writer, at, high_water=high_water, watermark=high_water - feature_set.delay)


def _last(spark: SparkSession, lake: Lake, query: Query) -> Row | None:
    """The query's last batch in the ledger, and whether it is already known to be the last."""
    query_id = query.checkpoint.query_id(spark)
    rows = lake.read(spark, LEDGER.name).where((F.col("flow") == query.flow) & (F.col("query_id") == query_id))
    grouped = rows.groupBy("query_id", "batch_id").agg(
        F.max("batch_time").alias("batch_time"), F.max("end_of_input").alias("ended")
    )
    return grouped.orderBy(F.desc("batch_id")).first()


def _record(
    spark: SparkSession,
    lake: Lake,
    query: Query,
    writer: Writer,
    at: datetime,
    *,
    high_water: datetime | None,
    watermark: datetime | None,
) -> None:
    entry = ledger.Entry(
        flow=query.flow,
        subject=query.subject,
        slice="end of input",
        rows_in=0,
        outcomes={},
        high_water=high_water,
        watermark=watermark,
        batch_time=at,
        end_of_input=True,
    )
    ledger.record_end(spark, lake, entry, writer)
