"""What ``freshness.py`` compares, each a process of its own on a folder of its own: headrace, and the job by hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batch import MODEL, SLIDING
from commit_log import CommitLog
from readings import SET, SETTINGS, project

_SPARK = {"master": "local[2]", "shuffle_partitions": 2}
_POLL_SECONDS, _STOPS_WITHIN_SECONDS = 0.1, 60


@dataclass(frozen=True, slots=True)
class Input:
    """What a side reads: a topic, and the registry with the model."""

    bootstrap: str
    topic: str
    registry: str


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of a side, polled together."""

    signals: CommitLog
    dead_letters: CommitLog
    features: CommitLog
    predictions: CommitLog

    def poll(self) -> None:
        for log in (self.signals, self.dead_letters, self.features, self.predictions):
            log.poll()


@dataclass(frozen=True, slots=True)
class Running:
    """A side whose process is there, with its output in ``output.log``."""

    home: Path
    process: subprocess.Popen[bytes]
    tables: Tables

    def poll(self) -> None:
        """Look for new commits. Raises RuntimeError where the process has ended."""
        self.tables.poll()
        if self.process.poll() is not None:
            raise RuntimeError(f"it ended with {self.process.returncode}\n{self.last_lines()}")

    def poll_until(self, reached: Callable[[], bool], seconds: float) -> float | None:
        """How many seconds it took; None where it takes longer than so many."""
        began = time.monotonic()
        while True:
            self.poll()
            taken = time.monotonic() - began
            if reached():
                return taken
            if taken > seconds:
                return None
            time.sleep(_POLL_SECONDS)

    def last_lines(self) -> str:
        lines = (self.home / "output.log").read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-20:])


@dataclass(frozen=True, slots=True)
class Side:
    """``command`` makes what it needs in a folder and says how to start it; ``tables`` are those four in there.

    says_ages: whether its decisions say how old they are. checkout: whose headrace runs, where it is not this one's.
    """

    name: str
    command: Callable[[Path, Input], list[str]]
    tables: tuple[str, str, str, str]
    says_ages: bool
    checkout: Path | None = None

    @contextmanager
    def running(self, home: Path, given: Input) -> Iterator[Running]:
        """Nothing of it runs after the block."""
        env = {**os.environ, **({"PYTHONPATH": str(self.checkout / "pipelines")} if self.checkout else {})}
        command = [sys.executable, *self.command(home, given)]
        with (home / "output.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=home, env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        try:
            yield Running(home, process, Tables(*(CommitLog(home / table) for table in self.tables)))
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOPS_WITHIN_SECONDS)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its JVM, if that is still there
            process.wait()


def headrace(checkout: Path | None = None) -> Side:
    """``headrace run`` on a project of one signal, one feature set and one model."""
    return Side(
        "headrace" if checkout is None else "beside",
        _headrace,
        ("tables/signals_readings", "tables/dead_letters", "tables/features_by_sensor_log", "tables/predictions_high"),
        True,
        checkout,
    )


def by_hand() -> Side:
    return Side("by hand", _by_hand, ("signals", "dead_letters", "features", "predictions"), False)


def _headrace(home: Path, given: Input) -> list[str]:
    source = {"kind": "kafka", "bootstrap": given.bootstrap, "topic": given.topic}
    settings: Mapping[str, Any] = {
        "project": "freshness",
        "storage": SETTINGS["storage"],
        "registry": {"tracking_uri": given.registry},
        "trigger": "1 second",
        "signals": {"readings": {"contract": "readings", "source": source}},
    }
    project(home, settings=settings, feature_set={**SET, **SLIDING, "time_to_live": "10 minutes"}, model=MODEL)
    overlay = home / "conf/local/headrace.yml"
    overlay.parent.mkdir()
    overlay.write_text(json.dumps({"spark": _SPARK}), encoding="utf-8")
    return ["-m", "headrace", "run", "--conf-dir", str(home / "conf")]


def _by_hand(home: Path, given: Input) -> list[str]:
    return [str(Path(__file__).with_name("by_hand.py")), given.bootstrap, given.topic, str(home), given.registry]
