"""Rules over windows of event time: judged once each, of what was there when they became final, whatever crashes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from tests import flights
from tests.differences import differences
from tests.writes import Write, around_writes

from headrace.config import Clock, Restarts
from headrace.contracts.aggregates import Aggregate, Metric, Must, Operator
from headrace.contracts.model import Criticality
from headrace.contracts.tumbling import Tumbling
from headrace.flows import window_rules
from headrace.flows.project import Project
from headrace.flows.queries import create_tables, queries
from headrace.flows.run import drain
from headrace.io.lake import Lake

SIGNAL = "weather"
HOURS = Tumbling(timedelta(hours=1), timedelta(minutes=10))
RULES = (
    Aggregate(
        name="enough",
        metric=Metric.ROW_COUNT,
        must=Must(Operator.GREATER_THAN, (2.0,)),
        criticality=Criticality.WARN,
        window=HOURS,
    ),
    Aggregate(
        name="temp_known",
        metric=Metric.NULL_VALUES,
        fields=("temp",),
        must=Must(Operator.BE, (0.0,)),
        criticality=Criticality.WARN,
        window=HOURS,
    ),
    Aggregate(
        name="patient",
        metric=Metric.ROW_COUNT,
        must=Must(Operator.GREATER_THAN, (0.0,)),
        criticality=Criticality.WARN,
        window=replace(HOURS, delay=timedelta(hours=1)),
    ),
)
FILES = (
    ("10:20", "10:40", "11:05"),
    # 10:50 comes in time for its window, which this batch makes final.
    ("10:50", "11:15"),
    # 10:59 comes too late for it; of twelve there is nothing.
    ("10:59", "13:30"),
)
TEMP_UNKNOWN = "11:15"


def landed(home: Path) -> None:
    folder, since = home / "landing" / SIGNAL, time.time() - 100
    folder.mkdir(parents=True)
    for number, times in enumerate(FILES):
        records = [
            {"occurred_at": f"2013-01-01T{at}:00Z", "origin": "JFK", "temp": None if at == TEMP_UNKNOWN else 40.5}
            for at in times
        ]
        file = folder / f"{number}.jsonl"
        file.write_text("".join(json.dumps(record) + "\n" for record in records))
        os.utime(file, (since + number, since + number))


def with_rules(home: Path) -> Project:
    plain = flights.project(home, max_files=1)
    clock = Clock(kind="replay", max_jump=timedelta(hours=12), support=1)
    signal = plain.settings.signals[SIGNAL].model_copy(update={"clock": clock})
    restarts = Restarts(first_wait=timedelta(milliseconds=100), longest_wait=timedelta(milliseconds=100))
    settings = {"signals": {**plain.settings.signals, SIGNAL: signal}, "restarts": restarts}
    contract = replace(plain.contracts[SIGNAL], aggregates=RULES)
    project = replace(plain, contracts={**plain.contracts, SIGNAL: contract}, feature_sets={}, models={})
    return flights.with_settings(project, **settings)


def take(spark: SparkSession, project: Project) -> None:
    create_tables(spark, project)
    chosen = queries(project, (f"ingest.{SIGNAL}",), patient=False)
    drain(spark, project, chosen, stop=Event(), show=lambda _: None)


def rows(spark: SparkSession, project: Project, table: str) -> list[Row]:
    return Lake(project.settings.storage).read(spark, table).collect()


@contextmanager
def crash_once(places: Sequence[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    """After each of these writes, named by output and batch, the process is cut off once. Gives those still to come."""
    left = list(places)

    def cut_off(write: Write) -> None:
        write.make()
        place = (write.output, write.writer.batch_id)
        if place in left:
            left.remove(place)
            raise RuntimeError(f"planted crash after {place}")

    with around_writes(cut_off):
        yield left


def test_each_window_is_judged_once_when_it_is_final(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, jobs = with_rules(tmp_path), list[int]()
    landed(tmp_path)
    counted = window_rules._counted

    def counting(rows: DataFrame, due: Sequence[window_rules.Due], event_time: str) -> window_rules.Counted:
        jobs.append(len(due))
        return counted(rows, due, event_time)

    monkeypatch.setattr(window_rules, "_counted", counting)
    with crash_once([("measurements/windows", 2), ("verdicts/end_of_input", 2)]) as left:
        with pytest.raises(RuntimeError, match="verdicts/end_of_input"):
            take(spark, project)
        take(spark, project)

    assert left == []
    # Batch 0 makes no window final, batch 1 those of two rules, batch 2 of all and twice, and so does the end.
    assert jobs == [2, 3, 3, 3, 3]
    assert sorted(
        (row["objective"], row["evidence"]["window_start"][11:16], row["evidence"]["window_end"][11:16], row["value"],
         row["must"], row["rows_in"], row["batch_id"])
        for row in rows(spark, project, "verdicts")
    ) == [
        ("enough", "11:00", "12:00", 2.0, "mustBeGreaterThan 2", 2, 2),
        ("enough", "12:00", "13:00", 0.0, "mustBeGreaterThan 2", 0, 2),
        ("enough", "13:00", "14:00", 1.0, "mustBeGreaterThan 2", 1, 2),
        ("patient", "12:00", "13:00", 0.0, "mustBeGreaterThan 0", 0, 2),
        ("temp_known", "11:00", "12:00", 1.0, "mustBe 0", 2, 2),
    ]  # fmt: skip
    assert {(row["verdict"], row["subject"], row["attempt"]) for row in rows(spark, project, "verdicts")} == {
        ("alarm", SIGNAL, 0)
    }
    measured = rows(spark, project, "measurements")
    assert sorted(
        (row["segment"], f"{row['window_start']:%H:%M}", f"{row['window_end']:%H:%M}", row["value"], row["records"],
         row["batch_id"])
        for row in measured
    ) == [
        ("enough", "10:00", "11:00", 3.0, 3, 1),
        ("enough", "11:00", "12:00", 2.0, 2, 2),
        ("enough", "12:00", "13:00", 0.0, 0, 2),
        ("enough", "13:00", "14:00", 1.0, 1, 2),
        ("patient", "10:00", "11:00", 4.0, 4, 2),
        ("patient", "11:00", "12:00", 2.0, 2, 2),
        ("patient", "12:00", "13:00", 0.0, 0, 2),
        ("patient", "13:00", "14:00", 1.0, 1, 2),
        ("temp_known", "10:00", "11:00", 0.0, 3, 1),
        ("temp_known", "11:00", "12:00", 1.0, 2, 2),
        ("temp_known", "13:00", "14:00", 0.0, 1, 2),
    ]  # fmt: skip
    assert {json.dumps(row["details"]) for row in measured if row["segment"] == "enough"} == {
        '{"rule": "rowCount mustBeGreaterThan 2 in windows of 1 hour, delay 10 minutes", "window": "1 hour"}'
    }
    assert differences(spark, project) == {}


@pytest.fixture
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_from_utc")
def test_an_end_is_an_instant_wherever_the_driver_is_and_a_late_record_moves_nothing(
    spark: SparkSession, tmp_path: Path
) -> None:
    project = with_rules(tmp_path)
    landed(tmp_path)
    take(spark, project)
    # The window of 13:30, however it is aligned, and the hour it waits.
    assert ends(spark, project) == [(2, "2013-01-01 15:30:00")]
    told = len(rows(spark, project, "measurements"))

    late = tmp_path / "landing" / SIGNAL / "late.jsonl"
    late.write_text(json.dumps({"occurred_at": "2013-01-01T09:00:00Z", "origin": "JFK", "temp": 40.5}) + "\n")
    take(spark, project)
    assert ends(spark, project) == [(2, "2013-01-01 15:30:00"), (3, "2013-01-01 15:30:00")]
    assert len(rows(spark, project, "measurements")) == told
    assert differences(spark, project) == {}


def ends(spark: SparkSession, project: Project) -> list[tuple[int, str]]:
    """The batches nothing came after, and the mark they left; each at the time of its batch."""
    book = Lake(project.settings.storage).read(spark, "ledger").where(f"subject = '{SIGNAL}'")
    times = book.groupBy("batch_id").agg(F.countDistinct("batch_time").alias("times"))
    assert times.where("times > 1").count() == 0
    found = book.where("end_of_input").orderBy("batch_id").select("batch_id", F.col("high_water").cast("string"))
    return [tuple(row) for row in found.collect()]
