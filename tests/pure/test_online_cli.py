"""``headrace features get``: what the view has of an entity, as a table and as JSON; else one clear line."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from headrace.cli import app
from headrace.flows import features
from headrace.flows.project import load
from headrace.io.cut import Cut
from headrace.io.online import Held, Row, open_store

CONF, SET = Path(__file__).parents[2] / "conf", "airport_weather"
NOON = datetime(2013, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """The repository's configuration with a view, in which the weather of two hours stands."""
    folder = Path(shutil.copytree(CONF, tmp_path / "conf", ignore=shutil.ignore_patterns("jars", "locks")))
    (folder / "local/online.yml").write_text("online: {kind: sqlite, path: view/online.db}\n")
    follower = features.job(load(folder, "local", {}), SET).online
    assert follower is not None
    value = json.dumps([int(NOON.timestamp()) * 1_000_000, 9.5, 0.25, None, 32.0])
    rows = [Row('["EWR"]', int(NOON.timestamp()) - 3_600 * back, 0, 0, value) for back in (0, 1)]
    with open_store(follower.place) as store:
        store.put(SET, "space", rows, 5)
        held = Held(space="space", definition=follower.feature_set.fingerprint, cut=Cut("query", 0, None))
        assert store.swap(SET, None, held)
    return folder


def get(conf: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["features", "get", *words, "--conf-dir", str(conf)])


def test_an_answer_for_programs(conf: Path) -> None:
    result = get(conf, SET, "origin=EWR", "--at", "2013-01-01T12:30:00", "--json")
    assert result.exit_code == 0, result.output
    assert (conf.parent / "view/online.db").exists(), "a relative path is taken from the folder of conf/"
    assert json.loads(result.stdout) == {
        "entity": {"origin": "EWR"},
        "values": {"wind_speed": 9.5, "precip": 0.25, "visib": None, "temp": 32.0},
        "alive": True,
        "window_end": "2013-01-01T12:00:00+00:00",
        "computed_at": "2013-01-01T12:00:00+00:00",
        "age_seconds": 1800.0,
    }


@pytest.mark.parametrize(
    ("at", "wind_speed", "told"),
    [
        ("2013-01-01T11:59:00", "9.5", "window that ended 2013-01-01 11:00:00, 0:59:00 before; computed"),
        ("2013-01-01T18:00:01", "", "2013-01-01 12:00:00, 6:00:01 before, too old to be used; computed"),
        ("2013-01-01T10:59:59", "", "origin=EWR has no window that had ended by then."),
    ],
)
def test_an_answer_for_people(conf: Path, at: str, wind_speed: str, told: str) -> None:
    result = get(conf, SET, "origin=EWR", "--at", at)
    assert result.exit_code == 0, result.output
    assert f"wind_speed  {wind_speed}".rstrip() in [line.rstrip() for line in result.stdout.splitlines()]
    assert told in result.stdout


@pytest.mark.parametrize(
    ("words", "exit_code", "told"),
    [
        (["airport_whether", "origin=EWR"], 2, "there is no feature set 'airport_whether'; did you mean"),
        ([SET, "EWR"], 2, "EWR: an entity is given as column=value, as in origin=EWR"),
        ([SET, "airport=EWR"], 2, "an entity of this set is origin=…, and not airport"),
        (["origin_arrivals", "origin=EWR"], 3, "nothing of origin_arrivals is in the online view yet"),
    ],
)
def test_what_cannot_be_answered_is_one_line(conf: Path, words: list[str], exit_code: int, told: str) -> None:
    result = get(conf, *words)
    assert result.exit_code == exit_code
    assert result.stderr.startswith(told)
    assert len(result.stderr.splitlines()) == 1


def test_without_a_view_in_the_settings_there_is_nothing_to_ask(conf: Path) -> None:
    (conf / "local/online.yml").unlink()
    assert get(conf, SET, "origin=EWR").stderr == "there is no online view: the settings name none under 'online'\n"
