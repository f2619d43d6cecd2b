"""What a start costs: from ``headrace run`` to the first committed batch of an existing project.

    .venv/bin/python benchmarks/start.py [ROUNDS] [--beside CHECKOUT]

One signal, one feature set and one logistic model, as in ``batch.py``, drained twice before. In every round a process
only builds the session that ``headrace run`` would, then a file of 1,000 records lands and ``headrace run`` starts;
it is stopped once each flow has committed. Seconds since the start of the process, and the same as a ratio to the
session alone of this run. ``--beside`` starts the package of another checkout too, on the same project, in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from batch import MODEL, SLIDING, register
from readings import SET, SETTINGS, land, project

RECORDS = 1_000
TABLES = {"accepted": "signals_readings", "features": "features_by_sensor_log", "decided": "predictions_high"}
SPARK = {"spark": {"master": "local[2]", "shuffle_partitions": 2}}
SESSION = """
import sys
from pathlib import Path
from headrace.cli.options import project
from headrace.cli.session import session
conf = Path(sys.argv[1])
session(project(conf, "local"), conf, lambda _: None)
"""


def prepare(home: Path) -> None:
    """A project that has been run: every table, checkpoint and version is there."""
    registry = {"tracking_uri": f"sqlite:///{home}/mlflow.db"}
    project(
        home,
        settings={**SETTINGS, "registry": registry, "trigger": "1 second"},
        feature_set={**SET, **SLIDING},
        model=MODEL,
    )
    (home / "conf/local").mkdir()
    (home / "conf/local/headrace.yml").write_text(json.dumps(SPARK), encoding="utf-8")
    register(registry["tracking_uri"])
    for number in range(2):
        land(home, number, RECORDS, sensors=500)
        run = [sys.executable, "-m", "headrace", "run", "--once", "--conf-dir", str(home / "conf")]
        subprocess.run(run, check=True, stderr=subprocess.DEVNULL)


def session_alone(home: Path) -> float:
    """Seconds until a process has the session."""
    began = time.perf_counter()
    command = [
        sys.executable,
        "-c",
        f"{SESSION}\nprint('there', flush=True)\nimport os; os._exit(0)",
        str(home / "conf"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        took = time.perf_counter() - began
    if said.strip() != "there":
        raise SystemExit("no session was built")
    return took


def start(home: Path, number: int, checkout: Path | None) -> dict[str, float]:
    """Seconds until each flow's first commit."""
    folders = {what: home / "tables" / table / "_delta_log" for what, table in TABLES.items()}
    before = {what: _commits(folder) for what, folder in folders.items()}
    land(home, number, RECORDS, sensors=500)
    env = {**os.environ, "PYTHONPATH": str(checkout / "pipelines")} if checkout else dict(os.environ)
    command = [sys.executable, "-m", "headrace", "run", "--conf-dir", str(home / "conf")]
    began, found = time.perf_counter(), dict[str, float]()
    with subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL) as process:
        while len(found) < len(folders):
            if process.poll() is not None:
                raise SystemExit(f"headrace run ended with exit code {process.returncode}")
            for what in folders.keys() - found.keys():
                if _commits(folders[what]) > before[what]:
                    found[what] = time.perf_counter() - began
            time.sleep(0.02)
        process.terminate()
    return found


def _commits(folder: Path) -> int:
    return sum(1 for _ in folder.glob("*.json"))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", type=int, nargs="?", default=5)
    parser.add_argument("--beside", type=Path)
    given = parser.parse_args()
    found = defaultdict[str, list[float]](list)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        prepare(home)
        number = 2
        for _ in range(given.rounds):
            found["session alone"].append(session_alone(home))
            for name, checkout in {"": None, **({" beside": given.beside} if given.beside else {})}.items():
                for what, took in start(home, number, checkout).items():
                    found[f"{what}{name}"].append(took)
                number += 1
    alone = median(found["session alone"])
    print(f"{'until':<18}{'seconds':>9}{'ratio':>7}{'least':>8}{'most':>7}")
    for what, seconds in found.items():
        middle = median(seconds)
        print(f"{what:<18}{middle:>9.1f}{middle / alone:>7.2f}{min(seconds):>8.1f}{max(seconds):>7.1f}")


if __name__ == "__main__":
    main()
