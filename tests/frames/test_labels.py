"""Late labels: the first that came in time, the same one every time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import SparkSession

from headrace.models.labels import labelled
from headrace.models.spec import Label

LABEL = Label(signal="served", by="order_id", expression="minutes > 15", within=timedelta(hours=3))


def at(hour: float) -> datetime:
    return datetime(2026, 5, 1, tzinfo=UTC) + timedelta(hours=hour)


@pytest.mark.parametrize("partitions", [1, 3])
def test_literal_rows(spark: SparkSession, partitions: int) -> None:
    asked = spark.createDataFrame(
        [(name, at(12)) for name in ("once", "twice", "tied", "late", "null", "just", "never", None)],
        "order_id STRING, event_time TIMESTAMP",
    )
    told = spark.createDataFrame(
        [
            ("once", 20, at(13), "r1"),
            ("twice", 20, at(14), "r2"),
            ("twice", 10, at(13), "r3"),
            ("tied", 20, at(13), "r5"),
            ("tied", 10, at(13), "r4"),
            ("late", 20, at(15.01), "r6"),
            ("null", None, at(13), "r7"),
            ("null", 20, at(14), "r8"),
            ("just", 20, at(15), "r9"),
            ("nobody", 20, at(13), "r10"),
            (None, 20, at(13), "r11"),
        ],
        "order_id STRING, minutes INT, event_time TIMESTAMP, record_id STRING",
    ).repartition(partitions)
    rows = labelled(asked, told, LABEL, classifies=True)
    assert rows.columns == ["order_id", "event_time", "label"]
    assert {row["order_id"]: row["label"] for row in rows.collect()} == {
        "once": True,
        "twice": False,
        "tied": False,
        "just": True,
    }


def test_a_value_is_a_double_whatever_it_was(spark: SparkSession) -> None:
    asked = spark.createDataFrame([("once", at(12))], "order_id STRING, event_time TIMESTAMP")
    columns = "order_id STRING, event_time TIMESTAMP, record_id STRING"
    told = spark.createDataFrame([("once", at(13), "r1")], columns).selectExpr(
        "*", "CAST(11.5 AS DECIMAL(8,2)) AS price"
    )
    label = LABEL.model_copy(update={"expression": "price"})
    rows = labelled(asked, told, label, classifies=False)
    assert rows.schema["label"].dataType.simpleString() == "double"
    assert [row["label"] for row in rows.collect()] == [11.5]
