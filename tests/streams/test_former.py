"""A contract that moves on while its senders have not all followed, through the real flows."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests import flights
from tests.differences import differences

from headrace.contracts.model import Field, Kind
from headrace.errors import ConfigError
from headrace.flows.queries import create_tables
from headrace.io.lake import Lake

FLOWS = ("ingest.weather", "features.airport_weather")


def test_records_of_both_versions_are_accepted(spark: SparkSession, tmp_path: Path) -> None:
    flights.landed(tmp_path, flights.sent(date(2013, 1, 1), date(2013, 1, 3), share=0.0))
    first, second = sorted((tmp_path / "landing" / "weather").iterdir())
    later = tmp_path / second.name
    second.rename(later)
    before = flights.project(tmp_path)
    flights.taken(spark, before, *FLOWS, ends=False)

    lines = [json.loads(line) for line in later.read_text().splitlines()]
    moved = [{**line, "station": "K1"} if number % 2 else line for number, line in enumerate(lines)]
    neither = [{**lines[-1], "station": 5, "temp": "warm"}]
    stamp = later.stat()
    second.write_text("".join(json.dumps(line) + "\n" for line in (*moved, *neither)))
    os.utime(second, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    old = before.contracts["weather"]
    station = Field(name="station", kind=Kind.STRING, required=True)
    new = replace(old, version="2.0.0", fields=(*old.fields[:2], station, *old.fields[2:]), former=old)
    after = replace(before, contracts={**before.contracts, "weather": new})
    flights.taken(spark, after, *FLOWS, ends=False)

    lake = Lake(after.settings.storage)
    rows = lake.read(spark, "signals_weather").groupBy("batch_id", "contract_version", "station").count().collect()
    assert {(row["batch_id"], row["contract_version"], row["station"]): row["count"] for row in rows} == {
        (0, "1.0.0", None): len(first.read_text().splitlines()),
        (1, "1.0.0", None): (len(lines) + 1) // 2,
        (1, "2.0.0", "K1"): len(lines) // 2,
    }
    letters = lake.read(spark, "dead_letters").selectExpr("contract_version", "reasons.rule").collect()
    assert [(row["contract_version"], sorted(row["rule"])) for row in letters] == [
        ("2.0.0", ["station.wrong_type", "temp.wrong_type"])
    ]
    windows = lake.read(spark, "features_airport_weather_log").where("batch_id = 1").count()
    assert windows > 0
    assert differences(spark, after) == {}

    less = tuple(field for field in new.fields if field.name != "wind_gust")
    fewer = replace(before, contracts={**before.contracts, "weather": replace(new, fields=less)})
    assert differences(spark, fewer) == {}
    number = replace(station, kind=Kind.INTEGER)
    other = replace(before, contracts={**before.contracts, "weather": replace(old, fields=(*old.fields, number))})
    with pytest.raises(ConfigError, match="signals_weather: station is string in the table and bigint in conf/"):
        create_tables(spark, other)
