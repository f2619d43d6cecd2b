"""Where a signal's records come from: its source opened, once it is sure that it is still the same one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from pyspark.sql import DataFrame, SparkSession

from headrace.config import DeltaSource, FileSource, KafkaSource, Source
from headrace.contracts.judge import judge
from headrace.errors import SourceChanged
from headrace.flows.batch import opened
from headrace.flows.ingest import ingest_batch
from headrace.flows.ingest_job import FLOW, Ingest, job
from headrace.flows.project import Project
from headrace.flows.unread import source_folder
from headrace.io import kafka_admin, ledger
from headrace.io.checkpoint import Checkpoint
from headrace.io.delta_source import SourceTable, arrivals, row_envelopes, row_stream, source_table
from headrace.io.offsets import last_version
from headrace.io.sources import file_envelopes, kafka_envelopes
from headrace.io.table_query import query_table
from headrace.tables import BATCH_PLANS

__all__ = ["ingest_rows", "opened_stream"]

BatchFunction = Callable[[DataFrame, int], None]

_NEWEST_CHOICES = """
    SELECT choices FROM {table} WHERE query_id = ? AND flow = ? AND choices IS NOT NULL
    ORDER BY batch_id DESC, revision DESC LIMIT 1
"""


def opened_stream(project: Project, signal: str, spark: SparkSession) -> tuple[DataFrame, BatchFunction]:
    """The signal's judged stream and what takes its batches; of a table's rows, which get their identity in the batch,
    the stream as it is read.

    Raises SourceChanged for a topic or table made anew, SourceMissing for a folder or table that is not there.
    """
    source = project.settings.signals[signal].source
    if isinstance(source, DeltaSource):
        return _opened_table(project, signal, spark, source)
    described = _described(spark, project, signal, source, _topic_id(source))
    if isinstance(source, FileSource):
        source_folder(project, signal)
        envelopes = file_envelopes(spark, source, signal)
    else:
        envelopes = kafka_envelopes(spark, source, str(described.source_id))
    return judge(envelopes, described.contract), partial(ingest_batch, described)


def ingest_rows(ingest: Ingest, location: str, start: int, payloads: DataFrame, batch_id: int) -> None:
    """Take one batch of a table's rows through the flow.

    location: folder of the table. start: the version its first batch begins with.
    """
    batch = opened(payloads, batch_id, ingest.checkpoint)
    first = int(batch.before.source["reservoirVersion"]) if batch.before else start
    arrived = arrivals(batch.spark, location, range(first, last_version(batch.offsets.source) + 1))
    ingest_batch(ingest, judge(row_envelopes(payloads, ingest.signal, arrived), ingest.contract), batch_id)


def _opened_table(
    project: Project, signal: str, spark: SparkSession, source: DeltaSource
) -> tuple[DataFrame, BatchFunction]:
    table = source_table(spark, source)
    described = _described(spark, project, signal, source, table.id)
    start = _start(spark, table, described.checkpoint)
    return row_stream(spark, table, start), partial(ingest_rows, described, table.location, start)


def _start(spark: SparkSession, table: SourceTable, checkpoint: Checkpoint) -> int:
    """The version that the query begins with.

    What ``latest`` was at its first start: until a first batch has ended, Delta would ask anew at each start, and
    pass over what was committed between them.
    """
    starting = table.source.starting
    if starting == "latest":
        return int(checkpoint.pinned(spark, "starting", lambda: str(table.version + 1)))
    return 0 if starting == "earliest" else starting


def _described(spark: SparkSession, project: Project, signal: str, source: Source, source_id: str | None) -> Ingest:
    described = job(project, signal, source_id)
    _refuse_other_place(spark, described, source)
    _refuse_other(spark, described, source)
    return replace(described, ended_at=ledger.ended_at(spark, described.lake, described.checkpoint.query_id(spark)))


def _topic_id(source: FileSource | KafkaSource) -> str | None:
    if isinstance(source, FileSource):
        return None
    return kafka_admin.topic_id(source.bootstrap, source.topic, source.opened)


def _refuse_other_place(spark: SparkSession, ingest: Ingest, source: Source) -> None:
    """Offsets of one kind of source, or in one folder, say nothing in another. Topics and tables have ids beside."""
    place = f"the files of {source.path}" if isinstance(source, FileSource) else f"a source of kind {source.kind}"
    made_for = ingest.checkpoint.pinned(spark, "source", lambda: place)
    if made_for != place:
        raise SourceChanged(
            f"the checkpoint {ingest.checkpoint.path} of signal {ingest.signal} was made for {made_for}, and conf/ has "
            f"{place}. Put the source back, or move that folder away to read the new one as a new generation."
        )


def _refuse_other(spark: SparkSession, ingest: Ingest, source: Source) -> None:
    """A topic made anew starts at offset 0 again; Spark would skip what lies below its checkpoint without a word."""
    query_id = ingest.checkpoint.query_id(spark)
    if query_id is None or ingest.source_id is None:
        return
    rows = query_table(spark, ingest.lake, BATCH_PLANS, _NEWEST_CHOICES, query_id, FLOW)
    known = json.loads(rows[0]["choices"]).get("source_id") if rows else None
    if known not in (None, ingest.source_id):
        what = f"topic {source.topic}" if isinstance(source, KafkaSource) else f"table {source.place}"
        raise SourceChanged(
            f"{what} of signal {ingest.signal} was deleted and made anew (id {known} is now "
            f"{ingest.source_id}): it no longer fits the checkpoint {ingest.checkpoint.path}. "
            "Move that folder away to read the new one from its start, as a new generation."
        )
