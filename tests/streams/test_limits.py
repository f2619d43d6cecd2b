"""A batch that holds too much that is bad has no effect; its source is paused; mended, the same batch passes whole."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from pyspark.sql import Row, SparkSession
from tests import flights
from tests.differences import differences
from tests.empty_tables import with_tables
from tests.writes import Write, around_writes

from headrace.config import Limits, Restarts
from headrace.contracts.aggregates import Aggregate, Metric, Must, Operator
from headrace.contracts.model import Criticality
from headrace.errors import CheckFailed, InfrastructureError, UsageError
from headrace.flows import sources
from headrace.flows.project import Project
from headrace.flows.queries import queries
from headrace.flows.replan import replan
from headrace.flows.run import drain, run
from headrace.flows.source_standings import source_standings
from headrace.flows.status import status
from headrace.flows.watched import State, Watched
from headrace.io.lake import Lake, Writer

SIGNAL = "weather"
BAD_DAY, BAD_LINES = 1, 40
"""The second of three files, and how many of its lines are no JSON: in a row, at its end."""


def landed(home: Path, bad: int = BAD_LINES) -> int:
    """Three files of each signal, a batch each; how many records of this one they hold."""
    records = flights.sent(date(2013, 1, 1), date(2013, 1, 4), share=0.0)
    flights.landed(home, records)
    file = sorted((home / "landing" / SIGNAL).iterdir())[BAD_DAY]
    lines = file.read_text().splitlines()
    stamp = file.stat()
    file.write_text("\n".join([*lines[:-bad], *(["no json"] * bad)] if bad else lines) + "\n")
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    return sum(1 for one in records if one.signal == SIGNAL)


def held_to(project: Project, limits: Limits = Limits(), *aggregates: Aggregate) -> Project:  # noqa: B008
    signal = project.settings.signals[SIGNAL].model_copy(update={"limits": limits})
    contract = replace(project.contracts[SIGNAL], aggregates=aggregates)
    changed = flights.with_settings(project, signals={**project.settings.signals, SIGNAL: signal})
    return replace(changed, contracts={**project.contracts, SIGNAL: contract})


def take(spark: SparkSession, project: Project) -> None:
    with_tables(spark, project)
    chosen = queries(project, (f"ingest.{SIGNAL}",), patient=False)
    drain(spark, project, chosen, stop=Event(), show=lambda _: None, ends=False)


def rows(spark: SparkSession, project: Project, table: str) -> list[Row]:
    return Lake(project.settings.storage).read(spark, table).collect()


def effects(spark: SparkSession, project: Project) -> set[int]:
    """The batches that have a row anywhere but in the verdicts."""
    tables = (f"signals_{SIGNAL}", "dead_letters", "ledger", "batch_plans")
    return {row["batch_id"] for table in tables for row in rows(spark, project, table)}


def test_a_held_batch_has_no_effect_and_passes_whole_once_mended(spark: SparkSession, tmp_path: Path) -> None:
    limits = Limits(max_invalid_ratio=0.3, min_records=10, max_consecutive_invalid=39)
    rule = Aggregate(name="size", metric=Metric.ROW_COUNT, must=Must(Operator.GREATER_THAN, (50.0,)))
    objectives = ["limits.max_consecutive_invalid", "limits.max_invalid_ratio", "size"]
    sent = landed(tmp_path)
    plain = flights.project(tmp_path, max_files=1)
    strict = held_to(plain, limits, rule)
    with pytest.raises(CheckFailed, match=r"ingest.weather is paused: .*max_invalid_ratio is 0\.\d+, at most 0\.3"):
        take(spark, strict)
    assert effects(spark, strict) == {0}
    verdicts = rows(spark, strict, "verdicts")
    assert sorted(row["objective"] for row in verdicts) == objectives
    assert {(row["verdict"], row["batch_id"]) for row in verdicts} == {("breach", BAD_DAY)}
    (paused,) = rows(spark, strict, "source_log")
    assert (paused["state"], paused["cause"], paused["held_batch_id"]) == ("paused", "limit", BAD_DAY)
    (standing,) = [one for one in source_standings(strict) if one.signal == SIGNAL]
    assert standing.state == "paused"
    assert [one.query for one in status(strict) if one.paused] == [f"ingest.{SIGNAL}"]
    assert all(objective in standing.why for objective in objectives)

    with pytest.raises(CheckFailed, match="is not read until it is resumed"):
        take(spark, plain)
    assert effects(spark, plain) == {0}, "a paused source is not read, whatever was mended"

    lake = Lake(plain.settings.storage)
    sources.resume(spark, lake, SIGNAL, "mended", waive=False)
    take(spark, plain)
    assert effects(spark, plain) == {0, 1, 2}
    taken = len(rows(spark, plain, f"signals_{SIGNAL}")) + len(rows(spark, plain, "dead_letters"))
    assert taken == sent
    assert differences(spark, plain) == {}


def test_a_batch_held_back_while_the_source_is_paused_by_hand_can_be_let_pass(
    spark: SparkSession, tmp_path: Path
) -> None:
    project = flights.project(tmp_path)
    with_tables(spark, project)
    lake, batch = Lake(project.settings.storage), Writer("q", 3)
    sources.pause(spark, lake, SIGNAL, "by hand")
    assert sources.hold_back(spark, lake, SIGNAL, batch, "too many").sequence == 2
    assert sources.hold_back(spark, lake, SIGNAL, batch, "too many").sequence == 2
    assert sources.pause(spark, lake, SIGNAL, "by hand").sequence == 2
    assert sources.resume(spark, lake, SIGNAL, "known", waive=True).waives(batch)


def test_a_breach_stops_the_driver_where_it_is_to(spark: SparkSession, tmp_path: Path) -> None:
    landed(tmp_path)
    limits = Limits(max_invalid_ratio=0.3, min_records=10, on_breach="stop")
    strict = held_to(flights.project(tmp_path, max_files=1), limits)
    with pytest.raises(CheckFailed, match=r"ingest\.weather stops the driver: .*max_invalid_ratio"):
        take(spark, strict)
    assert effects(spark, strict) == {0}


@pytest.mark.long
def test_a_batch_may_be_let_pass_once_and_a_warning_is_kept(spark: SparkSession, tmp_path: Path) -> None:
    sent = landed(tmp_path)
    always = Aggregate(
        name="never_so_many",
        metric=Metric.ROW_COUNT,
        must=Must(Operator.LESS_THAN, (50.0,)),
        criticality=Criticality.WARN,
    )
    strict = held_to(flights.project(tmp_path, max_files=1), Limits(max_invalid_ratio=0.3, min_records=10), always)
    with pytest.raises(CheckFailed, match="let-pass"):
        take(spark, strict)
    lake = Lake(strict.settings.storage)
    sources.resume(spark, lake, SIGNAL, "still broken", waive=False)
    with pytest.raises(CheckFailed, match="max_invalid_ratio"):
        take(spark, strict)
    sources.resume(spark, lake, SIGNAL, "known", waive=True)
    take(spark, strict)
    assert len(rows(spark, strict, f"signals_{SIGNAL}")) == sent - BAD_LINES
    verdicts = {
        (row["batch_id"], row["objective"], row["verdict"], row["attempt"]) for row in rows(spark, strict, "verdicts")
    }
    ratio, size = "limits.max_invalid_ratio", "never_so_many"
    assert verdicts == {
        (0, size, "warn", 0),
        (1, ratio, "breach", 0),
        (1, ratio, "breach", 2),
        (1, ratio, "waived", 4),
        (2, size, "warn", 4),
    }
    measured = {row["batch_id"]: row["value"] for row in rows(spark, strict, "measurements")}
    assert sum(measured.values()) == sent - BAD_LINES
    assert sorted(measured) == [0, 1, 2]
    assert differences(spark, strict) == {}


@pytest.mark.long
def test_a_running_driver_pauses_one_source_and_goes_on_when_it_is_resumed(spark: SparkSession, tmp_path: Path) -> None:
    sent = landed(tmp_path)
    strict = held_to(flights.project(tmp_path, max_files=1), Limits(max_invalid_ratio=0.3, min_records=10))
    strict = flights.with_settings(strict, trigger=timedelta(seconds=1))
    with_tables(spark, strict)
    stop, seen = Event(), dict[str, State]()
    lake = Lake(strict.settings.storage)

    def show(watched: Sequence[Watched]) -> None:
        seen.update({one.query.name: one.state for one in watched})

    def until(holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 900
        while not holds():
            assert time.monotonic() < deadline, seen
            stop.wait(0.2)

    chosen = queries(strict, (f"ingest.{SIGNAL}", "ingest.arrivals"), patient=False)
    driver = Thread(target=lambda: run(spark, strict, chosen, stop=stop, show=show))
    driver.start()
    try:
        until(lambda: seen.get(f"ingest.{SIGNAL}") is State.PAUSED)
        assert seen["ingest.arrivals"] is State.RUNNING
        sources.resume(spark, lake, SIGNAL, "known", waive=True)
        until(lambda: len(rows(spark, strict, f"signals_{SIGNAL}")) == sent - BAD_LINES)
        sources.pause(spark, lake, SIGNAL, "by hand")
        until(lambda: seen.get(f"ingest.{SIGNAL}") is State.PAUSED)
    finally:
        stop.set()
        driver.join(timeout=900)
    assert not driver.is_alive()


@pytest.mark.long
@pytest.mark.parametrize("written", [False, True], ids=["nothing written", "dead letters written"])
def test_a_begun_batch_is_planned_anew_only_while_it_has_written_nothing(
    spark: SparkSession, tmp_path: Path, written: bool
) -> None:
    sent = landed(tmp_path)
    project = flights.with_settings(flights.project(tmp_path, max_files=1), restarts=Restarts(limit=0))
    rule = Aggregate(name="n", metric=Metric.ROW_COUNT, must=Must(Operator.GREATER_THAN, (0.0,)))
    changed = held_to(project, Limits(), rule)
    fatal = f"signals_{SIGNAL}" if written else "dead_letters"

    def cut_off(write: Write) -> None:
        if write.table.name == fatal and write.writer.batch_id == BAD_DAY:
            raise RuntimeError("cut off")
        write.make()

    with around_writes(cut_off), pytest.raises(InfrastructureError, match="cut off"):
        take(spark, project)
    with pytest.raises(InfrastructureError, match="was begun under contract"):
        take(spark, changed)
    if written:
        with pytest.raises(CheckFailed, match="has written to dead_letters already"):
            replan(spark, changed, SIGNAL)
        take(spark, project)
    else:
        assert "Batch 1 of signal weather is planned anew" in replan(spark, changed, SIGNAL)
        take(spark, changed)
    assert len(rows(spark, project, f"signals_{SIGNAL}")) == sent - BAD_LINES
    assert len(rows(spark, project, "dead_letters")) == BAD_LINES
    assert differences(spark, project) == {}
    with pytest.raises(UsageError, match="no batch of signal weather is begun"):
        replan(spark, project, SIGNAL)
