"""A table that is there is made to hold what is declared now, and loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from pyspark.sql import SparkSession
from tests import flights
from tests.empty_tables import with_tables

from headrace.config import Storage
from headrace.errors import ConfigError
from headrace.flows.queries import create_tables
from headrace.io.lake import Lake, Writer
from headrace.tables import Column, Table


def table(*columns: tuple[str, str]) -> Table:
    return Table(name="t", grain="one", key=(), columns=tuple(Column(name, type_, "What.") for name, type_ in columns))


def test_members_come_and_go(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(Storage(root=str(tmp_path)))
    first = table(("n", "INT"), ("o", "STRUCT<a: INT, b: STRING>"), ("l", "ARRAY<STRUCT<x: INT>>"))
    second = table(
        ("n", "INT"), ("o", "STRUCT<c: DOUBLE, a: INT, d: STRUCT<e: INT>>"), ("l", "ARRAY<STRUCT<y: INT, x: INT>>")
    )
    rows = (
        (first, "1 AS n, named_struct('a', 1, 'b', 'x') AS o, array(named_struct('x', 1)) AS l"),
        (
            second,
            "2 AS n, named_struct('c', 2.5D, 'a', 2, 'd', named_struct('e', 3)) AS o, "
            "array(named_struct('y', 4, 'x', 5)) AS l",
        ),
        (first, "3 AS n, named_struct('a', 6, 'b', 'y') AS o, array(named_struct('x', 7)) AS l"),
    )
    for number, (declared, values) in enumerate(rows):
        lake.create(spark, declared)
        lake.append(spark.sql(f"SELECT {values}"), declared, Writer("q", number))

    found = lake.read(spark, "t").selectExpr("n", "o.a", "o.b", "o.c", "o.d.e", "l[0].x", "l[0].y").orderBy("n")
    assert [tuple(row) for row in found.collect()] == [
        (1, 1, "x", None, None, 1, None),
        (2, 2, None, 2.5, 3, 5, 4),
        (3, 6, "y", None, None, 7, None),
    ]


def test_a_member_of_another_type_is_named(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(Storage(root=str(tmp_path)))
    lake.create(spark, table(("o", "STRUCT<a: INT, l: ARRAY<STRUCT<x: INT>>>")))
    with pytest.raises(ConfigError) as refused:
        lake.create(spark, table(("o", "STRUCT<a: STRING, l: ARRAY<STRUCT<x: DOUBLE>>>")))
    assert [line.split(": give")[0] for line in refused.value.mistakes] == [
        "t: o.a is int in the table and string in conf/",
        "t: o.l.element.x is int in the table and double in conf/",
    ]


EVERY_TYPE = (
    ("a", "STRING"), ("b", "TINYINT"), ("c", "SMALLINT"), ("d", "INT"), ("e", "BIGINT"), ("f", "FLOAT"),
    ("g", "DOUBLE"), ("h", "DECIMAL(20,4)"), ("i", "BOOLEAN"), ("j", "BINARY"), ("k", "DATE"), ("l", "TIMESTAMP"),
    ("m", "MAP<STRING, BIGINT>"), ("n", "ARRAY<STRUCT<x: TIMESTAMP, y: DECIMAL(5,0)>>"), ("o", "TIMESTAMP_NTZ"),
)  # fmt: skip


def test_a_table_that_is_as_declared_costs_no_job(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(Storage(root=str(tmp_path)))
    lake.create(spark, table(*EVERY_TYPE, ("left", "INT")))
    with jobs(spark) as begun:
        lake.create(spark, table(*EVERY_TYPE))
        lake.widen(spark, table(*EVERY_TYPE))
    assert begun == []
    assert versions(tmp_path) == ["00000000000000000000.json"]


def test_a_project_that_has_its_tables_starts_without_a_job(spark: SparkSession, tmp_path: Path) -> None:
    project = flights.project(tmp_path)
    with_tables(spark, project)
    made = {log: log.read_bytes() for log in tmp_path.rglob("_delta_log/*.json")}
    with jobs(spark) as begun:
        create_tables(spark, project)
    assert begun == []
    assert {log: log.read_bytes() for log in tmp_path.rglob("_delta_log/*.json")} == made
    assert {log.parent.parent.name for log in made} > {"ledger", "batch_plans", "signals_departures", "dead_letters"}


def test_a_column_that_lacks_is_added_once(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(Storage(root=str(tmp_path)))
    for _ in range(2):
        lake.create(spark, table(("a", "INT")))
    for _ in range(2):
        lake.create(spark, table(("a", "INT"), ("b", "STRING")))
    assert versions(tmp_path) == ["00000000000000000000.json", "00000000000000000001.json"]
    assert lake.types(spark, "t") == {"a": "int", "b": "string"}


def test_a_folder_that_only_spark_reads_has_its_tables_too(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(Storage(root=str(tmp_path / "data%41")))
    for _ in range(2):
        lake.create(spark, table(("a", "INT"), ("b", "STRING")))
    assert lake.types(spark, "t") == {"a": "int", "b": "string"}
    assert versions(tmp_path / "data%41") == ["00000000000000000000.json"]
    with pytest.raises(ConfigError) as refused:
        lake.create(spark, table(("a", "STRING")))
    assert refused.value.mistakes[0].startswith("t: a is int in the table and string in conf/")


def test_a_table_with_a_feature_that_only_spark_knows(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(Storage(root=str(tmp_path)))
    lake.create(spark, table(("a", "INT")))
    spark.sql(f"ALTER TABLE {lake.sql_name('t')} SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')")
    spark.sql(f"ALTER TABLE {lake.sql_name('t')} ADD COLUMNS (v VARIANT)")
    spark.sql(f"ALTER TABLE {lake.sql_name('t')} RENAME COLUMN a TO b")
    lake.create(spark, table(("b", "INT"), ("c", "STRING")))
    lake.create(spark, table(("b", "INT"), ("c", "STRING")))
    assert lake.types(spark, "t") == {"b": "int", "v": "variant", "c": "string"}


def versions(root: Path) -> list[str]:
    return sorted(entry.name for entry in (root / "t/_delta_log").glob("*.json"))


@contextmanager
def jobs(spark: SparkSession) -> Iterator[list[int]]:
    """The Spark jobs that this thread starts meanwhile."""
    begun = list[int]()
    group = str(uuid4())
    spark.sparkContext.setJobGroup(group, "counted")
    try:
        yield begun
        begun += spark.sparkContext.statusTracker().getJobIdsForGroup(group)
    finally:
        spark.sparkContext.setJobGroup("", "")
