"""Batch plans: the choices of one batch, stored before its first effect and reused by every later attempt."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from headrace.io.lake import Lake, Writer, local_rows
from headrace.io.table_query import query_table
from headrace.tables import BATCH_PLANS

__all__ = ["Choices", "last_planned", "newest_query", "plan_of", "planned", "withdraw"]

Choices = Mapping[str, Any]


# The newest plans of each flow's query that this process stored or read. Only a saving; the table decides, and a plan
# does not change once it is stored. Forgotten while the next is made, so that an attempt after one that failed finds in
# the table what that one may have stored.
_newest: dict[tuple[str, str], dict[int, Choices]] = {}
_KEPT = 32

_NEWEST_REVISION = """
    SELECT revision, choices FROM {table} WHERE query_id = ? AND batch_id = ? AND flow = ? AND subject = ?
    ORDER BY revision DESC LIMIT 1
"""


def plan_of(spark: SparkSession, lake: Lake, flow: str, subject: str, writer: Writer) -> Choices | None:
    """The stored choices of one batch; None if it was never planned, or comes before the first."""
    if writer.batch_id < 0:
        return None
    kept = _newest.get((flow, writer.query_id), {})
    if writer.batch_id in kept:
        return kept[writer.batch_id]
    return _stored(spark, lake, flow, subject, writer)[1]


def planned(
    spark: SparkSession,
    lake: Lake,
    flow: str,
    subject: str,
    writer: Writer,
    *,
    at: datetime,
    choose: Callable[[], Choices],
) -> Choices:
    """The choices of this batch: those stored by an earlier attempt, or else chosen now and stored."""
    query = (flow, writer.query_id)
    revision, stored = -1, None
    # The batch after the newest this process planned can have no plan yet: nobody else plans for this query.
    if max(_newest.get(query, ()), default=None) != writer.batch_id - 1:
        revision, stored = _stored(spark, lake, flow, subject, writer)
    if stored is not None:
        return _remembered(query, writer.batch_id, stored)
    choices = choose()
    kept = _newest.pop(query, {})
    _store(spark, lake, flow, subject, writer, at=at, choices=choices, revision=revision + 1)
    _newest[query] = kept
    return _remembered(query, writer.batch_id, choices)


def withdraw(spark: SparkSession, lake: Lake, flow: str, subject: str, writer: Writer, *, at: datetime) -> None:
    """Make the batch one that was never planned. Only for a batch that has no effects."""
    revision, stored = _stored(spark, lake, flow, subject, writer)
    if stored is not None:
        _store(spark, lake, flow, subject, writer, at=at, choices=None, revision=revision + 1)
        _newest.pop((flow, writer.query_id), None)


def last_planned(spark: SparkSession, lake: Lake, query_id: str) -> int:
    """The newest batch of a query that has a plan, or had one; -1 if none has."""
    rows = lake.read(spark, BATCH_PLANS.name).where(F.col("query_id") == query_id)
    row = rows.agg(F.max("batch_id").alias("last")).first()
    return int(row["last"]) if row is not None and row["last"] is not None else -1


def newest_query(spark: SparkSession, lake: Lake, flow: str, subject: str) -> str | None:
    """The query that planned a subject's newest batch; None if none was planned."""
    rows = lake.read(spark, BATCH_PLANS.name).where((F.col("flow") == flow) & (F.col("subject") == subject))
    row = rows.agg(F.max_by("query_id", "planned_at").alias("query_id")).first()
    return row["query_id"] if row is not None else None


def _stored(spark: SparkSession, lake: Lake, flow: str, subject: str, writer: Writer) -> tuple[int, Choices | None]:
    """The highest revision of the batch's plan, -1 if there is none, and its choices, None if it was withdrawn."""
    rows = query_table(spark, lake, BATCH_PLANS, _NEWEST_REVISION, writer.query_id, writer.batch_id, flow, subject)
    if not rows:
        return -1, None
    (row,) = rows
    return row["revision"], json.loads(row["choices"]) if row["choices"] is not None else None


def _store(
    spark: SparkSession,
    lake: Lake,
    flow: str,
    subject: str,
    writer: Writer,
    *,
    at: datetime,
    choices: Choices | None,
    revision: int,
) -> None:
    row = {
        "flow": flow,
        "subject": subject,
        "planned_at": at,
        "choices": json.dumps(choices, sort_keys=True) if choices is not None else None,
        "revision": revision,
        "query_id": writer.query_id,
        "batch_id": writer.batch_id,
    }
    output = f"{BATCH_PLANS.name}/{revision}"
    lake.append(local_rows(spark, BATCH_PLANS, [row]), BATCH_PLANS, writer, output=output)


def _remembered(query: tuple[str, str], batch_id: int, choices: Choices) -> Choices:
    kept = {**_newest.get(query, {}), batch_id: choices}
    _newest[query] = {each: kept[each] for each in sorted(kept)[-_KEPT:]}
    return choices
