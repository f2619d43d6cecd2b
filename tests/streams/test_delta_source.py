"""A Delta table as a source: each row that was appended is judged once, and a table that changed is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Literal

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from tests import flights
from tests.differences import differences
from tests.writes import Write, around_writes

from headrace.config import Clock, DeltaSource, Registry, Restarts, Settings, Signal, Storage
from headrace.contracts.model import Contract, Field, Kind
from headrace.errors import InfrastructureError
from headrace.flows.ledger_check import Finding, check
from headrace.flows.project import Project
from headrace.flows.queries import create_tables, queries
from headrace.flows.run import drain
from headrace.flows.source_standings import source_standings
from headrace.flows.status import status
from headrace.io.lake import Lake
from headrace.tables import LEDGER

ORDERS = Contract(
    id="orders",
    version="1.0.0",
    event_time="at",
    fields=(
        Field(name="at", kind=Kind.TIMESTAMP, required=True),
        Field(name="id", kind=Kind.INTEGER, required=True),
        Field(name="price", kind=Kind.DECIMAL, precision=12, scale=2, minimum=Decimal(0)),
        Field(name="city", kind=Kind.STRING),
    ),
)
COLUMNS = "id BIGINT, at TIMESTAMP, price DECIMAL(12,2), city STRING"


class Orders:
    """A table of orders and the project that reads it."""

    def __init__(self, spark: SparkSession, home: Path, starting: Literal["earliest", "latest"] | int = "earliest"):
        self.spark, self.home, self.path = spark, home, f"{home}/orders"
        self.project = self._project(starting)
        self.lake = Lake(self.project.settings.storage)

    def _project(self, starting: Literal["earliest", "latest"] | int) -> Project:
        source = DeltaSource(kind="delta", path=self.path, key=("id",), max_files=1, starting=starting)
        settings = Settings(
            project="orders",
            storage=Storage(root=str(self.home / "lake")),
            registry=Registry(tracking_uri="none"),
            restarts=Restarts(limit=0),
            signals={"orders": Signal(contract="orders", source=source, clock=Clock(kind="replay"))},
        )
        return Project(
            settings=settings,
            contracts={"orders": ORDERS},
            feature_sets={},
            models={},
            root=self.home,
            environment=None,
        )

    def start_at(self, version: int) -> None:
        self.project = self._project(version)

    def append(self, *rows: str, columns: str = COLUMNS) -> None:
        """One commit of one file, its rows as SQL."""
        names = [one.split()[0] for one in columns.split(", ")]
        typed = ", ".join(
            f"CAST({name} AS {one.split()[1]})" for name, one in zip(names, columns.split(", "), strict=True)
        )
        frame = self.spark.sql(f"SELECT {typed} FROM VALUES {', '.join(rows)} AS t({', '.join(names)})").toDF(*names)
        frame.coalesce(1).write.format("delta").mode("append").option("mergeSchema", "true").save(self.path)

    @property
    def table(self) -> DeltaTable:
        return DeltaTable.forPath(self.spark, self.path)

    def take(self) -> None:
        flights.taken(self.spark, self.project, "ingest")

    def refused(self) -> str:
        """What the driver says when it gives up."""
        create_tables(self.spark, self.project)
        with pytest.raises(InfrastructureError) as given_up:
            drain(self.spark, self.project, queries(self.project, ("ingest",)), stop=Event(), show=lambda _: None)
        return str(given_up.value)

    def files(self) -> list[str]:
        """The data files, oldest first."""
        return [name for part in self.slices() for name in part]

    def slices(self) -> Iterator[tuple[str, ...]]:
        for log in sorted((Path(self.path) / "_delta_log").glob("*.json")):
            entries = [json.loads(line) for line in log.read_text().splitlines()]
            yield tuple(one["add"]["path"] for one in entries if "add" in one)

    def accepted(self) -> list[tuple[object, ...]]:
        rows = self.lake.read(self.spark, "signals_orders").orderBy("id")
        return [tuple(row) for row in rows.select("id", rows.event_time.cast("string"), "price", "city").collect()]

    def source(self) -> Finding:
        (found,) = [one for one in check(self.spark, self.project) if one.check == "source"]
        return found


GOOD = "(1, timestamp'2026-01-01 10:00:00Z', 9.50BD, 'New York')"


def sql(number: int, minute: int, price: str = "1.00BD") -> str:
    return f"({number}, timestamp'2026-01-01 10:{minute:02}:00Z', {price}, CAST(NULL AS STRING))"


def test_rows_are_records_once_across_restarts_and_maintenance(spark: SparkSession, tmp_path: Path) -> None:
    orders = Orders(spark, tmp_path)
    orders.append(
        GOOD,
        "(2, timestamp'2026-01-01 10:00:01.25Z', -1.10BD, 'Łódź')",
        "(CAST(NULL AS BIGINT), timestamp'2026-01-01 10:00:02Z', 3.00BD, 'Rome')",
    )
    orders.append(sql(4, 1))
    orders.take()
    orders.append(sql(5, 2))
    orders.take()
    first, second, third = orders.files()

    assert orders.accepted() == [
        (1, "2026-01-01 10:00:00", Decimal("9.50"), "New York"),
        (4, "2026-01-01 10:01:00", Decimal("1.00"), None),
        (5, "2026-01-01 10:02:00", Decimal("1.00"), None),
    ]
    rows = orders.lake.read(spark, "signals_orders").orderBy("id").select("record_id", "batch_id", "source").collect()
    assert [(row["record_id"], row["batch_id"]) for row in rows] == [
        (f"orders/{first}#1", 0),
        (f"orders/{second}#1", 1),
        (f"orders/{third}#1", 2),
    ]
    assert [row["source"][:4] for row in rows[:1]] == [("delta", first, None, 1)]
    written = int((Path(orders.path) / first).stat().st_mtime)
    assert abs(rows[0]["source"]["arrived_at"].timestamp() - written) < 2

    letters = orders.lake.read(spark, "dead_letters").orderBy("record_id").collect()
    assert [
        (one["record_id"], one["key"], bytes(one["value"]).decode(), one["reasons"][0]["code"]) for one in letters
    ] == [
        (
            f"orders/{first}#2",
            bytearray(b'{"id":2}'),
            '{"id":2,"at":"2026-01-01T10:00:01.250000Z","price":-1.10,"city":"Łódź"}',
            "out_of_range",
        ),
        (f"orders/{first}#3", None, '{"at":"2026-01-01T10:00:02.000000Z","price":3.00,"city":"Rome"}', "required"),
    ]
    assert differences(spark, orders.project) == {}
    (standing,) = status(orders.project)
    assert (standing.rows_in, standing.pending) == (5, "0")
    assert source_standings(orders.project)[0].source == f"delta {orders.path}"

    orders.table.optimize().executeCompaction()
    orders.take()
    assert len(orders.accepted()) == 3
    assert (orders.source().wrong, orders.source().unread) == ((), ()), "the files before OPTIMIZE are counted again"

    spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    try:
        orders.table.vacuum(0)
    finally:
        spark.conf.unset("spark.databricks.delta.retentionDurationCheck.enabled")
    gone = {first: 3, second: 1, third: 1}
    assert orders.source() == Finding(
        "source",
        "orders",
        3,
        (),
        tuple(f"{name}: {gone[name]} rows were read, its file is gone (VACUUM)" for name in sorted(gone)),
    )


def test_a_change_of_rows_ends_the_query_and_is_found_by_the_check(spark: SparkSession, tmp_path: Path) -> None:
    orders = Orders(spark, tmp_path)
    orders.append(sql(1, 0), sql(2, 0))
    orders.take()
    (file,) = orders.files()
    orders.table.update("id = 2", {"price": "5.00BD"})
    assert orders.refused() == (
        "ingest.orders gave up: version 1 of the source table (UPDATE) changed or deleted rows: sources are "
        "append-only, what was read would stay as it was. Send a correction as a new row. To go on behind that "
        "commit, move the checkpoint away and set starting to 2, the version after it; rows not read before it are "
        "then left out"
    )
    assert differences(spark, orders.project) == {
        "source orders": (f"version 1 of the table (UPDATE) changed or deleted rows of {file}",)
    }

    shutil.rmtree(tmp_path / "lake/checkpoints/ingest/orders")
    orders.start_at(2)
    orders.take()
    orders.append(sql(3, 1))
    orders.take()
    assert [row[0] for row in orders.accepted()] == [1, 2, 3], "what stands behind the change is read, nothing else"

    third = orders.files()[-1]
    orders.table.delete("id = 3")
    assert "version 3 of the source table changed or deleted rows" in orders.refused()
    assert (
        differences(spark, orders.project)["source orders"][1]
        == f"version 3 of the table (DELETE) changed or deleted rows of {third}"
    )


@pytest.mark.long
def test_a_batch_that_was_cut_off_ends_the_same_though_a_column_came(spark: SparkSession, tmp_path: Path) -> None:
    orders = Orders(spark, tmp_path)
    orders.append(sql(1, 0), sql(2, 0, "-1.00BD"))

    def failing(write: Write) -> None:
        if write.table is LEDGER:
            raise RuntimeError("cut off")
        write.make()

    with around_writes(failing), pytest.raises(AssertionError, match="cut off"):
        orders.take()
    orders.append("(3, timestamp'2026-01-01 10:01:00Z', 1.00BD, 'Rome', true)", columns=COLUMNS + ", gift BOOLEAN")
    orders.take()
    assert [row[0] for row in orders.accepted()] == [1, 3]
    rows = orders.lake.read(spark, "signals_orders").orderBy("id").select("others").collect()
    assert [row["others"] for row in rows] == [None, {"gift": "true"}]
    assert orders.lake.read(spark, "dead_letters").count() == 1
    assert differences(spark, orders.project) == {}


@pytest.mark.long
def test_a_column_that_comes_while_the_query_runs_is_read_after_a_restart(spark: SparkSession, tmp_path: Path) -> None:
    orders = Orders(spark, tmp_path)
    orders.append(sql(1, 0))
    create_tables(spark, orders.project)
    (query,) = queries(orders.project, ("ingest",))
    running = query.start(spark, orders.project, once=False, told=lambda: False)
    try:
        running.processAllAvailable()
        orders.append("(3, timestamp'2026-01-01 10:01:00Z', 1.00BD, 'Rome', true)", columns=COLUMNS + ", gift BOOLEAN")
        with pytest.raises(Exception, match="DELTA_SCHEMA_CHANGED"):
            running.processAllAvailable()
    finally:
        running.stop()
    orders.take()
    assert [row[0] for row in orders.accepted()] == [1, 3]
    spark.sql(f"ALTER TABLE delta.`{orders.path}` SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')")
    spark.sql(f"ALTER TABLE delta.`{orders.path}` RENAME COLUMN city TO town")
    assert "a column of the source table was renamed, dropped or given another type" in orders.refused()


@pytest.mark.long
def test_a_table_made_anew_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    orders = Orders(spark, tmp_path)
    orders.append(sql(1, 0))
    orders.take()
    shutil.rmtree(orders.path)
    assert f"{orders.path} is no Delta table" in orders.refused()
    orders.append(sql(2, 0))
    said = orders.refused()
    assert f"table {orders.path} of signal orders was deleted and made anew" in said
    assert [row[0] for row in orders.accepted()] == [1]


@pytest.mark.long
def test_latest_is_what_was_latest_at_the_first_start(spark: SparkSession, tmp_path: Path) -> None:
    orders = Orders(spark, tmp_path, "latest")
    orders.append(sql(1, 0))
    orders.take()
    orders.append(sql(2, 0))
    orders.take()
    assert [row[0] for row in orders.accepted()] == [2]
