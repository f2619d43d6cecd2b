"""What ``headrace dead-letters`` shows, from tables alone: no JVM."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from tests.flights import CONF
from typer.testing import CliRunner, Result

from headrace.cli import app, dead_letter_actions

TEXT, TIME = pa.string(), pa.timestamp("us", tz="UTC")
SOURCE = pa.struct({"kind": TEXT, "name": TEXT, "partition": pa.int32(), "position": pa.int64(), "arrived_at": TIME})
REASONS = pa.list_(pa.struct({"code": TEXT, "rule": TEXT, "field": TEXT, "message": TEXT}))
HEADERS = pa.list_(pa.struct({"key": TEXT, "value": pa.binary()}))
WRITER = {"query_id": TEXT, "batch_id": pa.int64()}
LETTERS = pa.schema(
    dict.fromkeys(("record_id", "signal", "stage", "contract_id", "contract_version", "contract_fingerprint"), TEXT)
    | {"reasons": REASONS, "key": pa.binary(), "value": pa.binary(), "headers": HEADERS, "source": SOURCE}
    | {"event_time": TIME, "rejected_at": TIME}
    | WRITER
)
ACTIONS = pa.schema(
    dict.fromkeys(("record_id", "stage", "signal", "action", "outcome", "note"), TEXT)
    | {"attempt": pa.int64(), "acted_at": TIME, "reasons": REASONS, "patch": pa.map_(TEXT, TEXT)}
    | WRITER
)


def letter(record: str, code: str, hour: int, version: str = "1.0.0") -> dict[str, Any]:
    reason = {"code": code, "rule": f"temp.{code}", "field": "temp", "message": f"it is {code}"}
    return {
        "record_id": f"weather/{record}",
        "signal": "weather",
        "stage": "ingest",
        "contract_version": version,
        "reasons": [reason],
        "value": b'{"temp":"\xff","on":[true],"at":"[/b] :smile:"}',
        "headers": [{"key": "trace", "value": b"\xfe1"}],
        "rejected_at": datetime(2026, 1, 1, hour, tzinfo=UTC),
        "query_id": "q",
        "batch_id": 0,
    }


def action(record: str, outcome: str) -> dict[str, Any]:
    return {
        "record_id": f"weather/{record}",
        "stage": "ingest",
        "action": "replay",
        "outcome": outcome,
        "attempt": 1,
        "patch": [("temp", "trim(temp)")],
        "reasons": [{"code": "pattern", "rule": "temp.pattern", "field": "temp", "message": "it is no number"}],
        "batch_id": 0,
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    letters = [
        letter("a#1", "out_of_range", 10),
        letter("a#2", "out_of_range", 11),
        letter("a#3", "wrong_type", 12, "0.9.0"),
        letter("a#4", "wrong_type", 13),
    ]
    actions = [action("a#3", "accepted"), action("a#4", "parked")]
    for name, rows, schema in (("dead_letters", letters, LETTERS), ("dead_letter_actions", actions, ACTIONS)):
        write_deltalake(f"{folder}/tables/{name}", pa.Table.from_pylist(rows, schema=schema))
    return folder


def asked(home: Path, *arguments: str) -> Result:
    command = ["dead-letters", *arguments, "--conf-dir", str(CONF)]
    return CliRunner().invoke(app, command, env={"HEADRACE_HOME": str(home), "COLUMNS": "200"})


def test_open_letters_are_counted_by_reason(home: Path) -> None:
    shown = asked(home, "ls")
    assert shown.exit_code == 0
    assert "weather  out_of_range  temp" in shown.stdout
    assert shown.stdout.endswith("2 dead letters, by the first reason of each.\n")
    (row,) = json.loads(asked(home, "ls", "--json").stdout)
    assert (row["reason"], row["letters"], row["newest"]) == ("out_of_range", 2, "2026-01-01 11:00:00")


@pytest.mark.parametrize(
    ("chosen", "letters"),
    [
        (("--state", "all"), 4),
        (("--state", "parked"), 1),
        (("--state", "all", "--reason", "wrong_type"), 2),
        (("--state", "all", "--contract-version", "0.9.0"), 1),
        (("--since", "2026-01-01T11:00:00"), 1),
        (("--since", "2026-01-01T16:00:00+05:00"), 1),
        (("--until", "2026-01-01T11:00:00"), 1),
        (("--signal", "departures"), 0),
    ],
)
def test_letters_are_chosen(home: Path, chosen: tuple[str, ...], letters: int) -> None:
    found = json.loads(asked(home, "ls", "--json", *chosen).stdout)
    assert sum(row["letters"] for row in found) == letters


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (("--state", "opn"), "there is no state 'opn'; did you mean 'open'?"),
        (("--reason", "out_of_rage"), "there is no reason 'out_of_rage'; did you mean 'out_of_range'?"),
        (("--signal", "wether"), "there is no signal 'wether'; did you mean 'weather'?"),
    ],
)
def test_a_name_that_is_none_is_no_empty_answer(home: Path, chosen: tuple[str, ...], said: str) -> None:
    refused = asked(home, "ls", *chosen)
    assert refused.exit_code == 2
    assert said in refused.stderr


@pytest.mark.parametrize("action", ["replay", "park", "discard"])
def test_what_is_done_with_letters_of_no_signal_starts_no_spark(
    home: Path, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letter_actions, "session_with_tables", lambda *_: pytest.fail("Spark was started"))
    refused = asked(home, action, "--signal", "wether")
    assert refused.exit_code == 2
    assert "there is no signal 'wether'; did you mean 'weather'?" in refused.stderr


def test_times_are_in_utc_wherever_the_machine_is(home: Path) -> None:
    command = [sys.executable, "-m", "headrace", "dead-letters", "ls", "--json", "--since", "2026-01-01T11:00:00"]
    ran = subprocess.run(
        [*command, "--conf-dir", str(CONF)],
        env={**os.environ, "HEADRACE_HOME": str(home), "TZ": "America/New_York"},
        capture_output=True,
        text=True,
        check=True,
    )
    (row,) = json.loads(ran.stdout)
    assert (row["letters"], row["newest"]) == (1, "2026-01-01 11:00:00")


def test_one_letter_is_shown_whole(home: Path) -> None:
    shown = asked(home, "show", "weather/a#4")
    assert shown.exit_code == 0
    assert "wrong_type temp: it is wrong_type (temp.wrong_type)" in shown.stdout
    assert "replay 1: parked" in shown.stdout
    assert 'patch: {"temp": "trim(temp)"}' in shown.stdout
    assert "pattern temp: it is no number (temp.pattern)" in shown.stdout
    assert '"on":[true],"at":"[/b] :smile:"' in shown.stdout
    assert '[{"key": "trace", "value": "\\\\xfe1"}]' in shown.stdout
    answer = json.loads(asked(home, "show", "weather/a#4", "--json").stdout)
    assert answer["letters"][0]["value"] == '{"temp":"\\xff","on":[true],"at":"[/b] :smile:"}'
    assert answer["letters"][0]["headers"] == [{"key": "trace", "value": "\\xfe1"}]
    missing = asked(home, "show", "weather/a#9")
    assert missing.exit_code == 2
    assert "there is no dead letter 'weather/a#9'" in missing.stderr
