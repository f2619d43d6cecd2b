"""Upkeep beside readers: what a cut needs stays, the ledger adds up, and nobody reads a row twice or misses one."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from delta.tables import DeltaTable
from mlflow import MlflowClient
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from tests import flights
from tests.differences import differences
from tests.services.projects import registered
from tests.streams.conftest import DAYS, Taken
from tests.writes import Write, around_writes

from headrace.config import Maintenance, Retention, Storage
from headrace.contracts.dead_letters import Action, Choice
from headrace.errors import InfrastructureError
from headrace.flows import expiry
from headrace.flows.backfill import backfill
from headrace.flows.expiry_rules import rules
from headrace.flows.feature_check import check as compare
from headrace.flows.holdings import holdings
from headrace.flows.maintain import Outcome, Step, maintain
from headrace.flows.needed import needed
from headrace.flows.plans.backfill import BackfillPlan
from headrace.flows.plans.score import ScorePlan
from headrace.flows.replay import act
from headrace.flows.stretch import Stretch
from headrace.flows.vacuum import replaced
from headrace.io import ledger, upkeep
from headrace.io.cut import NOTHING
from headrace.io.cuts import cuts
from headrace.io.lake import Lake, Writer
from headrace.io.plans import planned
from headrace.tables import VERDICTS

SET = "origin_departures"
LOG = f"features_{SET}_log"
# Everything there is is a month old by then.
LATER = datetime.now(UTC) + timedelta(days=40)
DECLARED = Retention(features_log_provisional=timedelta(days=30))


@pytest.fixture
def old(day_by_day: Taken, tmp_path: Path) -> Taken:
    """Three days, a day a batch, in a copy, with values that a later batch replaced."""
    home = tmp_path / "home"
    shutil.copytree(day_by_day.home, home)
    project = flights.with_settings(flights.project(home, max_files=1), retention=DECLARED)
    return Taken(project, home, day_by_day.sent)


@pytest.fixture
def fresh(spark: SparkSession, tmp_path: Path) -> Taken:
    """The same where they were made: the checkpoint of a folder's query knows its files by their full paths."""
    project = flights.with_settings(flights.project(tmp_path, max_files=1), retention=DECLARED)
    sent = flights.sent(*DAYS)
    flights.landed(tmp_path, sent)
    flights.taken(spark, project)
    return Taken(project, tmp_path, sent)


def with_settings(taken: Taken, **changed: object) -> Taken:
    return Taken(flights.with_settings(taken.project, **changed), taken.home, taken.sent)


def done(spark: SparkSession, taken: Taken, at: datetime = LATER, *, dry_run: bool = False) -> list[Step]:
    """Without what was vacuumed: Delta's clock knows nothing of a later moment, and does so again each time."""
    steps = maintain(spark, taken.project, at, dry_run=dry_run)
    return [one for one in steps if (one.step, one.outcome) != ("vacuum", Outcome.DONE)]


def rows(spark: SparkSession, taken: Taken, table: str) -> int:
    return taken.lake.read(spark, table).count()


def seen(spark: SparkSession, taken: Taken, batch_id: int) -> pd.DataFrame:
    """What a decision sees that was made after that batch of the set."""
    feature_set = taken.project.feature_sets[SET]
    cut = {cuts(spark, taken.lake, [SET])[SET].query_id: batch_id}
    known = taken.lake.as_of(spark, LOG, cut).groupBy("origin", "window_end")
    values = known.agg(*[F.max_by(name, "batch_id").alias(name) for name in feature_set.columns]).toPandas()
    return values.sort_values(["origin", "window_end"], ignore_index=True)


def decided_after(spark: SparkSession, taken: Taken, batch_id: int, at: datetime) -> None:
    """A decision's plan, as the score flow stores it."""
    plan = ScorePlan(version="1", cuts={SET: replace(cuts(spark, taken.lake, [SET])[SET], batch_id=batch_id)})
    writer = Writer("a-model", batch_id)
    planned(spark, taken.lake, ScorePlan, "arrives_late", writer, at=at, choose=lambda: plan)
    entry = ledger.Entry(flow="score", subject="arrives_late", slice="-", rows_in=0, outcomes={}, batch_time=at)
    ledger.record(spark, taken.lake, [entry], writer)


