"""The ledger balances, and one row deleted, changed or doubled, or one line taken away, is found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests import flights
from tests.differences import differences
from tests.streams.conftest import Taken

from headrace.cli import main


@pytest.fixture
def copied(day_by_day: Taken, tmp_path: Path) -> Taken:
    """The same tables, to be tampered with."""
    home = tmp_path / "home"
    shutil.copytree(day_by_day.home, home)
    return Taken(flights.project(home), home, day_by_day.sent)


def row_deleted(spark: SparkSession, taken: Taken) -> None:
    table = DeltaTable.forPath(spark, f"{taken.home}/tables/signals_departures")
    one = table.toDF().where("batch_id = 1").select("record_id").first()
    assert one is not None
    table.delete(F.col("record_id") == one["record_id"])


def value_changed(spark: SparkSession, taken: Taken) -> None:
    table = DeltaTable.forPath(spark, f"{taken.home}/tables/features_airport_weather_log")
    one = table.toDF().where("batch_id = 1").select("origin", "window_end").first()
    assert one is not None
    where = (F.col("origin") == one["origin"]) & (F.col("window_end") == one["window_end"]) & (F.col("batch_id") == 1)
    table.update(where, {"temp": F.col("temp") + 1e-6})


def source_line_dropped(spark: SparkSession, taken: Taken) -> None:
    file = taken.home / "landing/arrivals/arrivals-2013-01-02.jsonl"
    file.write_bytes(b"\n".join(file.read_bytes().split(b"\n")[1:]))


def source_line_changed(spark: SparkSession, taken: Taken) -> None:
    file = taken.home / "landing/arrivals/arrivals-2013-01-03.jsonl"
    file.write_bytes(file.read_bytes().replace(b"2013-01-03", b"2013-01-04", 1))


def commit_doubled(spark: SparkSession, taken: Taken) -> None:
    rows = taken.lake.read(spark, "dead_letters").where("batch_id = 1 AND signal = 'weather'")
    rows.write.format("delta").mode("append").save(f"{taken.home}/tables/dead_letters")


def batch_lost(spark: SparkSession, taken: Taken) -> None:
    DeltaTable.forPath(spark, f"{taken.home}/tables/ledger").delete(
        "flow = 'features' AND subject = 'origin_departures' AND batch_id = 1"
    )


# By which finding each is named, and in which words.
TAMPERED: dict[Callable[[SparkSession, Taken], None], tuple[str, str]] = {
    row_deleted: ("committed signals_departures", "rows were committed"),
    value_changed: ("committed features_airport_weather_log", "a value in them changed"),
    source_line_dropped: ("source arrivals", "arrivals-2013-01-02.jsonl: "),
    source_line_changed: ("source arrivals", "their bytes changed"),
    commit_doubled: ("committed dead_letters", "rows were committed"),
    batch_lost: ("committed features_origin_departures_log", "that the ledger does not know"),
}


def test_it_balances(spark: SparkSession, day_by_day: Taken) -> None:
    assert differences(spark, day_by_day.project) == {}


def test_each_thing_that_was_tampered_with_is_named(
    spark: SparkSession, copied: Taken, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Six things at six places, and one check, by the command."""
    for tamper in TAMPERED:
        tamper(spark, copied)
    monkeypatch.setenv("HEADRACE_HOME", str(copied.home))
    with pytest.raises(SystemExit) as ended:
        main(["ledger", "check", "--json", "--conf-dir", str(flights.CONF)])
    assert ended.value.code == 1
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["balanced"] is False
    wrong = {f"{one['check']} {one['subject']}": one["wrong"] for one in found["findings"] if one["wrong"]}
    for tamper, (name, part) in TAMPERED.items():
        assert any(part in line for line in wrong[name]), tamper.__name__
    assert "arrivals-2013-01-02.jsonl" in said.err
