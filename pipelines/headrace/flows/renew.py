"""Renew: a feature set's next generation → ``features_<set>_log``, ``ledger``, a checkpoint its stream goes on from.

For a definition that changed, or a checkpoint that is lost. All windows that are final by now are computed from the
signal's table, a week a batch; only then the new generation takes over, by one row of the ledger, and until then
readers see the old one. What was begun and not ended is ended by doing it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.features.windows import in_time, wanted, windowed
from headrace.flows import features
from headrace.flows.batch import Upstream, instant, seconds
from headrace.flows.catalog import feature_table
from headrace.flows.expiry import expired_until
from headrace.flows.features import Features
from headrace.flows.generation import Opening, opening_writer
from headrace.flows.ingest_job import ACCEPTING
from headrace.flows.project import Project
from headrace.flows.stretch import Stretch, ending, stretches, write
from headrace.io import ledger
from headrace.io.cut import history_of
from headrace.io.lake import Writer
from headrace.io.lease import hold
from headrace.io.plans import planned
from headrace.io.wall import now
from headrace.tables import LEDGER

__all__ = ["Computed", "renew"]

FLOW = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """One batch of a history: the ends of its windows, and how many there are."""

    first: datetime
    end: datetime
    windows: int


def renew(spark: SparkSession, project: Project, name: str) -> Iterator[Computed]:
    """Make the next generation of a set ready and let it take over. One result a batch, as it is done.

    Nothing is done, and nothing comes, if the generation of this definition is the set's own already.
    Raises InfrastructureError while the set's query runs, UsageError when there is no such set.
    """
    described = features.job(project, name)
    hold(f"{project.settings.storage.checkpoint_root}/features/{name}")
    query_id = described.checkpoint.begun(spark)
    if query_id in ledger.last_batches(spark, described.lake, (features.FLOW,), name):
        return
    opening = _opening(spark, described, query_id)
    writer = Writer(history_of(query_id), 0)
    ended = ledger.last_batches(spark, described.lake, (FLOW,), name).get(writer.query_id, -1)
    for number, stretch in enumerate(_stretches(described, opening)):
        if number > ended:
            yield _batch(spark, described, Writer(writer.query_id, number), opening, stretch)
    _take_over(spark, described, query_id, opening)


def _opening(spark: SparkSession, described: Features, query_id: str) -> Opening:
    """What was chosen when it was begun; chosen now if this is the first time."""
    name, writer, at = described.feature_set.name, opening_writer(query_id), now()
    return planned(spark, described.lake, Opening, name, writer, at=at, choose=lambda: _chosen(spark, described, at))


def _chosen(spark: SparkSession, described: Features, at: datetime) -> Opening:
    feature_set, lake = described.feature_set, described.lake
    signals = ledger.last_batches(spark, lake, ACCEPTING, feature_set.signal)
    high_water = _high_water(spark, described)
    rows = lake.as_of(spark, f"signals_{feature_set.signal}", signals)
    first = rows.agg(F.min(F.unix_seconds("event_time"))).first()
    if high_water is None or first is None or first[0] is None:
        boundary, version = None, 0
    else:
        # A session that ends at the watermark is gone on with by a record of that very second.
        boundary = seconds(high_water - feature_set.delay) - (1 if feature_set.window.gap else 0)
        version = _version(spark, described, rows, boundary, signals)
    return Opening(
        definition=feature_set.fingerprint,
        boundary=boundary,
        version=version,
        first=_first(spark, described, first[0]) if boundary is not None and first is not None else None,
        high_water=high_water,
        signals=signals,
        at=at,
    )


def _first(spark: SparkSession, described: Features, first: int) -> datetime:
    """Where the history begins: windows that held a record that has expired cannot be computed anew."""
    expired = expired_until(spark, described.lake, described.feature_set.signal)
    return instant(first) if expired is None else max(instant(first), expired + described.feature_set.window.longest)


def _high_water(spark: SparkSession, described: Features) -> datetime | None:
    """How far the signal had come."""
    book = described.lake.read(spark, LEDGER.name)
    mine = book.where((F.col("flow") == "ingest") & (F.col("subject") == described.feature_set.signal))
    row = mine.agg(F.max(F.unix_seconds("high_water"))).first()
    return instant(row[0]) if row is not None else None


def _version(spark: SparkSession, described: Features, rows: DataFrame, boundary: int, signals: dict[str, int]) -> int:
    """The first commit of the signal's table that holds a record of a window beyond the boundary, or else the last."""
    feature_set = described.feature_set
    begin = _begin(rows, described, boundary)
    commits = [
        (commit.version, commit.writer)
        for commit in described.lake.commits(spark, f"signals_{feature_set.signal}")
        if commit.writer.batch_id <= signals.get(commit.writer.query_id, -1)
    ]
    last = max((version for version, _ in commits), default=0)
    open_ = rows.where(wanted(feature_set) & in_time(feature_set) & (F.col("event_time") >= F.lit(begin)))
    holding = {(row["query_id"], row["batch_id"]) for row in open_.select("query_id", "batch_id").distinct().collect()}
    return min((version for version, writer in commits if (writer.query_id, writer.batch_id) in holding), default=last)