def test_what_a_cut_sees_stays_and_the_ledger_adds_up(
    spark: SparkSession, old: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, was = rows(spark, old, LOG), seen(spark, old, 1)
    decided_after(spark, old, 1, LATER - timedelta(days=1))
    (rule,) = [one for one in rules(old.project) if one.output.name == LOG]

    def cut_off(*given: Any) -> None:
        upkeep.take_out(*given)
        raise RuntimeError("cut off")

    monkeypatch.setattr("headrace.flows.expiry.take_out", cut_off)
    with pytest.raises(RuntimeError, match="cut off"):
        list(expiry.expire(spark, old.project, rule, LATER))
    monkeypatch.setattr("headrace.flows.expiry.take_out", upkeep.take_out)
    expired = expiry.resume(spark, old.project, rule, LATER)
    assert expired.rows == before - rows(spark, old, LOG) > 0
    pd.testing.assert_frame_equal(seen(spark, old, 1), was)

    log = DeltaTable.forPath(spark, f"{old.home}/tables/{LOG}")
    one = log.toDF().where("batch_id = 0").first()
    assert one is not None
    same = (F.col("origin") == one["origin"]) & (F.col("window_end") == one["window_end"])
    log.delete(same & (F.col("batch_id") == 0))
    found = differences(spark, old.project)
    assert list(found) == [f"committed {LOG}", f"windows {LOG}"], "all else adds up"
    (wrong,) = found[f"committed {LOG}"]
    assert wrong.endswith(f" {expired.rows} expired")


def test_files_somebody_still_reads_are_not_removed(spark: SparkSession, old: Taken) -> None:
    budget = Maintenance(files_per_table=2, vacuum_signals=True)
    taken, signal = with_settings(old, maintenance=budget), "signals_departures"
    (held,) = [one for one in holdings(taken.project) if one.table == signal]
    assert (held.files, held.small, held.over_budget) == (3, 3, True)
    assert replaced(spark, taken.project, signal, LATER) is None
    unread = taken.lake.read(spark, signal).limit(1)
    unread.write.format("delta").mode("append").save(f"{taken.home}/tables/{signal}")
    assert upkeep.merge_files(spark, taken.lake, signal, small=budget.small_file_bytes) == (4, 1)
    assert replaced(spark, taken.project, signal, datetime.now(UTC)) is None
    found = replaced(spark, taken.project, signal, LATER)
    assert found is not None
    assert found.held == (
        "features.origin_departures has read up to version 3, and version 5 (OPTIMIZE) replaced files: "
        "'headrace run features.origin_departures --once'",
        "score.arrives_late was never started and begins at version 0: 'headrace run score.arrives_late --once', "
        "or take it out of conf/",
    )


def landed_after(taken: Taken) -> None:
    """A fourth day arrives."""
    flights.landed(taken.home, flights.sent(date(2013, 1, 4), date(2013, 1, 5)))


@pytest.mark.long
def test_files_are_merged_beside_readers_and_removed_once_all_have_passed(spark: SparkSession, fresh: Taken) -> None:
    taken = with_settings(fresh, maintenance=Maintenance(files_per_table=2, vacuum_signals=True), retention=Retention())
    signal = "signals_weather"
    landed_after(taken)
    flights.taken(spark, taken.project, "ingest")
    assert {one.table: one.small for one in holdings(taken.project)}[signal] == 4
    assert {one.table for one in holdings(taken.project) if one.over_budget} >= {signal, "ledger"}
    steps = {(one.table, one.step): one for one in done(spark, taken, datetime.now(UTC))}
    assert steps[signal, "compact"].said == "4 small files became 1"
    assert {step for _, step in steps} == {"compact"}, "what was just replaced is not removed"
    assert not any(one.over_budget for one in holdings(taken.project))

    held = {one.table: one for one in done(spark, taken, LATER, dry_run=True) if one.step == "vacuum"}
    assert held["ledger"].outcome is Outcome.WOULD
    assert held[signal].outcome is Outcome.KEPT
    assert "features.airport_weather has read up to version 3, and version 5 (OPTIMIZE)" in held[signal].said

    flights.taken(spark, taken.project)
    assert differences(spark, taken.project) == {}, "the readers went on behind the merged files: none twice, none lost"
    held = {one.table: one for one in done(spark, taken, LATER, dry_run=True) if one.step == "vacuum"}
    assert held[signal].outcome is Outcome.WOULD
    assert "score.arrives_late was never started and begins at version 0" in held["signals_departures"].said
    kept = with_settings(taken, maintenance=Maintenance(files_per_table=2))
    held = {one.table: one for one in done(spark, kept, LATER, dry_run=True) if one.step == "vacuum"}
    assert "maintenance.vacuum_signals" in held[signal].said


@pytest.mark.long
@pytest.mark.parametrize("where", ["before the plan", "after the plan", "before the ledger", "after the ledger"])
def test_an_expiry_that_was_cut_off_is_ended_by_the_next(spark: SparkSession, old: Taken, where: str) -> None:
    side, table = where.split(" the ")
    name, crashed = {"plan": "batch_plans", "ledger": "ledger"}[table], list[str]()

    def cut_off(write: Write) -> None:
        crash = write.table.name == name and not crashed
        if crash and side == "before":
            crashed.append(where)
            raise RuntimeError("cut off")
        write.make()
        if crash:
            crashed.append(where)
            raise RuntimeError("cut off")

    before, was = rows(spark, old, LOG), seen(spark, old, 2)
    assert {one.outcome for one in done(spark, old, dry_run=True)} == {Outcome.WOULD}
    assert rows(spark, old, LOG) == before
    with around_writes(cut_off), pytest.raises(RuntimeError, match="cut off"):
        done(spark, old)
    done(spark, old)
    assert done(spark, old) == [], "twice does nothing more than once"
    gone = old.lake.read(spark, "ledger").where(f"flow = 'maintain' AND subject = '{LOG}'")
    booked = gone.agg(F.sum("rows_in").alias("rows")).first()
    assert booked is not None
    assert booked["rows"] == before - rows(spark, old, LOG) > 0
    pd.testing.assert_frame_equal(seen(spark, old, 2), was)
    assert differences(spark, old.project) == {}


@pytest.mark.long
def test_what_somebody_else_changed_ends_an_expiry_that_was_begun(
    spark: SparkSession, old: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*given: Any) -> None:
        raise RuntimeError("cut off")

    with monkeypatch.context() as patched:
        patched.setattr("headrace.flows.expiry.take_out", cut_off)
        with pytest.raises(RuntimeError, match="cut off"):
            done(spark, old)
    (begun,) = expiry.begun(spark, old.project)
    log = DeltaTable.forPath(spark, f"{old.home}/tables/{begun}")
    log.update("batch_id = 0", {"records": F.col("records") + 1})
    with pytest.raises(InfrastructureError, match=f"{begun}: what expiry 0 was planned to remove is not what is there"):
        done(spark, old)


@pytest.mark.long
def test_whole_batches_expire_and_dead_letters_that_are_closed(spark: SparkSession, fresh: Taken) -> None:
    registered(fresh.project)
    flights.taken(spark, fresh.project, "score")
    month = timedelta(days=30)
    declared = Retention(predictions=month, dead_letters=month, schema_drift=month, measurements=month, verdicts=month)
    taken = with_settings(fresh, retention=declared)
    letters = rows(spark, taken, "dead_letters")
    (discarded,) = act(spark, taken.project, "weather", Action.DISCARD, Choice())
    assert done(spark, taken, datetime.now(UTC)) == [], "nothing is old enough"
    assert rows(spark, taken, "predictions_arrives_late") > 0
    assert rows(spark, taken, "schema_drift") > 0
    steps = done(spark, taken)
    assert {one.table for one in steps} == {"predictions_arrives_late", "dead_letters", "schema_drift"}
    assert rows(spark, taken, "predictions_arrives_late") == rows(spark, taken, "schema_drift") == 0
    assert rows(spark, taken, "dead_letters") == letters - discarded.letters
    assert differences(spark, taken.project) == {}
    landed_after(taken)
    flights.taken(spark, taken.project, "ingest", "features", "score")
    assert rows(spark, taken, "predictions_arrives_late") > 0
    assert differences(spark, taken.project) == {}


@pytest.mark.long
@pytest.mark.parametrize(
    ("retention", "gone", "compares"),
    [
        (Retention(signals=timedelta(days=30)), "signals_departures", True),
        # By the clock of the test all decisions are older than what the log holds all values for.
        (Retention(features_log_provisional=timedelta(days=30)), LOG, False),
    ],
    ids=["records", "values"],
)
def test_a_set_still_checks_once_what_it_was_computed_of_or_served_from_expires(
    spark: SparkSession, fresh: Taken, retention: Retention, gone: str, compares: bool
) -> None:
    registered(fresh.project)
    flights.taken(spark, fresh.project, "score")
    taken = with_settings(fresh, retention=retention)
    expired = {one.table for one in done(spark, taken) if one.step == "expire" and one.outcome is Outcome.DONE}
    assert gone in expired
    landed_after(taken)
    flights.taken(spark, taken.project, "ingest", "features", "score")
    compared = list(compare(spark, taken.project, SET))
    assert [one for one in compared if one.differ] == []
    assert any(one.rows for one in compared if one.table == "predictions_arrives_late") == compares


@pytest.mark.long
def test_a_backfill_of_a_generation_that_is_no_more_keeps_nothing(spark: SparkSession, fresh: Taken) -> None:
    lake, at = fresh.lake, LATER
    plan = BackfillPlan(stretch=Stretch(at, at), signals={}, features=NOTHING, definition="-", at=at)
    for query_id, kept in (("gone.backfill", False), (f"{cuts(spark, lake, [SET])[SET].query_id}.backfill", True)):
        planned(spark, lake, BackfillPlan, SET, Writer(query_id, 0), at=at, choose=lambda: plan)
        why = needed(spark, fresh.project, "departures", timedelta(days=30))
        assert (why is not None) == kept
    assert needed(spark, fresh.project, "weather", timedelta(days=30)) is None, "it is not of that signal"


@pytest.mark.long
def test_records_expire_once_all_have_read_them_and_none_learned_from_them(spark: SparkSession, fresh: Taken) -> None:
    taken = with_settings(fresh, retention=Retention(signals=timedelta(days=30)))
    weather, departures = "signals_weather", "signals_departures"
    all_of_it = rows(spark, taken, departures)
    steps = done(spark, taken)
    expired = {one.table: one.outcome for one in steps if one.step == "expire"}
    assert expired == {weather: Outcome.DONE, "signals_arrivals": Outcome.DONE}
    assert rows(spark, taken, weather) == 0
    assert rows(spark, taken, departures) == all_of_it, "score has not read them"

    landed_after(taken)
    flights.taken(spark, taken.project)
    assert rows(spark, taken, weather) > 0
    assert differences(spark, taken.project) == {}, "the readers went on behind what was removed"
    list(backfill(spark, taken.project, "airport_weather"))
    filled = taken.lake.read(spark, "ledger").where("flow = 'backfill'").select("query_id")
    log = taken.lake.read(spark, "features_airport_weather_log").join(filled, "query_id", "left_semi")
    assert log.where("window_start < '2013-01-04'").count() == 0, "half of a window's records are not its value"
    assert differences(spark, taken.project) == {}

    model = taken.project.models["arrives_late"]
    client = MlflowClient(taken.project.settings.registry.tracking_uri)
    run = client.create_run(client.create_experiment(model.registered_model))
    client.set_tag(run.info.run_id, "headrace.cuts", "{}")
    steps = [one for one in done(spark, taken) if one.step == "expire"]
    held = {one.table: one.said for one in steps if one.outcome is Outcome.KEPT}
    assert held[departures].startswith("1 training run of arrives_late learned from departures")
    assert weather not in held


@pytest.mark.long
def test_a_running_reader_is_brought_each_row_once_while_files_are_merged_and_rows_removed(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake = Lake(Storage(root=str(tmp_path)))
    lake.create(spark, VERDICTS)
    got: list[int] = []

    def write(batch: int) -> None:
        row = {"objective": "o", "subject": "s", "value": batch, "query_id": "q", "batch_id": batch, "attempt": 0}
        lake.append_rows(spark, [row], VERDICTS, Writer("q", batch))

    def take(frame: DataFrame, _: int) -> None:
        got.extend(row["batch_id"] for row in frame.select("batch_id").collect())

    stream = lake.stream(spark, VERDICTS.name, version=0, max_files=1)
    query = stream.writeStream.foreachBatch(take).option("checkpointLocation", str(tmp_path / "checkpoint")).start()
    try:
        for batch in range(6):
            write(batch)
        upkeep.merge_files(spark, lake, VERDICTS.name, small=2**20)
        write(6)
        removed = lake.read(spark, VERDICTS.name).where("batch_id IN (2, 6)")
        upkeep.take_out(spark, lake, VERDICTS.name, removed, ("query_id", "batch_id"))
        write(7)
        query.processAllAvailable()
    finally:
        query.stop()
    assert got == list(range(8))
    assert sorted(row["batch_id"] for row in lake.read(spark, VERDICTS.name).collect()) == [0, 1, 3, 4, 5, 7]
    commits = lake.commits(spark, VERDICTS.name)
    assert [(commit.writer.batch_id, commit.rows) for commit in commits] == [(batch, 1) for batch in range(8)]


def test_commits_made_while_a_late_reader_looks_hide_none(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, numbers, history = Lake(Storage(root=str(tmp_path))), count(), Lake._history
    lake.create(spark, VERDICTS)

    def commit() -> None:
        lake.append_rows(spark, [{"subject": "weather"}], VERDICTS, Writer("q", next(numbers)))

    def beside_a_writer(*given: Any) -> list[Row]:
        found = history(*given)
        commit()
        return found

    for _ in range(12):
        commit()
    monkeypatch.setattr(Lake, "_history", beside_a_writer)
    monkeypatch.setattr("headrace.io.lake.read_commit", lambda *_: None)
    read = lake.commits(spark, VERDICTS.name, 1, 3)
    assert [(commit.version, commit.writer.batch_id) for commit in read] == [(1, 0), (2, 1), (3, 2)]
