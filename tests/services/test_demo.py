"""The README's first command, and the analysts' tour of what it leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_demo_reconciles_and_the_tour_runs_on_its_tables(tmp_path: Path) -> None:
    environ = {**os.environ, "HEADRACE_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "headrace", "demo", "--json"]
    ran = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=3600)
    assert ran.returncode == 0, ran.stderr[-3_000:]
    found = json.loads(ran.stdout)
    assert found["wrong"] == []
    there = {name: found["accepted"][name] + found["rejected"][name] for name in found["sent"]}
    assert there == found["sent"]
    assert sum(there.values()) > 50_000
    assert all(one["planted"] == one["caught"] > 0 for one in found["reasons"])
    assert found["decisions"]["made"] > 6_000
    assert found["decisions"]["log_loss"] < found["decisions"]["base_log_loss"] * 0.7
    tour = [sys.executable, "notebooks/tour.py"]
    toured = subprocess.run(tour, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=900)
    assert toured.returncode == 0, toured.stderr[-3_000:]
    assert "origin" in toured.stdout
