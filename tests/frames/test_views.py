"""Views mean the same in Spark and in DuckDB."""

from __future__ import annotations

import duckdb
from pyspark.sql import SparkSession

from headrace.tables import delay_view

LATE_BY = (-5_000, 0, 59_000, 60_000, 60_001, 3_600_000, None)


def test_what_another_delay_would_have_saved(spark: SparkSession) -> None:
    view = delay_view("set", "orders", 60)
    rows = ", ".join(f"({'NULL' if late is None else late})" for late in LATE_BY)
    made = f"SELECT * FROM (VALUES {rows}) AS rows(late_by)"
    spark.sql(made).createOrReplaceTempView("signals_orders")
    wanted = {
        0: (-60, 7, 2, -2),
        60: (0, 7, 4, 0),
        300: (240, 7, 5, 1),
        3_600: (3_540, 7, 6, 2),
        604_800: (604_740, 7, 6, 2),
    }
    in_spark = {row[0]: tuple(row)[1:] for row in spark.sql(view.sql).collect()}
    connection = duckdb.connect()
    connection.execute(f"CREATE VIEW signals_orders AS {made}")
    in_duckdb = {row[0]: row[1:] for row in connection.execute(view.sql).fetchall()}
    assert in_spark == in_duckdb
    assert {delay: in_spark[delay] for delay in wanted} == wanted
