"""Every operation of a feature, over windows and sessions: literal values; a stream gives what a batch gives."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from headrace.features.compare import differs
from headrace.features.spec import FeatureSet
from headrace.features.value_types import feature_type
from headrace.features.windows import windowed

SCHEMA = (
    "airport STRING, delay BIGINT, fee DECIMAL(10,2), carrier STRING, event_time TIMESTAMP, record_id STRING, "
    "late_by BIGINT"
)
DECLARED: dict[str, Any] = {
    "name": "s",
    "signal": "x",
    "entity": ["airport"],
    "delay": "10 minutes",
    "time_to_live": "6 hours",
}


def declared(**more: Any) -> FeatureSet:
    return FeatureSet.model_validate({**DECLARED, **more})


def at(time: str) -> datetime:
    return datetime.fromisoformat(f"2013-01-01T{time}:00").replace(tzinfo=UTC)


RECORDS = [
    # airport, delay, fee, carrier, time, id, late_by in ms
    ("EWR", 10, Decimal("1.10"), "AA", at("00:05"), "1", 0),
    ("EWR", -2, Decimal("2.20"), "UA", at("00:20"), "2", 0),
    ("EWR", None, None, None, at("00:40"), "3", 0),
    ("EWR", 40, Decimal("0.70"), "AA", at("01:10"), "4", 0),
    ("EWR", 41, Decimal("0.30"), "DL", at("01:10"), "5", 0),
    ("JFK", 7, Decimal("5.00"), "B6", at("01:30"), "6", 600_000),
    ("JFK", 9_999, Decimal("5.00"), "B6", at("01:31"), "7", 600_001),
    ("JFK", 9_999, Decimal("5.00"), "B6", at("01:32"), "8", None),
    (None, 9_999, Decimal("5.00"), "B6", at("01:33"), "9", 0),
    ("EWR", 3, Decimal("1.00"), "AA", at("02:59"), "a", 0),
]
ALL = {
    "records_with_delay": {"op": "count", "of": "delay"},
    "n": {"op": "count"},
    "n_aa": {"op": "count", "where": "(`carrier` = 'AA')"},
    "total": {"op": "sum", "of": "fee"},
    "doubled": {"op": "sum", "of": "try_cast(try_multiply(`delay`, 2) AS DOUBLE)"},
    "mean": {"op": "mean", "of": "delay"},
    "least": {"op": "min", "of": "delay"},
    "most": {"op": "max", "of": "delay"},
    "spread": {"op": "stddev", "of": "delay"},
    "carriers": {"op": "approx_distinct", "of": "carrier"},
    "median": {"op": "approx_quantile", "of": "delay", "at": 0.5},
    "opened_by": {"op": "first", "of": "carrier"},
    "closed_by": {"op": "last", "of": "carrier"},
    "late": {"op": "share", "of": "(`delay` > 15)"},
    "per_minute": {"op": "rate", "per": "1 minute"},
    "quiet": {"op": "since_last"},
}


def given(spark: SparkSession, rows: list[tuple[Any, ...]] = RECORDS) -> DataFrame:
    return spark.createDataFrame(rows, SCHEMA)


def by_key(rows: list[Row]) -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    for row in rows:
        values = row.asDict()
        start, _ = values.pop("window_start"), values.pop("window_end")
        found[values.pop("airport"), f"{start:%H:%M}"] = values
    return found


@pytest.mark.parametrize(("field", "summed"), [("(8,2)", "(18,2)"), ("(18,8)", "(28,8)"), ("(38,0)", "(38,0)")])
def test_a_sum_of_decimals_is_of_the_type_its_table_has(spark: SparkSession, field: str, summed: str) -> None:
    rows = given(spark).withColumn("fee", F.col("fee").cast(f"DECIMAL{field}"))
    feature_set = declared(window={"length": "1 hour"}, features={"total": {"op": "sum", "of": "fee"}})
    found = windowed(rows, feature_set).schema["total"].dataType.simpleString()
    declared_type = feature_type(feature_set.features["total"], f"DECIMAL{field}")
    assert found == declared_type.lower() == f"decimal{summed}"


def test_what_is_beyond_the_largest_number_is_null_and_no_difference(spark: SparkSession) -> None:
    huge = "try_cast(1e308 AS DOUBLE)"
    features = {"total": {"op": "sum", "of": huge}, "mean": {"op": "mean", "of": huge}, "n": {"op": "count"}}
    derived = {"twice": {"expression": "n * 1e308 * 10", "kind": "number"}}
    feature_set = declared(window={"length": "1 hour"}, features=features, derived=derived)
    found = by_key(windowed(given(spark), feature_set).collect())
    assert (found["EWR", "00:00"]["total"], found["EWR", "00:00"]["twice"]) == (None, None)
    same = spark.sql("SELECT double('Infinity') AS a, double('Infinity') AS b, double(1) AS c, double(null) AS d")
    assert same.select(
        differs(F.col("a"), F.col("b"), "DOUBLE"), differs(F.col("c"), F.col("d"), "DOUBLE")
    ).first() == (
        False,
        True,
    )


def test_every_operation(spark: SparkSession) -> None:
    found = by_key(windowed(given(spark), declared(window={"length": "1 hour"}, features=ALL)).collect())
    assert set(found) == {("EWR", "00:00"), ("EWR", "01:00"), ("EWR", "02:00"), ("JFK", "01:00")}
    assert found["EWR", "00:00"] == {
        "records_with_delay": 2,
        "n": 3,
        "n_aa": 1,
        "total": Decimal("3.300000"),
        "doubled": 16.0,
        "mean": 4.0,
        "least": -2,
        "most": 10,
        "spread": pytest.approx(8.48528137423857),
        "carriers": 2,
        "median": -2.0,
        "opened_by": "AA",
        "closed_by": "UA",
        "late": 0.0,
        "per_minute": 0.05,
        "quiet": 1_200.0,
        "records": 3,
    }
    at_one = found["EWR", "01:00"]
    assert (at_one["opened_by"], at_one["closed_by"]) == ("AA", "DL"), "of one time, the order is that of the ids"
    assert (at_one["late"], at_one["spread"]) == (1.0, pytest.approx(0.7071067811865476))
    alone = found["JFK", "01:00"]
    assert (alone["n"], alone["least"], alone["spread"]) == (1, 7, None), "a record 10 minutes late is in, no later one"


def test_late_records_are_taken_in_by_a_backfill(spark: SparkSession) -> None:
    found = by_key(windowed(given(spark), declared(window={"length": "1 hour"}, features=ALL), late=True).collect())
    assert (found["JFK", "01:00"]["n"], found["JFK", "01:00"]["most"]) == (3, 9_999)


def test_several_lengths_end_together(spark: SparkSession) -> None:
    features = {
        "n": {"op": "count"},
        "most": {"op": "max", "of": "delay", "over": ["2 hours"]},
        "last": {"op": "last", "of": "carrier"},
        "per_hour": {"op": "rate", "per": "1 hour"},
    }
    derived = {"busier": {"expression": "(`n_1h` > try_divide(`n_2h`, 2))", "kind": "condition"}}
    one = declared(window={"length": ["1 hour", "2 hours"]}, features=features, derived=derived)
    assert one.columns == ("n_1h", "n_2h", "most_2h", "last_1h", "last_2h", "per_hour_1h", "per_hour_2h", "busier")
    rows = windowed(given(spark), one).where("airport = 'EWR'").orderBy("window_end").collect()
    found = [(f"{row['window_end']:%H}", *[row[name] for name in (*one.columns, "records")]) for row in rows]
    assert found == [
        ("01", 3, 3, 10, "UA", "UA", 3.0, 1.5, True, 3),
        ("02", 2, 5, 41, "DL", "DL", 2.0, 2.5, False, 5),
        ("03", 1, 3, 41, "AA", "AA", 1.0, 1.5, False, 3),
        ("04", 0, 1, 3, None, "AA", 0.0, 0.5, False, 1),
    ]


def test_a_set_is_about_the_records_its_condition_holds_for(spark: SparkSession) -> None:
    one = declared(where="(`delay` > 0)", window={"length": "1 hour"}, features={"n": {"op": "count"}})
    assert {key: values["n"] for key, values in by_key(windowed(given(spark), one).collect()).items()} == {
        ("EWR", "00:00"): 1,
        ("EWR", "01:00"): 2,
        ("EWR", "02:00"): 1,
        ("JFK", "01:00"): 1,
    }


SESSIONS = declared(window={"gap": "30 minutes"}, features=ALL)


def test_sessions(spark: SparkSession) -> None:
    rows = windowed(given(spark), SESSIONS).where("airport = 'EWR'").orderBy("window_end").collect()
    found = [(f"{row['window_start']:%H:%M}", f"{row['window_end']:%H:%M}", row["n"], row["quiet"]) for row in rows]
    assert found == [("00:05", "01:40", 5, 1_800.0), ("02:59", "03:29", 1, 1_800.0)], "30 minutes end none yet"
    assert rows[0]["per_minute"] == pytest.approx(5 / 95)


def test_a_condition_on_its_end_does_not_cut_a_session_short(spark: SparkSession) -> None:
    sessions = windowed(given(spark), SESSIONS).where(F.col("airport") == "EWR")
    for condition, ends in {"<=": ["01:40"], ">": ["03:29"]}.items():
        chosen = sessions.where(f"window_end {condition} '2013-01-01T02:00:00Z'").collect()
        assert [f"{row['window_end']:%H:%M}" for row in chosen] == ends
    assert sessions.where("window_end <= '2013-01-01T01:00:00Z'").collect() == []
    assert sessions.where("window_end > '2013-01-01T01:00:00Z'").agg(F.min("n")).collect()[0][0] == 1


@pytest.mark.parametrize(
    ("mode", "window"),
    [("update", {"length": ["1 hour", "2 hours"], "slide": "30 minutes"}), ("append", {"gap": "30 minutes"})],
)
def test_a_stream_gives_what_a_batch_gives(
    spark: SparkSession, tmp_path: Path, mode: str, window: dict[str, Any]
) -> None:
    one = declared(window=window, features=ALL)
    later: list[tuple[Any, ...]] = [
        ("EWR", 1, None, "AA", at("12:00"), "b", 0),
        ("EWR", 1, None, "AA", at("23:00"), "c", 0),
    ]
    written: list[Row] = []
    sent: list[list[tuple[Any, ...]]] = [RECORDS[:4], RECORDS[4:], later[:1], later[1:]]
    for number, rows in enumerate(sent):
        given(spark, rows).coalesce(1).write.parquet(str(tmp_path / "in" / f"{number}"))
    stream = spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", 1).option("recursiveFileLookup", True)
    windows = windowed(stream.parquet(str(tmp_path / "in")), one, watermark=one.delay)
    query = (
        windows.writeStream.outputMode(mode)
        .option("checkpointLocation", str(tmp_path / "checkpoint"))
        .foreachBatch(lambda frame, _: written.extend(frame.collect()))
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    final = {(row["airport"], row["window_start"]): row for row in written}
    if mode == "append":
        assert len(final) == len(written), "a session is written once"
    before = windowed(given(spark, [*RECORDS, *later]), one).where(F.col("window_end") < F.lit(at("11:00")))
    wanted = {(row["airport"], row["window_start"]): row for row in before.collect()}
    assert len(wanted) >= 3
    assert {key: final.get(key) for key in wanted} == wanted
