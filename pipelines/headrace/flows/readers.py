"""The queries that stream a signal's table: how far each has come, and so what none of them needs any more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from headrace.flows.project import Project
from headrace.flows.queries import Query, queries
from headrace.io import ledger
from headrace.io.lake import Lake
from headrace.io.offsets import last_version, reached_offset
from headrace.tables import LEDGER

__all__ = ["Reader", "not_beyond", "readers", "taken_by_all"]


@dataclass(frozen=True, slots=True)
class Reader:
    """A declared query. version: the last version of the table it has read; None before its first batch."""

    name: str
    version: int | None


def readers(spark: SparkSession, project: Project, signal: str) -> list[Reader]:
    """Every declared query that reads the signal's table, those that never ran included."""
    return [Reader(query.name, _reached(spark, project, query)) for query in _streaming(project, signal)]


def taken_by_all(spark: SparkSession, project: Project, signal: str) -> dict[str, int] | None:
    """By query that writes the signal's table, its last batch that every reader has in the ledger.

    None where nobody reads the table.
    """
    found = [_taken(spark, project, query) for query in _streaming(project, signal)]
    if not found:
        return None
    return {query: min(one.get(query, -1) for one in found) for query in set().union(*found)}


def not_beyond(last: Mapping[str, int], taken: Mapping[str, int] | None) -> dict[str, int]:
    """The batches of ``last``, or of ``taken`` where those come before; of a query without any, none."""
    if taken is None:
        return dict(last)
    bounded = {query: min(batch, taken.get(query, -1)) for query, batch in last.items()}
    return {query: batch for query, batch in bounded.items() if batch >= 0}


def _streaming(project: Project, signal: str) -> list[Query]:
    def reads(query: Query) -> str:
        declared = project.feature_sets if query.flow == "features" else project.models
        return declared[query.subject].signal

    return [query for query in queries(project, ("features", "score")) if reads(query) == signal]


def _reached(spark: SparkSession, project: Project, query: Query) -> int | None:
    """From its checkpoint; where that cannot be listed, the last batch of it that is in the ledger."""
    offset = reached_offset(query.checkpoint.path)
    if offset is None:
        lake, query_id = Lake(project.settings.storage), query.checkpoint.query_id(spark)
        last = ledger.last_batches(spark, lake, (query.flow,), query.subject).get(query_id or "", -1)
        entry = query.checkpoint.offsets(spark, last)
        offset = entry.source if entry is not None else None
    return None if offset is None else last_version(offset)


def _taken(spark: SparkSession, project: Project, query: Query) -> dict[str, int]:
    """Commits come in order, so the last batch of a writer that was taken in is one before which all were."""
    lake, query_id = Lake(project.settings.storage), query.checkpoint.query_id(spark)
    parts = F.split("slice", "/")
    mine = lake.read(spark, LEDGER.name).where((F.col("flow") == query.flow) & (F.col("query_id") == query_id))
    slices = mine.where(F.size(parts) == 2).groupBy(parts[0]).agg(F.max(parts[1].cast("bigint")))
    return dict(slices.collect())
