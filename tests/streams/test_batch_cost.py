"""What a warm batch costs in Spark jobs and Delta commits: numbers that may only fall."""

from __future__ import annotations

from pathlib import Path
from threading import Event

from batch import MODEL, SLIDING, Meter, register
from pyspark.sql import SparkSession
from readings import SET, SETTINGS, land, project

from headrace.flows.queries import create_tables, queries
from headrace.flows.run import drain

BUDGET = {"ingest": (3, 3), "features": (2, 3), "score": (4, 3)}
"""By flow the jobs and the commits of a batch with records, none of them bad: plan, rows, ledger."""


def test_jobs_and_commits_of_a_batch(spark: SparkSession, tmp_path: Path) -> None:
    registry = f"sqlite:///{tmp_path}/mlflow.db"
    settings = {**SETTINGS, "registry": {"tracking_uri": registry}}
    (tmp_path / "landing").mkdir()
    described = project(tmp_path, settings=settings, feature_set={**SET, **SLIDING}, model=MODEL)
    register(registry)
    create_tables(spark, described)
    meter = Meter(spark, tmp_path / "tables")
    metered = [meter.metered(query) for query in queries(described)]

    def take(*sizes: int) -> None:
        for size in sizes:
            land(tmp_path, len(list((tmp_path / "landing").iterdir())), size)
        drain(spark, described, metered, stop=Event(), show=lambda _: None, ends=False)

    take(100, 100)
    assert {flow: (one[-1]["jobs"], one[-1]["commits"]) for flow, one in meter.batches.items()} == BUDGET

    before = {flow: len(batches) for flow, batches in meter.batches.items()}
    take(0)
    assert len(meter.batches["ingest"]) == before["ingest"] + 1
    assert meter.batches["ingest"][-1]["commits"] == 0, "a batch without a record leaves nothing"
    assert {flow: len(batches) for flow, batches in meter.batches.items() if flow != "ingest"} == {
        flow: count for flow, count in before.items() if flow != "ingest"
    }, "and nobody downstream has anything to do"
