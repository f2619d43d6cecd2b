"""Batch plans: the choices of one batch, stored before its first effect and reused by every later attempt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from headrace.io.lake import Lake, Writer
from headrace.io.plan_format import P, Plan, plan_text, read_plan
from headrace.io.table_commits import latest_version, read_commit
from headrace.io.table_query import query_table
from headrace.tables import BATCH_PLANS

__all__ = ["last_planned", "newest_query", "plan_before", "plan_of", "planned", "unplanned", "withdraw"]


# The newest plans of each flow's query that this process stored or read; None of a batch that went without. Only a
# saving; the table decides, and a plan does not change once it is stored. Forgotten while the next is made, so that an
# attempt after one that failed finds in the table what that one may have stored.
_newest: dict[tuple[str, str], dict[int, Plan | None]] = {}
_KEPT = 32
# So far back a plan is looked for in the log of the table itself, before all of the table is asked.
_NEAR = 200

_NEWEST_REVISION = """
    SELECT revision, choices FROM {table} WHERE query_id = ? AND batch_id = ? AND flow = ? AND subject = ?
    ORDER BY revision DESC LIMIT 1
"""


def plan_of(spark: SparkSession, lake: Lake, kind: type[P], subject: str, writer: Writer) -> P | None:
    """The stored plan of one batch; None if it was never planned, or comes before the first.

    kind: the plans of which flow. Raises InfrastructureError where this headrace cannot read the plan whole.
    """
    if writer.batch_id < 0:
        return None
    kept = _newest.get((kind.flow, writer.query_id), {})
    if writer.batch_id in kept:
        return cast("P | None", kept[writer.batch_id])
    return _read(kind, subject, writer.batch_id, _stored(spark, lake, kind, subject, writer)[1])


def plan_before(spark: SparkSession, lake: Lake, kind: type[P], subject: str, writer: Writer) -> P | None:
    """The stored plan of the newest batch before this one that has any; None if none has."""
    kept = _newest.get((kind.flow, writer.query_id), {})
    for batch_id in range(writer.batch_id - 1, -1, -1):
        if batch_id not in kept:
            break
        if (plan := kept[batch_id]) is not None:
            return cast("P", plan)
    else:
        return None
    before = Writer(writer.query_id, batch_id)
    return plan_of(spark, lake, kind, subject, before) or _any_before(spark, lake, kind, subject, before)


def unplanned(spark: SparkSession, lake: Lake, kind: type[Plan], subject: str, writer: Writer) -> bool:
    """Whether no attempt of the batch has planned it: if there is nothing to choose, it can go without a plan."""
    query = (kind.flow, writer.query_id)
    is_next = max(_newest.get(query, ()), default=None) == writer.batch_id - 1
    if not is_next and _stored(spark, lake, kind, subject, writer)[1] is not None:
        return False
    _remember(query, writer.batch_id, None)
    return True


def planned(
    spark: SparkSession,
    lake: Lake,
    kind: type[P],
    subject: str,
    writer: Writer,
    *,
    at: datetime,
    choose: Callable[[], P],
) -> P:
    """The plan of this batch: the one stored by an earlier attempt, or else chosen now and stored.

    Raises InfrastructureError where this headrace cannot read the stored one whole.
    """
    query = (kind.flow, writer.query_id)
    revision, stored = -1, None
    # The batch after the newest this process planned can have no plan yet: nobody else plans for this query.
    if max(_newest.get(query, ()), default=None) != writer.batch_id - 1:
        revision, stored = _stored(spark, lake, kind, subject, writer)
    plan = _read(kind, subject, writer.batch_id, stored)
    if plan is None:
        plan = choose()
        kept = _newest.pop(query, {})
        _store(spark, lake, kind, subject, writer, at=at, text=plan_text(plan), revision=revision + 1)
        _newest[query] = kept
    _remember(query, writer.batch_id, plan)
    return plan


def withdraw(spark: SparkSession, lake: Lake, kind: type[Plan], subject: str, writer: Writer, *, at: datetime) -> None:
    """Make the batch one that was never planned. Only for a batch that has no effects."""
    revision, stored = _stored(spark, lake, kind, subject, writer)
    if stored is not None:
        _store(spark, lake, kind, subject, writer, at=at, text=None, revision=revision + 1)
        _newest.pop((kind.flow, writer.query_id), None)


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


def _stored(spark: SparkSession, lake: Lake, kind: type[Plan], subject: str, writer: Writer) -> tuple[int, str | None]:
    """The highest revision of the batch's plan, -1 if there is none, and its text, None if it was withdrawn."""
    row = _newest_stored(lake, kind.flow, subject, writer) or _any_stored(spark, lake, kind.flow, subject, writer)
    return (int(row["revision"]), row["choices"]) if row is not None else (-1, None)


def _read(kind: type[P], subject: str, batch_id: int, text: str | None) -> P | None:
    return read_plan(kind, text, f"batch {batch_id} of {kind.flow} {subject}") if text is not None else None


def _newest_stored(lake: Lake, flow: str, subject: str, writer: Writer) -> Mapping[str, Any] | None:
    """The plan if it is among the newest there are of a table in a folder: each is a commit with its writer's stamp."""
    from pyarrow.parquet import ParquetFile

    folder = lake.folder(BATCH_PLANS.name)
    last = latest_version(folder) if folder is not None else -1
    for version in range(last, max(last - _NEAR, -1), -1):
        commit = read_commit(folder, version) if folder is not None else None
        for file in commit.files if commit is not None and commit.metadata == writer.stamp else ():
            if (file.partition["flow"], file.partition["subject"]) == (flow, subject) and file.path.exists():
                rows: list[dict[str, Any]] = ParquetFile(file.path).read(["revision", "choices"]).to_pylist()
                return rows[0]
    return None


def _any_stored(spark: SparkSession, lake: Lake, flow: str, subject: str, writer: Writer) -> Mapping[str, Any] | None:
    rows = query_table(spark, lake, BATCH_PLANS, _NEWEST_REVISION, writer.query_id, writer.batch_id, flow, subject)
    return rows[0] if rows else None


def _any_before(spark: SparkSession, lake: Lake, kind: type[P], subject: str, writer: Writer) -> P | None:
    """The newest plan that stands, of the batches up to this one."""
    rows = lake.batches(spark, BATCH_PLANS.name, writer.query_id, 0, writer.batch_id)
    mine = rows.where((F.col("flow") == kind.flow) & (F.col("subject") == subject)).groupBy("batch_id")
    standing = mine.agg(F.max_by("choices", "revision").alias("choices")).where("choices IS NOT NULL")
    row = standing.orderBy(F.desc("batch_id")).first()
    return _read(kind, subject, row["batch_id"], row["choices"]) if row is not None else None


def _store(
    spark: SparkSession,
    lake: Lake,
    kind: type[Plan],
    subject: str,
    writer: Writer,
    *,
    at: datetime,
    text: str | None,
    revision: int,
) -> None:
    row = {
        "flow": kind.flow,
        "subject": subject,
        "planned_at": at,
        "choices": text,
        "revision": revision,
        "query_id": writer.query_id,
        "batch_id": writer.batch_id,
    }
    output = f"{BATCH_PLANS.name}/{revision}"
    lake.append_rows(spark, [row], BATCH_PLANS, writer, output=output)


def _remember(query: tuple[str, str], batch_id: int, plan: Plan | None) -> None:
    kept = {**_newest.get(query, {}), batch_id: plan}
    _newest[query] = {each: kept[each] for each in sorted(kept)[-_KEPT:]}
