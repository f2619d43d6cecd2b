"""A table that is there is made to hold what is declared now, and loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from headrace.config import Storage
from headrace.errors import ConfigError
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
