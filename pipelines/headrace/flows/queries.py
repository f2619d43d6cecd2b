"""The project's flows as streaming queries: what there is to start, and the tables they need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from headrace.config import duration_text
from headrace.errors import HeadraceError, UsageError
from headrace.flows import features, ingest_job, ingest_source, score, score_job
from headrace.flows.catalog import tables, views
from headrace.flows.checkpoint_check import refuse_damaged
from headrace.flows.project import Project
from headrace.io.checkpoint import Checkpoint
from headrace.io.jvm_lease import hold_in_jvm
from headrace.io.lake import Lake
from headrace.io.lease import hold
from headrace.io.session import use_pool

__all__ = ["FLOWS", "Query", "Stopping", "create_tables", "queries"]

Mode = Literal["append", "update"]
BatchFunction = Callable[[DataFrame, int], None]
FLOWS = ("ingest", "features", "score")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One streaming query that can be started, and started again.

    open: checks the source, then gives the stream and the function that takes its batches.
    """

    flow: str
    subject: str
    checkpoint: Checkpoint
    mode: Mode
    open: Callable[[SparkSession], tuple[DataFrame, BatchFunction]]

    @property
    def name(self) -> str:
        return f"{self.flow}.{self.subject}"

    def start(self, spark: SparkSession, project: Project, *, once: bool, told: Callable[[], bool]) -> StreamingQuery:
        """Start from the checkpoint, in a pool of its own.

        once: drain what is there, then end. told: whether the query was told to stop; it begins no batch then, but
        ends with ``Stopping``, before that batch has any effect. Raises CheckpointDamaged where it cannot go on.
        """
        hold(self.checkpoint.path)
        hold_in_jvm(spark, self.checkpoint.path)
        refuse_damaged(spark, Lake(project.settings.storage), self.flow, self.subject, self.checkpoint)
        use_pool(spark, self.name)
        frame, take = self.open(spark)
        writer = (
            frame.writeStream.queryName(self.name)
            .outputMode(self.mode)
            .option("checkpointLocation", self.checkpoint.path)
            .foreachBatch(partial(_unless, told, take))
        )
        if once:
            return writer.trigger(availableNow=True).start()
        return writer.trigger(processingTime=duration_text(project.settings.trigger)).start()


class Stopping(HeadraceError):
    """Not a failure: how a query that was told to stop ends before its next batch."""


def _unless(told: Callable[[], bool], take: BatchFunction, frame: DataFrame, batch_id: int) -> None:
    if told():
        raise Stopping("told to stop")
    take(frame, batch_id)


def queries(project: Project, flows: Sequence[str] = FLOWS, *, patient: bool = True) -> list[Query]:
    """The queries of the named flows, ``ingest`` or ``ingest.departures``, in the order the data takes."""
    there = [*_ingests(project), *_features(project), *_scores(project, patient=patient)]
    known = {query.name for query in there} | set(FLOWS)
    for name in flows:
        if name not in known:
            raise UsageError(f"there is no flow {name!r}; there are {', '.join(sorted(known))}")
    return [query for query in there if query.flow in flows or query.name in flows]


def create_tables(spark: SparkSession, project: Project) -> None:
    """Make the tables that are not there yet, and the views: before any query, so that no two make one at once."""
    lake = Lake(project.settings.storage)
    for table in tables(project):
        lake.create(spark, table)
    for view in views(project):
        lake.create_view(spark, view)


def _ingests(project: Project) -> Iterable[Query]:
    for signal in project.settings.signals:
        described = ingest_job.job(project, signal)
        yield Query(
            flow="ingest",
            subject=signal,
            checkpoint=described.checkpoint,
            mode="append",
            open=partial(ingest_source.opened_stream, project, signal),
        )


def _features(project: Project) -> Iterable[Query]:
    for name in project.feature_sets:
        described = features.job(project, name)
        yield Query(
            flow="features",
            subject=name,
            checkpoint=described.checkpoint,
            mode="append" if project.feature_sets[name].window.gap else "update",
            open=partial(features.opened_stream, described),
        )


def _scores(project: Project, *, patient: bool) -> Iterable[Query]:
    for name in project.models:
        described = score_job.job(project, name, patient=patient)
        yield Query(
            flow="score",
            subject=name,
            checkpoint=described.checkpoint,
            mode="append",
            open=partial(score.opened_stream, described),
        )
