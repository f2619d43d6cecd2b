"""Decisions: one a record that is asked about, at a recorded cut, by a pinned version, or a dead letter."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests import flights
from tests.differences import differences
from tests.services.projects import registered
from tests.streams.conftest import Taken
from tests.versions import log_file, written
from typer.testing import CliRunner

from headrace.cli import app
from headrace.contracts.dead_letters import Action, Choice
from headrace.contracts.model import Unknown
from headrace.demo.feed import Record
from headrace.flows import score, score_job
from headrace.flows.feature_check import check as compare
from headrace.flows.replay import act
from headrace.flows.train import train
from headrace.io import registry
from headrace.io.lake import Lake
from headrace.io.predictor import Predictor, ask_here


@pytest.fixture
def scored(spark: SparkSession, day_by_day: Taken, tmp_path: Path) -> Taken:
    """The three days in a copy, with a champion."""
    home = tmp_path / "home"
    shutil.copytree(day_by_day.home, home)
    taken = Taken(flights.project(home, max_files=1), home, day_by_day.sent)
    registered(taken.project)
    return taken


def decisions(spark: SparkSession, taken: Taken) -> pd.DataFrame:
    rows = taken.lake.read(spark, "predictions_arrives_late")
    frame = rows.select("record_id", "event_time", "probability_late", "inputs.*", "behind", "feature_ages", "batch_id")
    return frame.toPandas().set_index("record_id").sort_index()


def test_every_departed_flight_is_decided_once_on_the_features_of_the_recorded_cut(
    spark: SparkSession, scored: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "ON_DRIVER", 0)  # the workers predict; in the other tests the driver does
    flights.taken(spark, scored.project, "score")
    found = decisions(spark, scored)
    asked = scored.lake.read(spark, "signals_departures").where("status = 'departed'")
    assert sorted(found.index) == sorted(row["record_id"] for row in asked.select("record_id").collect())
    assert found["probability_late"].between(0, 1).all()
    assert (found["behind"].map(len) == 0).all()
    project = scored.project
    for name in project.feature_sets:
        for one in compare(spark, project, name):
            assert (one.rows > 100, one.differ) == (True, 0), one
    assert found["origin_departures_flights"].notna().mean() > 0.9
    ages = found["feature_ages"].map(dict).map(lambda age: age["origin_departures"]).dropna()
    assert ages.between(0, 2 * 3_600_000).all()
    assert differences(spark, project) == {}
    _a_planted_difference_is_named(spark, scored)


def _a_planted_difference_is_named(spark: SparkSession, scored: Taken) -> None:
    log = DeltaTable.forPath(spark, f"{scored.home}/tables/features_origin_departures_log")
    one = log.toDF().where("origin = 'EWR' AND flights > 8").orderBy(F.desc("batch_id")).first()
    assert one is not None
    mine = f"origin = 'EWR' AND window_start = '{one['window_start']}' AND batch_id = {one['batch_id']}"
    log.update(mine, {"max_dep_delay": F.col("max_dep_delay") + 1})
    environ = {"HEADRACE_HOME": str(scored.home)}
    arguments = ["features", "check", "origin_departures", "--conf-dir", str(flights.CONF), "--json"]
    result = CliRunner().invoke(app, arguments, env=environ)
    assert result.exit_code == 1
    wrong = [(one["table"], one["column"], one["differ"]) for one in json.loads(result.stdout) if one["differ"]]
    assert wrong[0] == ("features_origin_departures_log, stream", "max_dep_delay", 1)
    assert {column for _, column, _ in wrong[1:]} <= {"origin_departures_max_dep_delay"}
    assert f"max_dep_delay: 1 of {log.toDF().select('origin', 'window_start').distinct().count():,}" in result.stderr


@pytest.mark.long
def test_without_features_a_decision_is_marked_as_behind(spark: SparkSession, scored: Taken) -> None:
    DeltaTable.forPath(spark, f"{scored.home}/tables/ledger").delete(
        "flow = 'features' AND subject = 'airport_weather'"
    )
    flights.taken(spark, scored.project, "score")
    found = decisions(spark, scored)
    assert set(map(tuple, found["behind"])) == {("airport_weather",)}
    assert found["airport_weather_temp"].isna().all()


@pytest.mark.long
def test_a_table_that_grew_columns_is_scored_and_trained_on(spark: SparkSession, tmp_path: Path) -> None:
    plain = flights.project(tmp_path)
    contract = replace(plain.contracts["departures"], unknown=Unknown.EVOLVE)
    project = replace(plain, contracts={**plain.contracts, "departures": contract})
    lake = Lake(project.settings.storage)
    registered(project)
    first, second = ((date(2013, 1, day), date(2013, 1, day + 1)) for day in (1, 2))
    flights.landed(tmp_path, flights.sent(*first))
    flights.taken(spark, project, "ingest", "features", "score", ends=False)
    flights.landed(tmp_path, [_with_gate(record) for record in flights.sent(*second)])
    flights.taken(spark, project, "ingest", "features", "score")

    departures = lake.read(spark, "signals_departures")
    known, new = (departures.where(F.col("gate").isNull()), departures.where("gate = 'A1'"))
    assert (known.count() > 500, new.count() > 500) == (True, True)
    asked = departures.where("status = 'departed'").count()
    assert lake.read(spark, "predictions_arrives_late").select("record_id").distinct().count() == asked > 1_000
    assert differences(spark, project) == {}
    assert train(spark, project, "arrives_late", print).pinned.version == "2"


def _with_gate(record: Record) -> Record:
    if record.signal != "departures" or record.fault is not None:
        return record
    return record._replace(value=record.value.removesuffix(b"}") + b',"gate":"A1"}')


def test_a_record_the_model_cannot_answer_is_a_dead_letter(
    spark: SparkSession, scored: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    def predict(rows: pd.DataFrame) -> Any:
        late = np.where(rows["dep_delay"] > 30, np.nan, 0.25)
        return np.column_stack([1 - late, late])

    monkeypatch.setattr(registry, "load", lambda _: Predictor("moody", "m-moody", {}, ask_here(predict)))
    flights.taken(spark, scored.project, "score")
    asked = scored.lake.read(spark, "signals_departures").where("status = 'departed'")
    hopeless = {row["record_id"] for row in asked.where("dep_delay > 30").select("record_id").collect()}
    letters = scored.lake.read(spark, "dead_letters").where("stage = 'score'").collect()
    assert {row["record_id"] for row in letters} == hopeless != set()
    assert {(reason["code"], reason["message"]) for row in letters for reason in row["reasons"]} == {
        (
            "not_scored",
            "the model gave no usable answer: arrives_late version 1: "
            "answered NaN, and probability_late is a probability from 0 to 1",
        )
    }
    assert json.loads(bytes(letters[0]["value"]))["dep_delay"] > 30
    decided = scored.lake.read(spark, "predictions_arrives_late")
    assert decided.count() == asked.count() - len(hopeless)
    assert decided.where(F.col("probability_late") != 0.25).count() == 0
    unscored = Choice(reasons=("not_scored",))
    assert act(spark, scored.project, "departures", Action.REPLAY, unscored) == []
    (done,) = act(spark, scored.project, "departures", Action.DISCARD, unscored)
    assert done.outcomes == {"discarded": len(hopeless)}
    assert act(spark, scored.project, "departures", Action.DISCARD, unscored) == []
    assert differences(spark, scored.project) == {}


@pytest.mark.long
def test_a_second_attempt_keeps_the_version_of_the_first(
    spark: SparkSession, scored: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alias moves between a crash and the next attempt; the plan does not."""
    write = score._write
    crashed: list[bool] = []

    def crash_once(*given: Any, **named: Any) -> None:
        if not crashed:
            crashed.append(True)
            registered(scored.project)
            raise RuntimeError("planted crash")
        write(*given, **named)

    monkeypatch.setattr(score, "_write", crash_once)
    with pytest.raises(AssertionError, match="planted crash"):
        flights.taken(spark, scored.project, "score")
    flights.taken(spark, scored.project, "score")
    rows = scored.lake.read(spark, "predictions_arrives_late").groupBy("batch_id", "model_version").count().collect()
    versions = {row["batch_id"]: row["model_version"] for row in rows}
    assert len(rows) == len(versions)
    assert versions[0] == "1"
    assert versions[max(versions)] == "2"


