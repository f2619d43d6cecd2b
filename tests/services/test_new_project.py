"""What ``headrace init`` writes decides by the commands that it prints."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

WAITS = (
    "score.overheats waits, and decides nothing until then: overheats has no version called champion in MLflow's "
    "registry: 'headrace train overheats' makes one."
)


def headrace(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line as its reader would, in the project's folder."""
    program, *arguments = shlex.split(line)
    assert program == "headrace"
    command = [sys.executable, "-m", "headrace", *arguments]
    return subprocess.run(command, cwd=folder, env=dict(os.environ), capture_output=True, text=True, timeout=900)


def test_the_commands_that_init_prints_end_in_predictions(tmp_path: Path) -> None:
    written = headrace("headrace init greenhouse", tmp_path)
    commands = re.findall(r"^  (.+)$", written.stdout, re.MULTILINE)
    assert commands[:4] == ["cd greenhouse", "headrace run --once", "headrace train overheats", "headrace run --once"]
    folder, query = tmp_path / "greenhouse", commands[4]

    first = headrace("headrace run --once", folder)
    assert first.returncode == 0, first.stderr[-3_000:]
    assert WAITS in first.stderr
    status = json.loads(headrace("headrace status --json", folder).stdout)
    lacking = {one["query"]: one["lacking"] for one in status["queries"] if one["lacking"]}
    assert lacking == {
        "score.overheats": "overheats has no version called champion in MLflow's registry: "
        "'headrace train overheats' makes one"
    }

    for line in commands[2:4]:
        ran = headrace(line, folder)
        assert ran.returncode == 0, ran.stderr[-3_000:]
    assert "waits" not in ran.stderr
    status = json.loads(headrace("headrace status --json", folder).stdout)
    outcomes = {one["query"]: one["outcomes"] for one in status["queries"]}
    assert outcomes["ingest.readings"] == {"accepted": 405, "rejected": 1}
    assert outcomes["ingest.peaks"] == {"accepted": 270, "rejected": 0}
    assert outcomes["score.overheats"] == {"predicted": 135, "rejected": 0, "skipped": 270}
    shown = headrace(query, folder)
    assert shown.returncode == 0, shown.stderr
    assert len(shown.stdout.splitlines()) == 6
