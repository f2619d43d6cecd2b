"""What ``status`` and ``sources ls`` say of drivers, from the files beside the checkpoints: no JVM."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.flights import CONF
from tests.prepared_tables import write_tables
from typer.testing import CliRunner

from headrace.cli import app
from headrace.flows.project import load
from headrace.io.lease import hold

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SLICE = {"flow": "ingest", "subject": "weather", "slice": "a.jsonl", "rows_in": 2, "query_id": "q", "batch_id": 0}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of departures a driver is alive, of weather one was, of arrivals none ever was."""
    home = tmp_path_factory.mktemp("home")
    project = load(CONF, "local", {"HEADRACE_HOME": str(home)})
    write_tables(project, {"ledger": [{**SLICE, "outcomes": {"accepted": 2}, "batch_time": "2026-01-01T11:00:00Z"}]})
    checkpoints = home / "tables/checkpoints/ingest"
    hold(str(checkpoints / "departures"))
    (checkpoints / "weather.lease").touch()
    for signal in ("departures", "weather"):
        os.utime(checkpoints / f"{signal}.lease", (NOON.timestamp(), NOON.timestamp()))
    return home


def asked(home: Path, *arguments: str) -> str:
    shown = CliRunner().invoke(
        app, [*arguments, "--conf-dir", str(CONF)], env={"HEADRACE_HOME": str(home), "COLUMNS": "250"}
    )
    assert shown.exit_code == 0, shown.output
    return shown.stdout


def test_a_source_runs_while_a_driver_is_alive_and_else_says_when_one_looked(home: Path) -> None:
    rows: list[dict[str, Any]] = json.loads(asked(home, "sources", "ls", "--json"))
    assert {row["signal"]: (row["state"], row["looked_at"]) for row in rows} == {
        "departures": ("running", "2026-01-01T12:00:00Z"),
        "weather": ("stopped", "2026-01-01T12:00:00Z"),
        "arrivals": ("stopped", None),
    }
    lines = {line.split()[0]: line for line in asked(home, "sources", "ls").splitlines()}
    assert "stopped  2026-01-01 12:00:00" in lines["weather"]
    assert "stopped  never" in lines["arrivals"]


def test_the_status_of_a_query_names_its_driver(home: Path) -> None:
    rows: list[dict[str, Any]] = json.loads(asked(home, "status", "--json"))["queries"]
    assert {row["query"]: (row["driver_alive"], row["looked_at"]) for row in rows if "ingest" in row["query"]} == {
        "ingest.departures": (True, "2026-01-01T12:00:00Z"),
        "ingest.weather": (False, "2026-01-01T12:00:00Z"),
        "ingest.arrivals": (False, None),
    }
    lines = {line.split()[0]: line for line in asked(home, "status").splitlines() if line.strip()}
    assert "alive, looked 2026-01-01 12:00:00" in lines["ingest.departures"]
    assert "none since 2026-01-01 12:00:00" in lines["ingest.weather"]
    assert "none yet" in lines["ingest.arrivals"]


def test_in_a_store_the_newest_batch_tells_when_one_looked(home: Path) -> None:
    elsewhere = CliRunner().invoke(
        app,
        ["sources", "ls", "--json", "--conf-dir", str(in_a_store(home))],
        env={"HEADRACE_HOME": str(home)},
    )
    rows: list[dict[str, Any]] = json.loads(elsewhere.stdout)
    assert {row["signal"]: (row["state"], row["looked_at"]) for row in rows} == {
        "departures": ("unknown", None),
        "weather": ("unknown", "2026-01-01T11:00:00Z"),
        "arrivals": ("unknown", None),
    }


def in_a_store(home: Path) -> Path:
    conf = Path(shutil.copytree(CONF, home / "conf", ignore=shutil.ignore_patterns("jars", "locks")))
    (conf / "local/checkpoints.yml").write_text("storage: {checkpoints: 's3a://bucket/checkpoints'}\n")
    return conf
