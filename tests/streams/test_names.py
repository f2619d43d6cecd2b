"""Tables with three-level names: what a catalog holds is what folders hold, views and sources included."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests import flights
from tests.differences import differences

from headrace.config import Clock, DeltaSource, Registry, Restarts, Settings, Signal, Storage
from headrace.contracts.model import Contract, Field, Kind
from headrace.flows.catalog import tables, views
from headrace.flows.maintain import Outcome, maintain
from headrace.flows.project import Project
from headrace.io.lake import Lake

CATALOG, SCHEMA = "spark_catalog", "named"


@pytest.fixture
def storage(spark: SparkSession, tmp_path: Path) -> Iterator[Storage]:
    spark.sql(f"CREATE SCHEMA {CATALOG}.{SCHEMA} LOCATION '{tmp_path}/schema'")
    yield Storage(catalog=CATALOG, schema=SCHEMA, checkpoints=str(tmp_path / "checkpoints"))
    spark.sql("USE spark_catalog.default")
    spark.sql(f"DROP SCHEMA {CATALOG}.{SCHEMA} CASCADE")


def test_a_day_of_flights_in_a_catalog(spark: SparkSession, tmp_path: Path, storage: Storage) -> None:
    project = flights.with_settings(flights.project(tmp_path), storage=storage)
    sent = flights.sent(date(2013, 1, 1), date(2013, 1, 2))
    flights.landed(tmp_path, sent)
    flights.taken(spark, project)

    lake = Lake(storage)
    counts = {table.name: lake.read(spark, table.name).count() for table in tables(project)}
    signals = sum(count for name, count in counts.items() if name.startswith("signals_"))
    assert signals + counts["dead_letters"] == len(sent)
    assert all(counts[f"features_{name}_log"] for name in project.feature_sets)
    assert differences(spark, project) == {}
    for view in views(project):
        spark.table(f"{CATALOG}.{SCHEMA}.{view.name}").collect()

    budget = project.settings.maintenance.model_copy(update={"files_per_table": 2})
    steps = list(maintain(spark, flights.with_settings(project, maintenance=budget), datetime.now(UTC)))
    assert ("ledger", "compact", Outcome.DONE) in [(step.table, step.step, step.outcome) for step in steps]
    flights.taken(spark, project)
    assert {table.name: lake.read(spark, table.name).count() for table in tables(project)} == counts
    assert differences(spark, project) == {}


def test_a_named_table_as_a_source(spark: SparkSession, tmp_path: Path, storage: Storage) -> None:
    contract = Contract(
        id="orders",
        version="1.0.0",
        event_time="at",
        fields=(
            Field(name="at", kind=Kind.TIMESTAMP, required=True),
            Field(name="id", kind=Kind.INTEGER, required=True, minimum=1),
        ),
    )
    name = f"{CATALOG}.{SCHEMA}.incoming"
    spark.sql(f"CREATE TABLE {name} (id BIGINT, at TIMESTAMP) USING DELTA")
    source = DeltaSource(kind="delta", table=name, key=("id",), max_files=1)
    settings = Settings(
        project="orders",
        storage=storage,
        registry=Registry(tracking_uri="none"),
        restarts=Restarts(limit=0),
        signals={"orders": Signal(contract="orders", source=source, clock=Clock(kind="replay"))},
    )
    project = Project(
        settings=settings, contracts={"orders": contract}, feature_sets={}, models={}, root=tmp_path, environment=None
    )
    for first in (0, 3):
        spark.sql(f"INSERT INTO {name} SELECT id, timestamp'2026-01-01 10:00:00Z' FROM range({first}, {first + 3})")
        flights.taken(spark, project, "ingest")
    spark.sql(f"OPTIMIZE {name}")
    flights.taken(spark, project, "ingest")

    lake = Lake(storage)
    assert sorted(row["id"] for row in lake.read(spark, "signals_orders").collect()) == [1, 2, 3, 4, 5]
    (letter,) = lake.read(spark, "dead_letters").collect()
    assert [reason["code"] for reason in letter["reasons"]] == ["out_of_range"]
    assert differences(spark, project) == {}