def _begin(rows: DataFrame, described: Features, boundary: int) -> datetime:
    """No record before this is in a window that ends beyond the boundary."""
    window = described.feature_set.window
    if not window.gap:
        return instant(boundary) - window.longest
    sessions = windowed(rows, described.feature_set).where(F.unix_seconds("window_end") > boundary)
    row = sessions.agg(F.min(F.unix_seconds("window_start"))).first()
    return instant(row[0] if row is not None and row[0] is not None else boundary)


def _stretches(described: Features, opening: Opening) -> Iterator[Stretch]:
    if opening.boundary is None or opening.first is None:
        return
    yield from stretches(described.feature_set, opening.first, instant(opening.boundary))


def _batch(spark: SparkSession, described: Features, writer: Writer, opening: Opening, stretch: Stretch) -> Computed:
    """One stretch of the history, as the stream would have written it in the end."""
    watch, feature_set, lake = ledger.Stopwatch(), described.feature_set, described.lake
    rows = lake.as_of(spark, f"signals_{feature_set.signal}", opening.signals)
    windows = features.logged(ending(rows, feature_set, stretch), writer, opening.at)
    target = feature_table(feature_set, described.contract)
    count, digests = write(spark, lake, windows, target, writer, watch)
    entry = ledger.Entry(
        flow=FLOW,
        subject=feature_set.name,
        slice=ledger.WHOLE,
        rows_in=count,
        outcomes={"windows": count},
        digests=digests,
        batch_time=opening.at,
        durations=watch.laps,
    )
    ledger.record(spark, lake, [entry], writer)
    return Computed(first=stretch.first, end=stretch.end, windows=count)


def _take_over(spark: SparkSession, described: Features, query_id: str, opening: Opening) -> None:
    """Say that the history is whole, and what it took in: the batches that the stream will not read."""
    feature_set, lake = described.feature_set, described.lake
    signal = f"signals_{feature_set.signal}"
    writers = [commit.writer for commit in lake.commits(spark, signal, opening.version)]
    again = {(writer.query_id, writer.batch_id) for writer in writers}
    taken = lake.as_of(spark, signal, opening.signals).groupBy("query_id", "batch_id").count()
    before = [
        Upstream(Writer(row["query_id"], row["batch_id"]), row["count"])
        for row in taken.orderBy("query_id", "batch_id").collect()
        if (row["query_id"], row["batch_id"]) not in again
    ]
    outcomes = features.outcomes(described, spark, before)
    whole = ledger.Entry(
        flow=features.FLOW,
        subject=feature_set.name,
        slice=ledger.WHOLE,
        rows_in=0,
        outcomes={},
        high_water=opening.high_water,
        watermark=opening.high_water and opening.high_water - feature_set.delay,
        batch_time=now(),
    )
    parts = [replace(whole, slice=one.slice, rows_in=one.rows, outcomes=outcomes.get(one.slice, {})) for one in before]
    ledger.record_opening(spark, lake, [whole, *parts], query_id)
