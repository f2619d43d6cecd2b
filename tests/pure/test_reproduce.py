"""From a recipe to the same version again. The rows stand in for what the tables give at the recorded cuts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.flights import CONF
from typer.testing import CliRunner

from headrace.cli import app
from headrace.flows import learn
from headrace.flows.project import Project, load
from headrace.flows.reproduce import Reproduced, reproduce
from headrace.flows.train import train
from headrace.flows.training_set import At, TrainingSet
from headrace.io.cut import Cut
from headrace.io.registry import pin
from headrace.io.versions import document

MODEL = "arrives_late"
SETS = ("origin_departures", "airport_weather", "origin_arrivals")
CUT = Cut("f-1", 4, 1_357_000_000)


def flights() -> pd.DataFrame:
    chance, count = np.random.default_rng(3), 800
    columns = load(CONF, "local", {}).models[MODEL].inputs.columns
    rows = pd.DataFrame({name: chance.normal(size=count) for name in columns})
    for name, values in {"origin": ["EWR", "JFK"], "carrier": ["UA", "B6"], "dest": ["SFO", "BOS"]}.items():
        rows[name] = chance.choice(values, count)
    return rows.assign(
        record_id=[f"departures/{each:04d}" for each in range(count)],
        event_time=pd.Timestamp("2013-01-01") + pd.to_timedelta(np.arange(count), unit="min"),
        label=rows["dep_delay"] + chance.normal(size=count) > 0.5,
        _segment_origin=rows["origin"],
        _segment_carrier=rows["carrier"],
    )


class Lake:
    """What the tables give: at which cuts they were asked, and their rows."""

    def __init__(self) -> None:
        self.rows, self.digest, self.batch = flights(), "800:1", 4
        self.asked: list[At] = []

    def newest(self, *_: Any) -> At:
        signals = {"departures": {"d-1": self.batch}, "arrivals": {"a-1": self.batch, "r-1": 0}}
        return At(
            signals=signals, features=dict.fromkeys(("origin_departures", "airport_weather", "origin_arrivals"), CUT)
        )

    def training_set(self, spark: object, score: object, training: object, at: At) -> TrainingSet:
        self.asked.append(at)
        return TrainingSet(self.rows.sample(frac=1), self.digest)


def differing(found: Reproduced) -> dict[str, list[str]]:
    return {part.name: [each.key for each in part.differences] for part in found.parts if not part.equal}


def with_parameters(project: Project, **parameters: float) -> Project:
    model = project.written[MODEL]
    assert model.training is not None
    training = model.training.model_copy(update={"parameters": {"max_iter": 10, **parameters}})
    return replace(project, written={MODEL: model.model_copy(update={"training": training})})


def test_a_version_is_made_again_from_its_recipe(registry_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake, said = Lake(), list[str]()
    spark: Any = None
    monkeypatch.setattr(learn, "newest", lake.newest)
    monkeypatch.setattr(learn, "training_set", lake.training_set)
    environ = {"HEADRACE_HOME": str(registry_home), "HEADRACE_MODELS": "again_"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    project = with_parameters(load(CONF, "local", environ))
    registry = project.settings.registry

    first = train(spark, project, MODEL, said.append)
    assert first.aliases == ("champion", "challenger")
    assert json.loads(document(registry, "models:/again_arrives_late/1", "recipe.json"))["signals"] == {
        "departures": {"d-1": 4},
        "arrivals": {"a-1": 4, "r-1": 0},
    }
    segments = json.loads(document(registry, "models:/again_arrives_late@champion", "segments.json"))
    assert [(each["field"], each["value"]) for each in segments] == [
        ("origin", "EWR"),
        ("origin", "JFK"),
        ("carrier", "B6"),
        ("carrier", "UA"),
    ]
    reference = json.loads(document(registry, "models:/again_arrives_late/1", "reference.json"))
    assert set(reference) == {*project.models[MODEL].inputs.columns, "probability_late"}
    assert "numpy==" in document(registry, "models:/again_arrives_late/1", "environment.txt")

    lake.batch = 9
    assert differing(reproduce(spark, project, "models:/again_arrives_late/1", said.append)) == {}
    assert lake.asked[1] == lake.asked[0]
    second = train(spark, project, MODEL, said.append)
    assert (second.pinned.version, second.aliases) == ("2", ("challenger",))
    assert pin(registry, "again_arrives_late", "champion").version == "1"
    assert lake.asked[2].signals["departures"] == {"d-1": 9}

    # conf/ says something else by now: that is told, and decides nothing.
    changed = reproduce(
        spark, with_parameters(project, l2_regularization=1.0), "models:/again_arrives_late/1", said.append
    )
    assert (changed.equal, differing(changed)) == (True, {"model": ["training.parameters.l2_regularization"]})

    lake.rows.loc[10, "dep_delay"] = 9.0
    lake.digest = "800:2"
    found = reproduce(spark, project, "models:/again_arrives_late/1", said.append)
    assert not found.equal
    assert set(differing(found)) == {"rows", "metrics", "answers"}

    monkeypatch.setattr("headrace.cli.session.session_with_tables", lambda *_: spark)
    command = ["models", "reproduce", "models:/again_arrives_late/1", "--conf-dir", str(CONF)]
    shown = CliRunner().invoke(app, command)
    assert shown.exit_code == 1
    assert "models:/again_arrives_late/1 is not reproduced: rows, metrics, answers differ" in shown.stderr
    assert ["rows", "yes", "differs", "800:1", "800:2"] in [line.split() for line in shown.stdout.splitlines()]
    assert ["contracts", "equal"] in [line.split() for line in shown.stdout.splitlines()]
    answer = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    assert answer["equal"] is False
    assert {"key": "", "recorded": "800:1", "found": "800:2"} in answer["parts"][0]["differences"]
