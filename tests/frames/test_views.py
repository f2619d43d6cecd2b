"""Views mean the same in Spark and in DuckDB."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from pyspark.sql import SparkSession

from headrace.io.lake import in_spark
from headrace.tables import LEDGER, Column, Table, all_predictions, delay_view, feature_views, features_log, predictions


@pytest.fixture(autouse=True)
def _nothing_left(spark: SparkSession) -> Iterator[None]:
    """No view of the session's own stays: one in a catalog could not be made on a table of that name."""
    yield
    for table in spark.catalog.listTables():
        if table.isTemporary:
            spark.catalog.dropTempView(table.name)


LATE_BY = (-5_000, 0, 59_000, 60_000, 60_001, 3_600_000, None)


def test_what_another_delay_would_have_saved(spark: SparkSession) -> None:
    view = delay_view("set", "orders", 60, ("order",))
    rows = ", ".join(f"({'NULL' if late is None else late}, 'a')" for late in LATE_BY)
    made = f'SELECT late_by, key AS "order" FROM (VALUES {rows}, (59000, NULL)) AS rows(late_by, key)'
    spark.sql(made.replace('"', "`")).createOrReplaceTempView("signals_orders")
    wanted = {
        0: (-60, 7, 2, -2),
        60: (0, 7, 4, 0),
        300: (240, 7, 5, 1),
        3_600: (3_540, 7, 6, 2),
        604_800: (604_740, 7, 6, 2),
    }
    of_spark = {row[0]: tuple(row)[1:] for row in spark.sql(in_spark(view)).collect()}
    connection = duckdb.connect()
    connection.execute(f"CREATE VIEW signals_orders AS {made}")
    in_duckdb = {row[0]: row[1:] for row in connection.execute(view.sql).fetchall()}
    assert of_spark == in_duckdb
    assert {delay: of_spark[delay] for delay in wanted} == wanted


def test_a_column_may_be_called_as_a_word_of_sql(spark: SparkSession) -> None:
    """As the platform has the views, and as ``headrace sql`` has them."""
    log = features_log("a", [Column("order", "STRING")], [Column("limit", "DOUBLE")])
    answers = predictions("m", [], "end")
    views = [*feature_views("a", log, ("order",)), all_predictions({"m": "end"})]
    connection = duckdb.connect()
    for table in (log, answers, LEDGER):
        spark.createDataFrame([], _ddl(table)).createOrReplaceTempView(table.name)
        columns = ", ".join(f'"{column.name}" {_PLAIN.get(column.type, "VARCHAR")}' for column in table.columns)
        connection.execute(f"CREATE TABLE {table.name} ({columns})")
    for view in views:
        assert spark.sql(in_spark(view)).collect() == []
        assert connection.execute(view.sql).fetchall() == []


_PLAIN = {"BIGINT": "BIGINT", "DOUBLE": "DOUBLE", "TIMESTAMP": "TIMESTAMP"}


def _ddl(table: Table) -> str:
    return ", ".join(f"`{column.name}` {column.type}" for column in table.columns)
