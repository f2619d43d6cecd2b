"""Every record sent is in exactly one table, for the reason it was sent."""

from __future__ import annotations

import os
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests import flights, orders
from tests.streams.conftest import Taken

from headrace.demo.faults import ACCEPTED_DUPLICATE, ACCEPTED_LATE
from headrace.errors import SourceChanged
from headrace.flows.ingest_source import opened_stream
from headrace.flows.queries import create_tables
from headrace.io.lake import Lake


def test_every_record_is_accepted_or_a_dead_letter(spark: SparkSession, day_by_day: Taken) -> None:
    sent = Counter(record.signal for record in day_by_day.sent)
    letters = day_by_day.lake.read(spark, "dead_letters")
    there = Counter({row["signal"]: row["count"] for row in letters.groupBy("signal").count().collect()})
    for signal in sent:
        there[signal] += day_by_day.lake.read(spark, f"signals_{signal}").count()
    assert there == sent


def test_every_planted_record_is_rejected_for_its_own_reason_and_no_other_is(
    spark: SparkSession, day_by_day: Taken
) -> None:
    accepted = (ACCEPTED_DUPLICATE, ACCEPTED_LATE)
    planted = Counter(
        (record.signal, record.value, record.fault.expected)
        for record in day_by_day.sent
        if record.fault and record.fault.expected not in accepted
    )
    rows = day_by_day.lake.read(spark, "dead_letters").select("signal", "value", "reasons.code").collect()
    found: Counter[tuple[str, bytes, str]] = Counter()
    for signal, value, codes in rows:
        mine = [code for code in codes if (signal, bytes(value), code) in planted]
        assert mine, (signal, bytes(value), codes)
        found[signal, bytes(value), mine[0]] += 1
    assert found == planted


def test_a_dead_letter_says_where_its_record_was(spark: SparkSession, day_by_day: Taken) -> None:
    rows = day_by_day.lake.read(spark, "dead_letters").where("signal = 'departures'").limit(50).collect()
    assert rows
    for row in rows:
        lines = (day_by_day.home / "landing/departures" / row["source"]["name"]).read_bytes().split(b"\n")
        assert lines[row["source"]["position"] - 1] == bytes(row["value"])
        assert row["record_id"] == f"departures/{row['source']['name']}#{row['source']['position']}"


def test_late_by_is_measured_from_the_mark_before_the_batch(spark: SparkSession, day_by_day: Taken) -> None:
    rows = day_by_day.lake.read(spark, "signals_departures")
    marks = rows.groupBy("batch_id").agg(
        F.countDistinct(F.unix_millis("event_time") + F.col("late_by")).alias("marks"),
        F.max(F.col("late_by")).alias("latest"),
    )
    found = {row["batch_id"]: (row["marks"], row["latest"]) for row in marks.collect()}
    assert found[0][1] == 0
    assert all(count == 1 for batch_id, (count, _) in found.items() if batch_id > 0)
    late = sum(1 for record in day_by_day.sent if record.fault and record.fault.expected == ACCEPTED_LATE)
    assert late > 0
    assert any(latest > 1_800_000 for batch_id, (_, latest) in found.items() if batch_id > 0)


def test_a_batch_without_a_record_leaves_the_clock_where_it_was(spark: SparkSession, tmp_path: Path) -> None:
    project = flights.project(tmp_path, max_files=1)
    records = [one for one in flights.sent(date(2013, 1, 1), date(2013, 1, 3), share=0.0) if one.signal == "weather"]
    landing = flights.landed(tmp_path, records)
    first, second = (file.path for file in landing.files)
    empty = second.with_name("weather-2013-01-01-empty.jsonl")
    empty.touch()
    for file, seconds_before in ((first, 20), (empty, 10)):
        moment = second.stat().st_mtime - seconds_before
        os.utime(file, (moment, moment))
    flights.taken(spark, project, "ingest.weather", ends=False)
    lake = Lake(project.settings.storage)
    rows = lake.read(spark, "signals_weather").groupBy("batch_id").agg(F.max("late_by").alias("late_by")).collect()
    late = {row["batch_id"]: row["late_by"] for row in rows}
    assert late == {0: 0, 2: -3_600_000}, "the second day begins an hour after the mark the first one left"


def test_a_second_run_finds_nothing_to_do(spark: SparkSession, tmp_path: Path) -> None:
    there = orders.project(tmp_path)
    orders.land(tmp_path, "one.jsonl", orders.order(1), at=1)
    for _ in range(2):
        orders.take_in(spark, there)
        entries = Lake(there.settings.storage).read(spark, "ledger").where("slice <> '*'").collect()
        assert sorted((row["flow"], row["batch_id"], row["rows_in"]) for row in entries) == [
            ("features", 0, 1),
            ("ingest", 0, 1),
        ]


def test_a_checkpoint_of_another_folder_is_named(spark: SparkSession, tmp_path: Path) -> None:
    project = flights.project(tmp_path)
    (tmp_path / "landing" / "weather").mkdir(parents=True)
    create_tables(spark, project)
    for _ in range(2):
        opened_stream(project, "weather", spark)
    signal = project.settings.signals["weather"]
    elsewhere = signal.model_copy(update={"source": signal.source.model_copy(update={"path": str(tmp_path)})})
    moved = flights.with_settings(project, signals={**project.settings.signals, "weather": elsewhere})
    with pytest.raises(
        SourceChanged, match=rf"was made for the files of .*/landing/weather, and conf/ has .*{tmp_path}\."
    ):
        opened_stream(moved, "weather", spark)
