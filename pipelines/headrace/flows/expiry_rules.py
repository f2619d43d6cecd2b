"""What the project declares to expire: of which table, after how long, and which of its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.contracts.dead_letters import State, with_state
from headrace.features.superseded import superseded
from headrace.flows.ingest_job import ACCEPTING
from headrace.flows.outputs import Output, outputs
from headrace.flows.plans.expiry import ExpiryBounds
from headrace.flows.project import Project
from headrace.io.lake import Lake
from headrace.io.ledger import WHOLE
from headrace.tables import DEAD_LETTER_ACTIONS, DEAD_LETTERS, MEASUREMENTS, SCHEMA_DRIFT, VERDICTS

__all__ = ["Kind", "Rule", "rules"]


class Kind(StrEnum):
    """Which rows of the batches that are old enough."""

    WHOLE = "whole"
    SUPERSEDED = "superseded"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows of one output expire once the batch that wrote them is of an age; None: never, which is the default."""

    output: Output
    age: timedelta | None
    kind: Kind = Kind.WHOLE

    @property
    def key(self) -> tuple[str, ...]:
        """By which columns the rows that go are told from those that stay."""
        if self.kind is Kind.WHOLE:
            return "query_id", "batch_id"
        return tuple(dict.fromkeys((*self.output.table.key, "query_id", "batch_id")))

    def rows(self, spark: SparkSession, lake: Lake, bounds: ExpiryBounds) -> DataFrame:
        """The rows that expire: the same on every attempt, less what an earlier one removed."""
        rows = self.output.of(lake.as_of(spark, self.output.table.name, bounds.last))
        if self.kind is Kind.SUPERSEDED:
            return superseded(rows, self.key, bounds.cuts)
        if self.kind is Kind.CLOSED:
            actions = lake.as_of(spark, DEAD_LETTER_ACTIONS.name, bounds.acted)
            closed = with_state(rows, actions).where(F.col("state").isin(State.RESOLVED.value, State.DISCARDED.value))
            key = ["record_id", "stage"]
            return rows.join(closed.select(*key), key, "left_semi").select(*rows.columns)
        return rows


def rules(project: Project) -> Iterator[Rule]:
    """The rule of each output."""
    declared = project.settings.retention
    for output in outputs(project):
        age, kind = {
            "ingest": (declared.signals, Kind.WHOLE),
            "features": (declared.features_log_provisional, Kind.SUPERSEDED),
            "score": (declared.predictions, Kind.WHOLE),
            "replay": (None, Kind.WHOLE),
        }[output.flows[0]]
        if output.table is DEAD_LETTERS:
            age, kind = declared.dead_letters, Kind.CLOSED
        yield Rule(output, age, kind)
    told = ((MEASUREMENTS, declared.measurements), (VERDICTS, declared.verdicts), (SCHEMA_DRIFT, declared.schema_drift))
    for table, age in told:
        yield Rule(Output(table, ACCEPTING, None, f"'{WHOLE}'"), age)
