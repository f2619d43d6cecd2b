"""Features: accepted signals → event-time windows an entity → ``features_<set>_log``, ``ledger``.

Every batch appends the new value of each window it touched. Which value is final is not written on it: the ledger
records how far the signal had come, and a window that ended at or before that can change no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from headrace.contracts.model import Contract
from headrace.features.spec import FeatureSet
from headrace.features.windows import in_time, wanted, windowed
from headrace.flows.batch import Batch, Upstream, instant, opened, readable_at, rows_of, seconds, stamped, upstream
from headrace.flows.catalog import feature_table
from headrace.flows.generation import Opening, checkpoint_of, opening
from headrace.flows.online_follow import Follower, catch_up
from headrace.flows.plans.features import FeaturesPlan
from headrace.flows.plans.ingest import IngestPlan
from headrace.flows.project import Project
from headrace.io import ledger
from headrace.io.checkpoint import Checkpoint
from headrace.io.lake import Lake, Writer
from headrace.io.lease import hold
from headrace.io.online.codec import Codec
from headrace.io.plans import plan_of, planned
from headrace.tables import Table

__all__ = ["Features", "features_batch", "job", "logged", "opened_stream", "outcomes", "stream"]

FLOW = FeaturesPlan.flow
_OUTCOMES = ("windowed", "late", "skipped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """All that one feature set's batches need.

    at_most: how many upstream batches a batch takes.
    opening: what its generation begins with; None for the first, which begins with the signal's first commit.
    leeway: how far a record may run ahead of the high-water mark; Spark's own watermark stays behind by this much
        more than the set's delay, so that one record far ahead cannot make it drop the others.
    online: what brings the online view up to the log; None where the settings name none.
    """

    feature_set: FeatureSet
    contract: Contract
    leeway: timedelta
    lake: Lake
    checkpoint: Checkpoint
    at_most: int
    opening: Opening | None = None
    online: Follower | None = None


def job(project: Project, name: str) -> Features:
    """The flow of one feature set as the project declares it."""
    feature_set = project.feature_set(name)
    return Features(
        feature_set=feature_set,
        contract=project.contracts[feature_set.signal],
        leeway=project.settings.signals[feature_set.signal].clock.max_jump,
        lake=Lake(project.settings.storage),
        at_most=project.settings.upstream_batches,
        checkpoint=checkpoint_of(project, feature_set),
        online=_follower(project, feature_set),
    )


def _follower(project: Project, feature_set: FeatureSet) -> Follower | None:
    if project.settings.online is None:
        return None
    log = feature_table(feature_set, project.contracts[feature_set.signal])
    return Follower(
        feature_set=feature_set,
        codec=Codec.of(log, feature_set.entity, feature_set.columns),
        log=log.name,
        leeway=project.settings.signals[feature_set.signal].clock.max_jump,
        lake=Lake(project.settings.storage),
        place=project.settings.online,
    )


def stream(spark: SparkSession, features: Features) -> DataFrame:
    """The set's windows as a stream: as every batch leaves them, and sessions as they are closed."""
    feature_set, begun = features.feature_set, features.opening
    version = begun.version if begun else 0
    rows = features.lake.stream(spark, f"signals_{feature_set.signal}", version=version, max_files=features.at_most)
    windows = windowed(rows, feature_set, watermark=feature_set.delay + features.leeway)
    if begun is None or begun.boundary is None:
        return windows
    return windows.where(F.unix_micros("window_end") > begun.boundary * 1_000_000)


def opened_stream(features: Features, spark: SparkSession) -> tuple[DataFrame, Callable[[DataFrame, int], None]]:
    """The stream of the set's generation, and what takes its batches. Raises ConfigError where that is another one.

    What the online view lacks from before is made up for first.
    """
    hold(features.checkpoint.path.rpartition("/")[0])
    begun = replace(features, opening=opening(spark, features.lake, features.feature_set, features.checkpoint))
    frame = stream(spark, begun)
    catch_up(spark, features.online)
    return frame, partial(features_batch, begun)


def features_batch(features: Features, windows: DataFrame, batch_id: int) -> None:
    """Take one batch through the flow. Any number of attempts leave what one would have left."""
    watch = ledger.Stopwatch()
    batch = opened(windows, batch_id, features.checkpoint)
    target = feature_table(features.feature_set, features.contract)
    tried_before = True

    def choose() -> FeaturesPlan:
        nonlocal tried_before
        tried_before = False
        return _chosen(features, batch, target, read)

    with watch.lap("plan"):
        first = features.opening.version if features.opening else 0
        read = upstream(batch, features.lake, f"signals_{features.feature_set.signal}", first)
        name, at = features.feature_set.name, batch.offsets.time
        plan = planned(batch.spark, features.lake, FeaturesPlan, name, batch.writer, at=at, choose=choose)
    with watch.lap("write"):
        rows = logged(windows, batch.writer, batch.offsets.time)
        # What is there already is not written again, and so would not be computed; but Spark wants its state anew.
        if tried_before:
            rows.persist()
        try:
            if tried_before:
                rows.count()
            features.lake.append(rows, target, batch.writer, after=plan.after.get(target.name))
        finally:
            rows.unpersist()
    with watch.lap("account"):
        entries = _entries(features, batch, target, read, plan, watch)
    ledger.record(batch.spark, features.lake, entries, batch.writer)
    catch_up(batch.spark, features.online)


