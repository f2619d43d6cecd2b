"""The tests' own store of empty tables gives a project its own tables, and none of another's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pyspark.sql import SparkSession
from tests.empty_tables import with_tables

from headrace.config import Clock, FileSource, Registry, Settings, Signal, Storage
from headrace.contracts.model import Contract, Field, Kind
from headrace.flows.catalog import tables
from headrace.flows.project import Project
from headrace.io.lake import Lake

# What has no part in which tables there are; a project has one signal at least.
_SIGNAL = Signal(contract="any", source=FileSource(kind="files", path="landing"), clock=Clock(kind="replay"))


def project(root: Path, contracts: Mapping[str, Contract]) -> Project:
    registry = Registry(tracking_uri="none")
    settings = Settings(project="any", storage=Storage(root=str(root)), registry=registry, signals={"any": _SIGNAL})
    return Project(
        settings=settings, contracts=contracts, feature_sets={}, models={}, root=root.parent, environment=None
    )


def table_ids(spark: SparkSession, project: Project) -> dict[str, str]:
    lake = Lake(project.settings.storage)
    rows = {table.name: spark.sql(f"DESCRIBE DETAIL {lake.sql_name(table.name)}").first() for table in tables(project)}
    return {name: row["id"] for name, row in rows.items() if row is not None}


def test_projects_share_tables_only_where_they_have_the_same(spark: SparkSession, tmp_path: Path) -> None:
    time, count = Field(name="at", kind=Kind.TIMESTAMP, required=True), Field(name="n", kind=Kind.INTEGER)
    orders = Contract(id="orders", version="1.0.0", event_time="at", fields=(time, count))
    bare = project(tmp_path / "bare", {})
    first, second = (project(tmp_path / name, {"orders": orders}) for name in ("first", "second"))
    for each in (bare, first, second):
        with_tables(spark, each)

    folders = {
        each: {path.name for path in (tmp_path / each).iterdir() if path.is_dir()}
        for each in ("bare", "first", "second")
    }
    assert folders["first"] - folders["bare"] == {"signals_orders"}
    assert folders["bare"] < folders["first"] == folders["second"]
    assert Lake(second.settings.storage).types(spark, "signals_orders")["n"] == "bigint"
    assert table_ids(spark, second) == table_ids(spark, first)
    assert set(table_ids(spark, bare).values()).isdisjoint(table_ids(spark, first).values())
