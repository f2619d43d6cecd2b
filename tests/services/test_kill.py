"""``kill -9`` at random moments: nothing lost, nothing doubled, in any table.

``HEADRACE_KILLS`` is how many there are.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests import flights
from tests.differences import differences
from tests.services.projects import registered, small_place

KILLS = int(os.environ.get("HEADRACE_KILLS", "2"))
OVERLAY = {
    "spark": {"master": "local[2]", "shuffle_partitions": 2},
    "trigger": "1 second",
    "upstream_batches": 2,
    "signals": {"departures": {"source": {"max_files": 1}}},
}


def await_batches(driver: subprocess.Popen[bytes], log: Path, *, more: int) -> None:
    """Until the driver has said of so many more batches that they are done."""
    done = log.read_bytes().count(b" batch ")
    while log.read_bytes().count(b" batch ") < done + more:
        with pytest.raises(subprocess.TimeoutExpired):
            driver.wait(timeout=0.2)


@pytest.mark.kills
def test_kills_lose_and_double_nothing(spark: SparkSession, tmp_path: Path) -> None:
    here = small_place(tmp_path, OVERLAY)
    sent = [one for one in flights.sent(date(2013, 1, 1), date(2013, 1, 6)) if one.signal == "departures"]
    flights.landed(here.home, sent)
    registered(here.project)
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    moments = random.Random(seed)
    log = tmp_path / "driver.log"
    for number in range(KILLS):
        driver = here.start("run", log=log)
        # Some lives end while the session or the first batches start, the others somewhere after.
        await_batches(driver, log, more=1 if number % 2 == 0 else 0)
        with pytest.raises(subprocess.TimeoutExpired):
            driver.wait(timeout=moments.uniform(0, 4))
        # Every other time the JVM is left to find out by itself that its driver is gone.
        os.killpg(driver.pid, signal.SIGKILL) if number % 2 == 0 else driver.kill()
        driver.wait()
    ended = here.run("run", "--once")
    assert ended.returncode == 0, ended.stderr[-3_000:]
    assert differences(spark, here.project) == {}
    assert set(here.doubled().values()) == {0}, here.doubled()
    accepted = here.count("SELECT count(*) FROM signals_departures")
    assert accepted + here.count("SELECT count(*) FROM dead_letters WHERE stage = 'ingest'") == len(sent)
    asked = here.count("SELECT count(*) FROM signals_departures WHERE status = 'departed'")
    assert asked == here.count("SELECT count(*) FROM predictions_arrives_late") > 3_000


def test_sigterm_ends_between_two_batches(tmp_path: Path) -> None:
    here = small_place(tmp_path, OVERLAY)
    flights.landed(here.home, flights.sent(date(2013, 1, 1), date(2013, 1, 11)))
    driver = here.start("run", "ingest", log=tmp_path / "driver.log")
    await_batches(driver, tmp_path / "driver.log", more=1)
    driver.terminate()
    assert driver.wait(timeout=900) == 0
    assert "Stopped between batches." in (tmp_path / "driver.log").read_text()
    batches = here.count("SELECT count(DISTINCT (query_id, batch_id)) FROM batch_plans")
    assert 0 < batches < 10
    assert batches == here.count("SELECT count(DISTINCT (query_id, batch_id)) FROM ledger"), (
        "every batch begun has ended"
    )