def _chosen(features: Features, batch: Batch, target: Table, read: Sequence[Upstream]) -> FeaturesPlan:
    """How far the signal had come with the last upstream batch of this one that ingest wrote, or else before it.

    Of sessions how far Spark gives them out, which is by its own watermark: that is farther behind.
    """
    signal = features.feature_set.signal
    plans = (plan_of(batch.spark, features.lake, IngestPlan, signal, part.writer) for part in reversed(read))
    last = next((plan for plan in plans if plan is not None), None)
    high_water = last.mark.high_water if last is not None else _reached_before(features, batch)
    if features.feature_set.window.gap is not None:
        given_out = batch.offsets.watermark
        high_water = seconds(given_out + features.feature_set.delay) if given_out is not None else None
    return FeaturesPlan(
        definition=features.feature_set.fingerprint,
        read=tuple(part.slice for part in read),
        high_water=high_water,
        watermark=_watermark(features, high_water),
        after=batch.versions(features.lake, (target,)),
    )


def _reached_before(features: Features, batch: Batch) -> int | None:
    plan = plan_of(batch.spark, features.lake, FeaturesPlan, features.feature_set.name, batch.writer.before)
    if plan is not None:
        return plan.high_water
    begun = features.opening.high_water if features.opening else None
    return seconds(begun) if begun else None


def _watermark(features: Features, high_water: int | None) -> int | None:
    """No record with an earlier event time will ever be on time again: ``late_by`` is at most the delay."""
    return None if high_water is None else high_water - int(features.feature_set.delay.total_seconds())


def logged(windows: DataFrame, writer: Writer, at: datetime) -> DataFrame:
    """Windows as rows of the set's log: who computed them, and when."""
    return stamped(windows, writer).withColumns({"computed_at": F.lit(at), "window_date": F.to_date("window_end")})


def _entries(
    features: Features,
    batch: Batch,
    target: Table,
    read: Sequence[Upstream],
    plan: FeaturesPlan,
    watch: ledger.Stopwatch,
) -> list[ledger.Entry]:
    """One entry an upstream batch, and one for what this batch committed as a whole."""
    spark, lake = batch.spark, features.lake
    readable = readable_at(batch, lake, target, plan.after)
    counted = ledger.count_committed(spark, lake, (target,), batch.writer, F.lit(ledger.WHOLE), plan.after)
    beside = _count_outcomes(features, spark, read) if read else None
    rows = _collected(counted, beside)
    written = ledger.by_table((target,), [row for row in rows if row["table"] is not None])[target.name]
    found = _by_slice(row for row in rows if row["table"] is None)
    common: dict[str, Any] = {
        "flow": FLOW,
        "subject": features.feature_set.name,
        "high_water": instant(plan.high_water),
        "watermark": instant(plan.watermark),
        "engine_watermark": batch.offsets.watermark,
        "batch_time": batch.offsets.time,
        "readable_at": readable,
        "durations": watch.laps,
    }
    digests = {target.name: written[ledger.WHOLE][1]} if written else {}
    whole = ledger.Entry(slice=ledger.WHOLE, rows_in=0, outcomes={}, digests=digests, **common)
    parts = [
        ledger.Entry(slice=part.slice, rows_in=part.rows, outcomes=found.get(part.slice, {}), **common) for part in read
    ]
    return [whole, *parts]


def outcomes(features: Features, spark: SparkSession, read: Sequence[Upstream]) -> dict[str, dict[str, int]]:
    """By slice how many of its records are in windows and how many late; the set is not about the rest.

    read: upstream batches, in the order of query and batch.
    """
    return _by_slice(_count_outcomes(features, spark, read).collect()) if read else {}


def _count_outcomes(features: Features, spark: SparkSession, read: Sequence[Upstream]) -> DataFrame:
    signal = f"signals_{features.feature_set.signal}"
    rows = rows_of(spark, features.lake, signal, read) or features.lake.read(spark, signal)
    first, last = read[0].writer.batch_id, read[-1].writer.batch_id
    if read[0].writer.query_id == read[-1].writer.query_id:
        rows = rows.where((F.col("query_id") == read[0].writer.query_id) & F.col("batch_id").between(first, last))
    about, timely = wanted(features.feature_set), in_time(features.feature_set)
    return rows.groupBy(F.concat_ws("/", "query_id", "batch_id").alias("slice")).agg(
        F.count_if(about & timely).alias("windowed"),
        F.count_if(about & ~timely).alias("late"),
        F.count_if(~about).alias("skipped"),
    )


def _by_slice(counted: Iterable[Row]) -> dict[str, dict[str, int]]:
    return {row["slice"]: {name: row[name] for name in _OUTCOMES} for row in counted}


def _collected(committed: DataFrame | None, outcomes: DataFrame | None) -> list[Row]:
    """Both in one job; a row of the second names no table."""
    if committed is None:
        return outcomes.withColumn("table", F.lit(None)).collect() if outcomes is not None else []
    both = committed if outcomes is None else committed.unionByName(outcomes, allowMissingColumns=True)
    return both.collect()
