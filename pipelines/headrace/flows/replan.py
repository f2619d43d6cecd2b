"""A batch that was begun and wrote nothing is planned anew: the way out when its contract was changed meanwhile."""

from __future__ import annotations

from pyspark.sql import SparkSession

from headrace.errors import CheckFailed, UsageError
from headrace.flows import ingest_job
from headrace.flows.catalog import signal_table
from headrace.flows.plans.ingest import IngestPlan
from headrace.flows.project import Project
from headrace.io.lake import Writer
from headrace.io.lease import hold
from headrace.io.plans import last_planned, withdraw
from headrace.io.wall import now
from headrace.tables import DEAD_LETTERS

__all__ = ["replan"]


def replan(spark: SparkSession, project: Project, signal: str) -> str:
    """Withdraw the plan of the signal's begun batch, and say so.

    Raises UsageError if no batch is begun, CheckFailed if the batch has written already: it has to end under the
    contract it was begun with. Raises InfrastructureError while the query runs.
    """
    described = ingest_job.job(project, signal)
    hold(described.checkpoint.path)
    query_id = described.checkpoint.query_id(spark)
    begun = last_planned(spark, described.lake, query_id) if query_id is not None else -1
    if query_id is None or begun < 0 or described.checkpoint.ended(spark, begun):
        raise UsageError(f"no batch of signal {signal} is begun: there is nothing to plan anew")
    writer = Writer(query_id, begun)
    for table in (DEAD_LETTERS, signal_table(signal, described.contract)):
        if described.lake.has_commit(spark, table.name, writer):
            raise CheckFailed(
                f"batch {begun} of signal {signal} has written to {table.name} already: it has to end under the "
                "contract it was begun with. Put that back, run once, then change it."
            )
    withdraw(spark, described.lake, IngestPlan, signal, writer, at=now())
    return f"Batch {begun} of signal {signal} is planned anew, by contract {described.contract.version}."
