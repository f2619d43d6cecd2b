"""What one expiry removes, fixed before it has effects: which batches, what still counts, each slice's digest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.flows.expiry_rules import Kind, Rule
from headrace.flows.kept_cuts import kept_cuts
from headrace.flows.outputs import Output
from headrace.flows.project import Project
from headrace.flows.readers import not_beyond, taken_by_all
from headrace.io import ledger
from headrace.io.lake import Lake
from headrace.tables import LEDGER

__all__ = ["Part", "chosen", "listed", "parts", "planned_rows"]

# Slices a batch removes rows of, at most: its plan lists them.
_AT_MOST = 5_000


class Part(NamedTuple):
    """What goes of one slice of one batch, as the plan lists it."""

    query: str
    batch: int
    slice: str
    digest: str

    @property
    def rows(self) -> int:
        return int(self.digest.partition(":")[0])


def chosen(spark: SparkSession, project: Project, rule: Rule, at: datetime) -> dict[str, Any] | None:
    """All that a batch is fixed by; None where there is nothing to remove."""
    if rule.age is None:
        return None
    lake, output, before = Lake(project.settings.storage), rule.output, at - rule.age
    choices = {"at": at.isoformat(), "before": before.isoformat(), **_bounds(spark, project, rule, before)}
    rows = rule.rows(spark, lake, choices)
    found = parts(rows, output)
    more = len(found) > _AT_MOST
    if more:  # no batch in part
        found = [one for one in found if (one.query, one.batch) != (found[-1].query, found[-1].batch)]
    if not found:
        return None
    choices |= {"removed": found, "more": more, "upto": {one.query: one.batch for one in found}}
    if output.signal is not None:
        newest = _upto(rows, choices).agg(F.max(F.unix_seconds("event_time")).alias("at")).first()
        choices["newest_event"] = newest["at"] if newest is not None else None
    return choices


def listed(choices: Mapping[str, Any]) -> list[Part]:
    """What a plan says is removed."""
    return [Part(*one) for one in choices["removed"]]


def planned_rows(spark: SparkSession, lake: Lake, rule: Rule, choices: Mapping[str, Any]) -> DataFrame:
    """The rows that a plan's batch removes; what the rule lets go beyond is the next one's."""
    return _upto(rule.rows(spark, lake, choices), choices)


def parts(rows: DataFrame, output: Output) -> list[Part]:
    """Each slice that has rows, in order of query and batch; at most one more than a batch may have."""
    slices = rows.groupBy("query_id", "batch_id", F.expr(output.slice).alias("slice"))
    found = slices.agg(ledger.digest(rows, rows.columns).alias("digest"))
    return [Part(*row) for row in found.orderBy("query_id", "batch_id", "slice").limit(_AT_MOST + 1).collect()]


def _bounds(spark: SparkSession, project: Project, rule: Rule, before: datetime) -> dict[str, Any]:
    """What the rule's rows are a function of: of batches from before then."""
    lake, output = Lake(project.settings.storage), rule.output
    book = lake.read(spark, LEDGER.name)
    old = book.where(F.col("flow").isin(*output.flows) & (F.col("batch_time") < F.lit(before)))
    last = _last(old if output.subject is None else old.where(F.col("subject") == output.subject))
    if output.signal is not None:
        last = not_beyond(last, taken_by_all(spark, project, output.signal))
    bounds: dict[str, Any] = {"last": last}
    if rule.kind is Kind.SUPERSEDED and output.subject is not None:
        bounds["cuts"] = kept_cuts(spark, project, output.subject, before, last)
    if rule.kind is Kind.CLOSED:
        bounds["acted"] = _last(book.where(F.col("flow") == "replay"))
    return bounds


def _last(book: DataFrame) -> dict[str, int]:
    return dict(book.groupBy("query_id").agg(F.max("batch_id")).collect())


def _upto(rows: DataFrame, choices: Mapping[str, Any]) -> DataFrame:
    """Those of the rows that this batch removes; the next takes the others."""
    last = F.create_map(*[F.lit(part) for pair in sorted(choices["upto"].items()) for part in pair])
    return rows.where(F.col("batch_id") <= F.try_element_at(last, F.col("query_id")))
