"""Quartiles of what was accepted, and the marks of what lies outside."""

from __future__ import annotations

from pyspark.sql import SparkSession

from headrace.contracts.model import Contract, Field, Kind
from headrace.contracts.outliers import Quartiles, marked, quartiles
from headrace.contracts.reason_columns import NONE

CONTRACT = Contract(
    id="c",
    version="1",
    event_time="t",
    fields=(
        Field(name="a", kind=Kind.NUMBER, outlier=2.0),
        Field(name="d", kind=Kind.DECIMAL, precision=6, scale=2, outlier=3.0),
        Field(name="none", kind=Kind.INTEGER, outlier=3.0),
    ),
)


def test_quartiles_of_every_watched_field_that_has_values(spark: SparkSession) -> None:
    rows = spark.range(1, 102).selectExpr(
        "CAST(id AS DOUBLE) AS a", "CAST(id / 2 AS DECIMAL(6,2)) AS d", "CAST(NULL AS BIGINT) AS none"
    )
    assert quartiles(rows, CONTRACT) == {
        "a": Quartiles(records=101, low=26.0, median=51.0, high=76.0),
        "d": Quartiles(records=101, low=13.0, median=25.5, high=38.0),
    }


def test_what_lies_outside_is_marked_and_nothing_else_is_touched(spark: SparkSession) -> None:
    rows = spark.sql(f"SELECT *, {NONE} AS warnings FROM VALUES (1D, 5.0BD), (9D, 5.0BD), (NULL, 99.5BD) AS rows(a, d)")
    assert marked(rows, {}) is rows
    found = marked(rows, {"a": (0.0, 8.0), "d": (1.0, 10.0)}).collect()
    said = [
        [(one["code"], one["field"], one["message"].rpartition(": ")[2]) for one in row["warnings"]] for row in found
    ]
    assert said == [[], [("outlier", "a", "9.0")], [("outlier", "d", "99.5")]]
