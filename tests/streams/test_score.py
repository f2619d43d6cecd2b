"""Decisions: one a record that is asked about, at a recorded cut, by a pinned version, or a dead letter."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests import flights
from tests.services.projects import registered
from tests.streams.conftest import Taken

from headrace.flows import score
from headrace.flows.ledger_check import check
from headrace.flows.score import with_features
from headrace.io import registry
from headrace.io.cuts import Cut


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
    project, plans = scored.project, scored.lake.read(spark, "batch_plans").where("flow = 'score'")
    plan = json.loads(plans.orderBy("batch_id").select("choices").collect()[-1]["choices"])
    at = {name: Cut.from_json(cut) for name, cut in plan["cuts"].items()}
    model, sets = project.models["arrives_late"], project.feature_sets
    again = with_features(asked, model, sets, scored.lake, at).toPandas().set_index("record_id")
    for column in model.inputs.columns[5:]:
        np.testing.assert_array_equal(
            found[column].to_numpy(float), again.loc[found.index, column].to_numpy(float), err_msg=column
        )
    assert found["origin_departures_flights"].notna().mean() > 0.9
    ages = found["feature_ages"].map(dict).map(lambda age: age["origin_departures"]).dropna()
    assert ages.between(0, 2 * 3_600_000).all()
    assert {one.subject: one.wrong for one in check(spark, project) if one.wrong} == {}


@pytest.mark.long
def test_without_features_a_decision_is_marked_as_behind(spark: SparkSession, scored: Taken) -> None:
    DeltaTable.forPath(spark, f"{scored.home}/tables/ledger").delete(
        "flow = 'features' AND subject = 'airport_weather'"
    )
    flights.taken(spark, scored.project, "score")
    found = decisions(spark, scored)
    assert set(map(tuple, found["behind"])) == {("airport_weather",)}
    assert found["airport_weather_temp"].isna().all()


def test_a_record_the_model_cannot_answer_is_a_dead_letter(
    spark: SparkSession, scored: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Moody:
        model_id = "m-moody"

        def predict(self, rows: pd.DataFrame) -> Any:
            late = np.where(rows["dep_delay"] > 30, np.nan, 0.25)
            return np.column_stack([1 - late, late])

    monkeypatch.setattr(registry, "load", lambda _: Moody())
    flights.taken(spark, scored.project, "score")
    asked = scored.lake.read(spark, "signals_departures").where("status = 'departed'")
    hopeless = {row["record_id"] for row in asked.where("dep_delay > 30").select("record_id").collect()}
    letters = scored.lake.read(spark, "dead_letters").where("stage = 'score'").collect()
    assert {row["record_id"] for row in letters} == hopeless != set()
    assert {reason["code"] for row in letters for reason in row["reasons"]} == {"not_scored"}
    assert json.loads(bytes(letters[0]["value"]))["dep_delay"] > 30
    decided = scored.lake.read(spark, "predictions_arrives_late")
    assert decided.count() == asked.count() - len(hopeless)
    assert decided.where(F.col("probability_late") != 0.25).count() == 0
    assert {one.subject: one.wrong for one in check(spark, scored.project) if one.wrong} == {}


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