def _answering(probability: float, *, failing: bool = False) -> dict[str, str]:
    """A model from code that answers what its module ``inference`` says, which it imports with the first record."""
    model = f"""
        import mlflow
        import numpy as np

        class Model(mlflow.pyfunc.PythonModel):
            def predict(self, context, model_input, params=None):
                from inference import PROBABILITY

                if {failing}:
                    raise ValueError("no weights")
                return np.full((len(model_input), 2), PROBABILITY)

        mlflow.models.set_model(Model())
        """
    return {"model.py": model, "inference.py": f"PROBABILITY = {probability}\n"}


def test_each_decision_is_by_the_code_of_the_version_it_names(
    spark: SparkSession, day_by_day: Taken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two models with a module of one name, and the version of one of them moved while the driver runs."""
    home = tmp_path / "home"
    shutil.copytree(day_by_day.home, home)
    plain = flights.project(home, max_files=1)
    early, late = plain.models["arrives_late"], plain.models["arrives_late"].model_copy(update={"name": "other_late"})
    late = late.model_copy(update={"registered_model": "other_late"})
    project = replace(plain, models={early.name: early, late.name: late}, written={})
    mlflow = project.settings.registry
    log_file(mlflow, "arrives_late", written(tmp_path / "failing", _answering(0.9, failing=True)))
    log_file(mlflow, "other_late", written(tmp_path / "other", _answering(0.125)))
    with pytest.raises(AssertionError, match=r"arrives_late version 1 fails again and again, .*ValueError: no weights"):
        flights.taken(spark, project, "score.arrives_late")

    # The batch that version 1 failed for is decided by the version that is champion now.
    log_file(mlflow, "arrives_late", written(tmp_path / "second", _answering(0.25)))
    write, moved = score._write, list[bool]()

    def write_and_move(taken: score_job.Score, *given: Any, **named: Any) -> None:
        write(taken, *given, **named)
        if taken.model.name == "arrives_late" and not moved:
            moved.append(True)
            log_file(mlflow, "arrives_late", written(tmp_path / "third", _answering(0.75)))

    monkeypatch.setattr(score, "_write", write_and_move)
    flights.taken(spark, project, "score")
    lake = Lake(project.settings.storage)
    found = {
        (name, row["model_version"], row["probability_late"])
        for name in project.models
        for row in lake.read(spark, f"predictions_{name}")
        .select("model_version", "probability_late")
        .distinct()
        .collect()
    }
    assert found == {("other_late", "1", 0.125), ("arrives_late", "2", 0.25), ("arrives_late", "3", 0.75)}
    assert differences(spark, project) == {}
