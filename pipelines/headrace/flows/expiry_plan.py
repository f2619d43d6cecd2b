"""What one expiry removes, fixed before it has effects: which batches, what still counts, each slice's digest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.flows.expiry_rules import Kind, Rule
from headrace.flows.kept_cuts import kept_cuts
from headrace.flows.outputs import Output
from headrace.flows.plans.expiry import ExpiryBounds, ExpiryPlan, Part
from headrace.flows.plans.replay import ReplayPlan
from headrace.flows.project import Project
from headrace.flows.readers import not_beyond, taken_by_all
from headrace.io import ledger
from headrace.io.lake import Lake
from headrace.tables import LEDGER

__all__ = ["chosen", "parts", "planned_rows"]

# Slices a batch removes rows of, at most: its plan lists them.
_AT_MOST = 5_000


def chosen(spark: SparkSession, project: Project, rule: Rule, at: datetime) -> ExpiryPlan | None:
    """All that a batch is fixed by; None where there is nothing to remove."""
    if rule.age is None:
        return None
    lake, output, before = Lake(project.settings.storage), rule.output, at - rule.age
    bounds = _bounds(spark, project, rule, before)
    rows = rule.rows(spark, lake, bounds)
    found = parts(rows, output)
    more = len(found) > _AT_MOST
    if more:  # no batch in part
        found = [one for one in found if (one.query, one.batch) != (found[-1].query, found[-1].batch)]
    if not found:
        return None
    upto = {part.query: part.batch for part in found}
    newest = _newest_event(_upto(rows, upto)) if output.signal is not None else None
    return ExpiryPlan(
        at=at, before=before, bounds=bounds, removed=tuple(found), more=more, upto=upto, newest_event=newest
    )


def _newest_event(rows: DataFrame) -> int | None:
    row = rows.agg(F.max(F.unix_seconds("event_time")).alias("at")).first()
    return row["at"] if row is not None else None


def planned_rows(spark: SparkSession, lake: Lake, rule: Rule, plan: ExpiryPlan) -> DataFrame:
    """The rows that a plan's batch removes; what the rule lets go beyond is the next one's."""
    return _upto(rule.rows(spark, lake, plan.bounds), plan.upto)


def parts(rows: DataFrame, output: Output) -> list[Part]:
    """Each slice that has rows, in order of query and batch; at most one more than a batch may have."""
    slices = rows.groupBy("query_id", "batch_id", F.expr(output.slice).alias("slice"))
    found = slices.agg(ledger.digest(rows, rows.columns).alias("digest"))
    return [Part(*row) for row in found.orderBy("query_id", "batch_id", "slice").limit(_AT_MOST + 1).collect()]


def _bounds(spark: SparkSession, project: Project, rule: Rule, before: datetime) -> ExpiryBounds:
    """What the rule's rows are a function of: of batches from before then."""
    lake, output = Lake(project.settings.storage), rule.output
    book = lake.read(spark, LEDGER.name)
    old = book.where(F.col("flow").isin(*output.flows) & (F.col("batch_time") < F.lit(before)))
    last = _last(old if output.subject is None else old.where(F.col("subject") == output.subject))
    if output.signal is not None:
        last = not_beyond(last, taken_by_all(spark, project, output.signal))
    if rule.kind is Kind.SUPERSEDED and output.subject is not None:
        return ExpiryBounds(last=last, cuts=kept_cuts(spark, project, output.subject, before, last))
    if rule.kind is Kind.CLOSED:
        return ExpiryBounds(last=last, acted=_last(book.where(F.col("flow") == ReplayPlan.flow)))
    return ExpiryBounds(last=last)


def _last(book: DataFrame) -> dict[str, int]:
    return dict(book.groupBy("query_id").agg(F.max("batch_id")).collect())


def _upto(rows: DataFrame, upto: Mapping[str, int]) -> DataFrame:
    """Those of the rows that this batch removes; the next takes the others."""
    last = F.create_map(*[F.lit(part) for pair in sorted(upto.items()) for part in pair])
    return rows.where(F.col("batch_id") <= F.try_element_at(last, F.col("query_id")))
