"""Backfill: late and replayed records into the final windows of a feature set → ``features_<set>_log``, ``ledger``.

The same function that the stream computes windows with, over all accepted records whatever their lateness. A backfill
is a batch like any other: planned before it has effects, written through the same door, ledgered last, of a writer of
its own per set. Only windows that change no more are touched, and only those whose value differs are written, so doing
it twice adds nothing. A batch that was begun and not ended is ended first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.errors import UsageError
from headrace.features.spec import FeatureSet
from headrace.features.windows import windowed
from headrace.flows import features
from headrace.flows.expiry import expired_until
from headrace.flows.ingest_job import ACCEPTING
from headrace.flows.project import Project
from headrace.io import ledger
from headrace.io.cuts import Cut, cuts
from headrace.io.lake import Lake, Writer
from headrace.io.lease import hold
from headrace.io.plans import last_planned, planned
from headrace.io.wall import now
from headrace.tables import LEDGER, Table

__all__ = ["Filled", "backfill"]

FLOW = "backfill"
# How many days of windows one batch takes: memory is bounded by it, and so is what a kill costs.
DAYS = 7


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
    here = _described(project, name)
    hold(f"{project.settings.storage.checkpoint_root}/{FLOW}/{name}")
    begun, ended = last_planned(spark, here.lake, here.query_id), _last_ended(spark, here)
    if begun > ended:
        yield _batch(spark, here, Writer(here.query_id, begun), None)
    number = max(begun, ended) + 1
    for span in _spans(spark, here, first, end):
        yield _batch(spark, here, Writer(here.query_id, number), span)
        number += 1


def _described(project: Project, name: str) -> _Backfill:
    if name not in project.feature_sets:
        raise UsageError(f"there is no feature set {name!r}; there are {', '.join(sorted(project.feature_sets))}")
    feature_set, storage = project.feature_sets[name], project.settings.storage
    place = storage.root or f"{storage.catalog}.{storage.schema_}"
    return _Backfill(
        feature_set=feature_set,
        target=features.table(feature_set, project.contracts[feature_set.signal]),
        lake=Lake(storage),
        query_id=str(uuid5(NAMESPACE_URL, f"headrace:{FLOW}/{place}/{name}")),
    )


def _last_ended(spark: SparkSession, here: _Backfill) -> int:
    return ledger.last_batches(spark, here.lake, (FLOW,), here.feature_set.name).get(here.query_id, -1)


def _spans(
    spark: SparkSession, here: _Backfill, first: datetime | None, end: datetime | None
) -> Iterator[tuple[datetime, datetime]]:
    """The asked range as far as windows are final, in steps."""
    final = _final_until(spark, here)
    rows = here.lake.read(spark, f"signals_{here.feature_set.signal}").agg(F.min(F.unix_seconds("event_time"))).first()
    if final is None or rows is None or rows[0] is None:
        return
    at = max(first or _instant(rows[0]), _instant(rows[0]))
    expired = expired_until(spark, here.lake, here.feature_set.signal)
    if expired is not None:  # what is left of a window's records would give it a wrong value
        at = max(at, expired + here.feature_set.window.length)
    last = min(end or final, final)
    while at < last:
        yield at, min(at + timedelta(days=DAYS), last)
        at += timedelta(days=DAYS)


def _final_until(spark: SparkSession, here: _Backfill) -> datetime | None:
    """No later batch of the set's newest generation changes a window that ended by then."""
    name = here.feature_set.name
    cut = cuts(spark, here.lake, [name])[name]
    book = here.lake.read(spark, LEDGER.name).where((F.col("flow") == features.FLOW) & (F.col("subject") == name))
    row = book.where(F.col("query_id") == cut.query_id).agg(F.max(F.unix_seconds("watermark"))).first()
    return _instant(row[0]) if row is not None and row[0] is not None else None


def _batch(spark: SparkSession, here: _Backfill, writer: Writer, span: tuple[datetime, datetime] | None) -> Filled:
    watch, name = ledger.Stopwatch(), here.feature_set.name
    with watch.lap("plan"):
        began = now()
        choices = planned(
            spark,
            here.lake,
            FLOW,
            name,
            writer,
            at=began,
            choose=lambda: _choices(spark, here, span, began),
        )
    with watch.lap("write"):
        windows = _windows(spark, here, choices)
        total = windows.count()
        here.lake.append(_changed(spark, here, windows, choices, writer), here.target, writer)
    with watch.lap("account"):
        written = ledger.committed(spark, here.lake, (here.target,), writer, F.lit(ledger.WHOLE))[here.target.name]
        changed, digest = written.get(ledger.WHOLE, (0, ""))
    entry = ledger.Entry(
        flow=FLOW,
        subject=name,
        slice=ledger.WHOLE,
        rows_in=total,
        outcomes={"changed": changed, "unchanged": total - changed},
        digests={here.target.name: digest} if changed else {},
        batch_time=datetime.fromisoformat(choices["at"]),
        durations=watch.laps,
    )
    ledger.record(spark, here.lake, [entry], writer)
    first, end = (datetime.fromisoformat(choices[key]) for key in ("first", "end"))
    return Filled(first=first, end=end, windows=total, changed=changed)


def _choices(
    spark: SparkSession, here: _Backfill, span: tuple[datetime, datetime] | None, at: datetime
) -> Mapping[str, Any]:
    assert span is not None, "a batch that was begun has a plan"
    feature_set = here.feature_set
    return {
        "first": span[0].isoformat(),
        "end": span[1].isoformat(),
        "signals": ledger.last_batches(spark, here.lake, ACCEPTING, feature_set.signal),
        "features": cuts(spark, here.lake, [feature_set.name])[feature_set.name].to_json(),
        "definition": feature_set.fingerprint,
        "at": at.isoformat(),
    }


def _windows(spark: SparkSession, here: _Backfill, choices: Mapping[str, Any]) -> DataFrame:
    """Every window that ends in the span, from all records accepted up to the cut."""
    feature_set = here.feature_set
    first, end = (datetime.fromisoformat(choices[key]) for key in ("first", "end"))
    rows = here.lake.as_of(spark, f"signals_{feature_set.signal}", choices["signals"])
    near = rows.where(F.col("event_time").between(F.lit(first - feature_set.window.length), F.lit(end)))
    ends = (F.col("window_end") > F.lit(first)) & (F.col("window_end") <= F.lit(end))
    return windowed(near, feature_set, late=True).where(ends)


def _changed(
    spark: SparkSession, here: _Backfill, windows: DataFrame, choices: Mapping[str, Any], writer: Writer
) -> DataFrame:
    """Those windows whose value is not the one that counted at the cut."""
    feature_set, cut = here.feature_set, Cut.from_json(choices["features"])
    values = [*feature_set.columns, "records"]
    keys = [*feature_set.entity, "window_start"]
    log = here.lake.as_of(spark, here.target.name, cut.batches)
    rank = F.struct((F.col("query_id") == F.lit(here.query_id)).alias("backfilled"), "batch_id")
    counted = log.groupBy(*keys).agg(F.max_by(F.struct(*values), rank).alias("known"))
    both = windows.join(counted, keys, "left")
    differs = reduce(or_, (~F.col(name).eqNullSafe(F.col(f"known.{name}")) for name in values), F.col("known").isNull())
    return both.where(differs).withColumns(
        {
            "computed_at": F.lit(datetime.fromisoformat(choices["at"])),
            "window_date": F.to_date("window_end"),
            "query_id": F.lit(writer.query_id),
            "batch_id": F.lit(writer.batch_id).cast("bigint"),
        }
    )


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)
