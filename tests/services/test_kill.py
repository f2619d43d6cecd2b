"""Ten times ``kill -9`` at random moments: nothing lost, nothing doubled, in any table."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from datetime import date
from pathlib import Path

from tests import flights
from tests.services.projects import place, registered

KILLS = 10
SIGNALS = ("departures", "weather", "arrivals")
OVERLAY = {
    "spark": {"master": "local[2]", "shuffle_partitions": 2},
    "trigger": "1 second",
    "upstream_batches": 1,
    "signals": {name: {"source": {"max_files": 1}} for name in SIGNALS},
}


def test_ten_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    here = place(tmp_path, OVERLAY)
    sent = flights.sent(date(2013, 1, 1), date(2013, 1, 7))
    flights.landed(here.home, sent)
    registered(here.project)
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    moments = random.Random(seed)
    for number in range(KILLS):
        driver = here.start("run", log=tmp_path / "driver.log")
        try:
            driver.wait(timeout=moments.uniform(9, 22))
            raise AssertionError((tmp_path / "driver.log").read_text()[-3_000:])
        except subprocess.TimeoutExpired:
            # Every other time the JVM is left to find out by itself that its driver is gone.
            os.killpg(driver.pid, signal.SIGKILL) if number % 2 else driver.kill()
            driver.wait()
    ended = here.run("run", "--once")
    assert ended.returncode == 0, ended.stderr[-3_000:]
    checked = here.run("ledger", "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert set(here.doubled().values()) == {0}, here.doubled()
    accepted = sum(here.count(f"SELECT count(*) FROM signals_{name}") for name in SIGNALS)
    assert accepted + here.count("SELECT count(*) FROM dead_letters WHERE stage = 'ingest'") == len(sent)
    asked = here.count("SELECT count(*) FROM signals_departures WHERE status = 'departed'")
    assert asked == here.count("SELECT count(*) FROM predictions_arrives_late") > 4_000
