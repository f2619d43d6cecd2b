"""Which flows write which tables, and to which slice of the ledger a row of them belongs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.flows import features, ingest_job, score_job
from headrace.flows.catalog import feature_table, prediction_table, signal_table
from headrace.flows.project import Project
from headrace.io import ledger
from headrace.tables import DEAD_LETTER_ACTIONS, DEAD_LETTERS, Table

__all__ = ["Output", "outputs"]

_SOURCE = "concat_ws('/', source.name, cast(source.partition AS STRING))"
_WHOLE = f"'{ledger.WHOLE}'"


@dataclass(frozen=True, slots=True)
class Output:
    """The rows of one table that batches of some flows committed.

    subject: the one those batches are of; None is any. slice: as SQL over a row.
    """

    table: Table
    flows: tuple[str, ...]
    subject: str | None
    slice: str

    @property
    def name(self) -> str:
        """The table's name, and the flow's where several write to it apart from each other."""
        return f"{self.table.name}/{self.flows[0]}" if self.table is DEAD_LETTERS else self.table.name

    @property
    def signal(self) -> str | None:
        """The signal whose accepted records these are; None of other rows."""
        return self.subject if self.flows == ingest_job.ACCEPTING else None

    def of(self, rows: DataFrame) -> DataFrame:
        """Those of the table's rows."""
        return rows.where(F.col("stage").isin(*self.flows)) if self.table is DEAD_LETTERS else rows


def outputs(project: Project) -> Iterator[Output]:
    """Every output that the ledger holds digests of."""
    for signal, contract in project.contracts.items():
        yield Output(signal_table(signal, contract), ingest_job.ACCEPTING, signal, _SOURCE)
    yield Output(DEAD_LETTERS, (ingest_job.FLOW,), None, _SOURCE)
    yield Output(DEAD_LETTER_ACTIONS, ("replay",), None, _SOURCE)
    yield Output(DEAD_LETTERS, (score_job.FLOW,), None, _WHOLE)
    for feature_set in project.feature_sets.values():
        log = feature_table(feature_set, project.contracts[feature_set.signal])
        yield Output(log, (features.FLOW, "backfill", "history"), feature_set.name, _WHOLE)
    for model in project.models.values():
        target = prediction_table(project, model)
        origin = "concat_ws('/', signal_query_id, cast(signal_batch_id AS STRING))"
        yield Output(target, (score_job.FLOW,), model.name, origin)
