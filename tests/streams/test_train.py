"""Training that can be repeated: the same cut gives the same rows, and the same rows the same version."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests import flights
from tests.streams.conftest import Taken
from typer.testing import CliRunner

from headrace.cli import app
from headrace.config import Maintenance
from headrace.errors import UsageError
from headrace.flows import score_job
from headrace.flows.maintain import Outcome, maintain
from headrace.flows.project import Project
from headrace.flows.reproduce import Reproduced, reproduce
from headrace.flows.train import train
from headrace.flows.training_set import At, newest, training_set
from headrace.io.registry import load, pin
from headrace.io.versions import document, versions

MODEL = "arrives_late"
SEGMENTS = {"segments": ("origin", "carrier", "tailnum"), "per": "origin", "min_rows": 300}


def quick(project: Project, **training: object) -> Project:
    """The project with a model that is fitted in a moment."""
    model = project.written[MODEL]
    assert model.training is not None
    told = model.training.model_copy(update={"parameters": {"max_iter": 10}, **training})
    return replace(project, written={MODEL: model.model_copy(update={"training": told})})


def test_a_training_set_is_that_of_its_cut_whatever_came_since(spark: SparkSession, day_by_day: Taken) -> None:
    described = score_job.job(day_by_day.project, MODEL)
    training = described.model.training
    assert training is not None
    training = training.model_copy(update={"segments": ("tailnum",)})
    now = newest(spark, day_by_day.lake, described, training)
    assert {name: list(batches.values()) for name, batches in now.signals.items()} == {
        "departures": [2],
        "arrivals": [2],
    }
    whole = training_set(spark, described, training, now)
    assert training_set(spark, described, training, now).digest == whole.digest
    assert whole.digest.split(":")[0] == str(len(whole.rows))
    assert whole.rows["label"].dtype == bool
    assert whole.rows["_segment_tailnum"].str.match("N").all()
    assert whole.rows["origin_departures_flights"].notna().mean() > 0.9

    # A day earlier: the same rows, but for the flights, arrivals and windows that came with the last batch.
    signals = {name: dict.fromkeys(batches, 1) for name, batches in now.signals.items()}
    features = {name: replace(cut, batch_id=1) for name, cut in now.features.items()}
    before = training_set(spark, described, training, At(signals=signals, features=features))
    assert 0 < len(before.rows) < len(whole.rows)
    known = whole.rows.set_index("record_id").loc[before.rows["record_id"]]
    assert (known["label"].to_numpy() == before.rows["label"].to_numpy()).all()
    assert before.rows["origin_departures_flights"].notna().mean() > 0.9


@pytest.fixture
def trained(spark: SparkSession, tmp_path: Path) -> Taken:
    """Six days, with a champion that learned from them; what it was made from is not all of today's."""
    project = quick(flights.project(tmp_path, max_files=8), **SEGMENTS)
    sent = flights.sent(date(2013, 1, 1), date(2013, 1, 7))
    flights.landed(tmp_path, sent)
    flights.taken(spark, project, ends=False)
    train(spark, project, MODEL, print)
    return Taken(project, tmp_path, sent)


def data_files(taken: Taken, table: str) -> set[str]:
    """The files of a table that lie in its folder, part of it or not."""
    return {str(file) for file in (taken.home / "tables" / table).rglob("*.parquet") if "_delta_log" not in file.parts}


def files_replaced(spark: SparkSession, project: Project) -> None:
    """Every table of more than two files is compacted, and what was replaced is removed without Delta's week."""
    at_once = Maintenance(files_per_table=2, vacuum_signals=True).model_copy(update={"vacuum_after": timedelta(0)})
    kept = flights.with_settings(project, maintenance=at_once)
    spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    try:
        steps = list(maintain(spark, kept, datetime.now(UTC) + timedelta(seconds=1)))
        steps += maintain(spark, kept, datetime.now(UTC) + timedelta(seconds=1))
    finally:
        spark.conf.unset("spark.databricks.delta.retentionDurationCheck.enabled")
    done = {(one.table, one.step) for one in steps if one.outcome is Outcome.DONE}
    for table in ("signals_departures", "signals_arrivals", "features_origin_departures_log"):
        assert {(table, "compact"), (table, "vacuum")} <= done, steps


def differing(found: Reproduced) -> dict[str, list[str]]:
    return {part.name: [each.key for each in part.differences] for part in found.parts if not part.equal}


@pytest.mark.long
def test_a_version_is_reproduced_until_a_row_is_changed(spark: SparkSession, trained: Taken) -> None:
    project, registry = trained.project, trained.project.settings.registry
    (first,) = versions(registry, MODEL)
    assert first.aliases == ("challenger", "champion")
    segments = json.loads(document(registry, first.run, "segments.json"))
    assert {each["value"] for each in segments if each["field"] == "origin"} == {"EWR", "JFK", "LGA"}
    assert sum(each["rows"] for each in segments if each["field"] == "tailnum") == sum(
        each["rows"] for each in segments if each["field"] == "origin"
    )
    assert next(iter(load(pin(registry, MODEL, "champion")).input_types.items())) == ("origin", "string")
    reference = json.loads(document(registry, first.run, "reference.json"))
    assert set(reference) == {*project.models[MODEL].inputs.columns, "probability_late"}
    assert sum(reference["origin"]["values"].values()) == int((first.rows or "").split(":")[0])

    for since, until in ((7, 12), (12, 17)):
        flights.landed(trained.home, flights.sent(date(2013, 1, since), date(2013, 1, until)))
        flights.taken(spark, project, "ingest", "features", "score")
    read = data_files(trained, "signals_departures")
    files_replaced(spark, project)
    assert not read & data_files(trained, "signals_departures"), "what training read is gone"
    assert differing(reproduce(spark, project, first.run, print)) == {}
    second = train(spark, project, MODEL, print)
    assert second.aliases == ("challenger",)
    assert second.recipe.rows != first.rows
    assert pin(registry, MODEL, "champion").version == "1"
    assert differing(reproduce(spark, project, "models:/arrives_late/2", print)) == {}

    # conf/ says something else by now: that is told, and decides nothing.
    changed = quick(project, parameters={"max_iter": 11}, per=None)
    found = reproduce(spark, changed, first.run, print)
    assert found.equal
    assert differing(found) == {"model": ["training.parameters.max_iter", "training.per"]}
    with pytest.raises(UsageError, match="what conf/ no longer declares: signal arrivals, signal departures"):
        reproduce(spark, replace(project, contracts={}), first.run, print)

    table = DeltaTable.forPath(spark, f"{trained.home}/tables/signals_departures")
    asked = trained.lake.read(spark, "signals_departures").where("status = 'departed' AND dep_delay < 0")
    arrived = trained.lake.read(spark, "signals_arrivals").where("arr_delay < 0").select("flight_id")
    row = asked.join(arrived, "flight_id", "left_semi").orderBy("event_time").first()
    assert row is not None
    table.update(F.col("record_id") == row["record_id"], {"dep_delay": F.lit(600)})
    found = reproduce(spark, project, first.run, print)
    assert not found.equal
    assert differing(found)["rows"] == [""]
    command = ["models", "reproduce", "models:/arrives_late/1", "--conf-dir", str(flights.CONF)]
    told = CliRunner(env={"HEADRACE_HOME": str(trained.home)}).invoke(app, command)
    assert told.exit_code == 1
    assert "models:/arrives_late/1 is not reproduced: rows" in told.stderr
    assert f"differs  {first.rows}" in re.sub(" +", "  ", told.stdout)
