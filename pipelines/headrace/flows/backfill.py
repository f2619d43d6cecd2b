"""Backfill: late and replayed records into the final windows of a feature set → ``features_<set>_log``, ``ledger``.

The same function that the stream computes windows with, over all accepted records whatever their lateness. A backfill
is a batch like any other: planned before it has effects, written through the same door, ledgered last, of a writer of
its own per set. Only windows that change no more are touched, and only those whose value differs are written, so doing
it twice adds nothing. A batch that was begun and not ended is ended first.

Sessions are the exception: a late record may make one session of two, and the log takes nothing back. Of them only
those are written that a finite input left open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.features.compare import differs
from headrace.features.spec import FeatureSet
from headrace.flows import features
from headrace.flows.batch import instant
from headrace.flows.catalog import feature_table
from headrace.flows.expiry import expired_until
from headrace.flows.generation import current
from headrace.flows.ingest_job import ACCEPTING
from headrace.flows.online_follow import catch_up
from headrace.flows.plans.backfill import BackfillPlan
from headrace.flows.project import Project
from headrace.flows.stretch import Stretch, ending, stretches, write
from headrace.io import ledger
from headrace.io.cut import backfill_of
from headrace.io.cuts import cuts
from headrace.io.lake import Lake, Writer
from headrace.io.lease import hold
from headrace.io.plans import last_planned, planned
from headrace.io.wall import now
from headrace.tables import LEDGER, Table

__all__ = ["Filled", "backfill", "windows"]

FLOW = BackfillPlan.flow


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """One batch of a backfill: the ends of its windows, how many there are, and how many have another value now."""

    first: datetime
    end: datetime
    windows: int
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Backfill:
    """All that the batches of one set's backfill need."""

    feature_set: FeatureSet
    target: Table
    lake: Lake
    query_id: str


def backfill(
    spark: SparkSession, project: Project, name: str, first: datetime | None = None, end: datetime | None = None
) -> Iterator[Filled]:
    """Fold every accepted record into the set's final windows that end in ``(first, end]``; all of them if left out.

    One result a batch, as it is done. Raises InfrastructureError when another process backfills this set, UsageError
    when there is no such set.
    """
    here = _described(spark, project, name)
    if here is None:
        return
    hold(f"{project.settings.storage.checkpoint_root}/{FLOW}/{name}")
    begun, ended = last_planned(spark, here.lake, here.query_id), _last_ended(spark, here)
    if begun > ended:
        yield _batch(spark, here, Writer(here.query_id, begun), None)
    number = max(begun, ended) + 1
    for stretch in _stretches(spark, here, first, end):
        yield _batch(spark, here, Writer(here.query_id, number), stretch)
        number += 1
    catch_up(spark, features.job(project, name).online)


def _described(spark: SparkSession, project: Project, name: str) -> _Backfill | None:
    """None if the set has no window yet. Raises ConfigError where its windows are of another definition."""
    described = features.job(project, name)
    cut = current(spark, described.lake, described.feature_set, described.checkpoint)
    if cut is None:
        return None
    return _Backfill(
        feature_set=described.feature_set,
        target=feature_table(described.feature_set, described.contract),
        lake=described.lake,
        query_id=backfill_of(cut.query_id),
    )


def _last_ended(spark: SparkSession, here: _Backfill) -> int:
    return ledger.last_batches(spark, here.lake, (FLOW,), here.feature_set.name).get(here.query_id, -1)


def _stretches(spark: SparkSession, here: _Backfill, first: datetime | None, end: datetime | None) -> Iterator[Stretch]:
    """The asked range as far as windows are final."""
    final = _final_until(spark, here)
    rows = here.lake.read(spark, f"signals_{here.feature_set.signal}").agg(F.min(F.unix_seconds("event_time"))).first()
    if final is None or rows is None or rows[0] is None:
        return
    at = max(first or instant(rows[0]), instant(rows[0]))
    expired = expired_until(spark, here.lake, here.feature_set.signal)
    if expired is not None:  # what is left of a window's records would give it a wrong value
        at = max(at, expired + here.feature_set.window.longest)
    yield from stretches(here.feature_set, at, min(end or final, final))


def _final_until(spark: SparkSession, here: _Backfill) -> datetime | None:
    """No later batch of the set's newest generation changes a window that ended by then."""
    name = here.feature_set.name
    cut = cuts(spark, here.lake, [name])[name]
    book = here.lake.read(spark, LEDGER.name).where((F.col("flow") == features.FLOW) & (F.col("subject") == name))
    row = book.where(F.col("query_id") == cut.query_id).agg(F.max(F.unix_seconds("watermark"))).first()
    return instant(row[0]) if row is not None else None


def _batch(spark: SparkSession, here: _Backfill, writer: Writer, stretch: Stretch | None) -> Filled:
    watch, name = ledger.Stopwatch(), here.feature_set.name
    with watch.lap("plan"):
        began = now()
        plan = planned(
            spark,
            here.lake,
            BackfillPlan,
            name,
            writer,
            at=began,
            choose=lambda: _chosen(spark, here, stretch, began),
        )
    with watch.lap("compute"):
        found = windows(spark, here.lake, here.feature_set, plan)
        total = found.count()
    rows = _changed(spark, here, found, plan, writer)
    changed, digests = write(spark, here.lake, rows, here.target, writer, watch)
    entry = ledger.Entry(
        flow=FLOW,
        subject=name,
        slice=ledger.WHOLE,
        rows_in=total,
        outcomes={"changed": changed, "unchanged": total - changed},
        digests=digests,
        batch_time=plan.at,
        durations=watch.laps,
    )
    ledger.record(spark, here.lake, [entry], writer)
    return Filled(first=plan.stretch.first, end=plan.stretch.end, windows=total, changed=changed)


def _chosen(spark: SparkSession, here: _Backfill, stretch: Stretch | None, at: datetime) -> BackfillPlan:
    assert stretch is not None, "a batch that was begun has a plan"
    feature_set = here.feature_set
    return BackfillPlan(
        stretch=stretch,
        signals=ledger.last_batches(spark, here.lake, ACCEPTING, feature_set.signal),
        features=cuts(spark, here.lake, [feature_set.name])[feature_set.name],
        definition=feature_set.fingerprint,
        at=at,
    )


def windows(spark: SparkSession, lake: Lake, feature_set: FeatureSet, plan: BackfillPlan) -> DataFrame:
    """Every window that ends in the span of a batch, from all records accepted up to the cut it chose."""
    rows = lake.as_of(spark, f"signals_{feature_set.signal}", plan.signals)
    return ending(rows, feature_set, plan.stretch, late=not feature_set.window.gap)


def _changed(spark: SparkSession, here: _Backfill, found: DataFrame, plan: BackfillPlan, writer: Writer) -> DataFrame:
    """Those windows whose value is not the one that counted at the cut."""
    feature_set, cut = here.feature_set, plan.features
    values = [*feature_set.columns, "records"]
    keys = [*feature_set.entity, "window_start"]
    log = here.lake.as_of(spark, here.target.name, cut.batches)
    rank = F.struct((F.col("query_id") == F.lit(here.query_id)).alias("backfilled"), "batch_id")
    counted = log.groupBy(*keys).agg(F.max_by(F.struct(*values), rank).alias("known"))
    both = found.join(counted, keys, "left")
    types = {column.name: column.type for column in here.target.columns}
    apart = (differs(F.col(name), F.col(f"known.{name}"), types[name]) for name in values)
    return features.logged(both.where(reduce(or_, apart, F.col("known").isNull())), writer, plan.at)
