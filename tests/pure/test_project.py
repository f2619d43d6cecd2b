"""All of ``conf/`` as one value, and every mistake in it as one line that names file, line and key."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from headrace.config import FileSource
from headrace.contracts.model import Criticality, Kind
from headrace.errors import ConfigError
from headrace.flows.project import Project, load

CONF = Path(__file__).parents[2] / "conf"
BASE, SIGNALS = "base/headrace.yml", "base/signals.yml"
DEPARTURES, WEATHER = "contracts/departures.odcs.yaml", "contracts/weather.odcs.yaml"
SET, MODEL = "features/origin_departures.yml", "models/arrives_late.yml"


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """A copy of the repository's configuration, to break."""
    return Path(shutil.copytree(CONF, tmp_path / "conf", ignore=shutil.ignore_patterns("jars", "locks")))


@pytest.fixture(scope="module")
def flights() -> Project:
    return load(CONF, "local", {})


def mistakes(conf: Path, env: str = "local", **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load(conf, env, environ)
    return list(raised.value.mistakes)


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) >= 1, f"{old!r} is not in {file.name}"
    file.write_text(text.replace(old, new, 1))


def test_the_repository_loads(flights: Project) -> None:
    assert list(flights.contracts) == ["departures", "weather", "arrivals"]
    assert list(flights.feature_sets) == ["airport_weather", "origin_arrivals", "origin_departures"]
    assert list(flights.models) == ["arrives_late"]
    assert flights.environment == "local"
    assert flights.root == CONF.parent


def test_the_overlay_lies_over_the_base(flights: Project) -> None:
    assert flights.settings.spark.master == "local[2]"
    assert flights.settings.trigger == timedelta(seconds=5)


def test_expressions_are_in_their_safe_form(flights: Project) -> None:
    model = flights.models["arrives_late"]

    assert model.where == "(`status` = 'departed')"
    assert model.training is not None
    assert model.training.label.expression == "(`arr_delay` > 15)"
    assert flights.contracts["departures"].rules[0].expression == (
        "((`status` = 'departed') = (NOT (`dep_delay` IS NULL)))"
    )


def test_an_impossible_wind_is_marked_and_kept(flights: Project) -> None:
    wind = flights.contracts["weather"].field("wind_speed")

    assert (wind.kind, wind.minimum, wind.maximum, wind.criticality) == (Kind.NUMBER, 0, 200, Criticality.WARN)
    assert flights.contracts["weather"].field("visib").criticality is Criticality.ERROR


def test_keys_are_in_their_declared_order(flights: Project) -> None:
    assert flights.contracts["weather"].primary_key == ("origin", "occurred_at")


@pytest.mark.parametrize("relative", [True, False])
def test_places_start_at_the_folder_that_holds_conf(
    conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relative: bool
) -> None:
    monkeypatch.chdir(conf)
    loaded = load(Path("../conf") if relative else conf, "local", {})
    source = loaded.settings.signals["weather"].source

    assert isinstance(source, FileSource)
    assert source.path == str(tmp_path / "var/landing/weather")
    assert loaded.settings.storage.checkpoint_root == str(tmp_path / "var/tables/checkpoints")
    assert loaded.settings.registry.tracking_uri == f"sqlite:///{tmp_path}/var/mlflow.db"


@pytest.mark.parametrize("place", ["s3://bucket/headrace", "dbfs:/headrace", "/data/headrace"])
def test_uris_and_absolute_paths_are_left_alone(conf: Path, place: str) -> None:
    loaded = load(conf, "local", {"HEADRACE_HOME": place, "MLFLOW_TRACKING_URI": "databricks"})

    assert loaded.settings.storage.root == f"{place}/tables"
    assert loaded.settings.registry.tracking_uri == "databricks"


def test_a_source_of_another_kind_replaces_the_whole_source(conf: Path) -> None:
    (conf / "local" / "signals.yml").write_text(
        "signals:\n  weather:\n    source: {kind: kafka, bootstrap: 'localhost:9092', topic: weather}\n"
    )
    source = load(conf, "local", {}).settings.signals["weather"].source

    assert source.model_dump(exclude_defaults=True) == {
        "kind": "kafka",
        "bootstrap": "localhost:9092",
        "topic": "weather",
    }


# file to break · what to replace · with what · the one line this must give
MISTAKES = [
    pytest.param(BASE, "trigger:", "triger:", "conf/base/headrace.yml:11: triger: ", id="unknown key"),
]


@pytest.mark.parametrize(("file", "old", "new", "line"), MISTAKES)
def test_each_mistake_is_one_exact_line(conf: Path, file: str, old: str, new: str, line: str) -> None:
    change(conf / file, old, new)

    assert mistakes(conf) == [line]
