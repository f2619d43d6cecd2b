"""Two drivers on one checkpoint: the second is refused until the first has ended, however it ended."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headrace.errors import InfrastructureError
from headrace.io.lease import Driver, driver_of, hold, mark_look, turn

HOLDER = (
    "import sys; from headrace.io.lease import hold; hold(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
)


def test_the_second_driver_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    checkpoint = str(tmp_path / "ingest" / "weather")
    command = [sys.executable, "-c", HOLDER, checkpoint]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(InfrastructureError, match=f"in use by process {first.pid}"):
            hold(checkpoint)
        first.kill()
        first.wait()
    hold(checkpoint)
    hold(checkpoint)


def test_a_driver_is_alive_while_it_holds_the_lease_and_says_when_it_looked(tmp_path: Path) -> None:
    checkpoint, noon = str(tmp_path / "ingest" / "weather"), datetime(2026, 1, 1, 12, tzinfo=UTC)
    mark_look(checkpoint)
    assert driver_of(checkpoint) == Driver(alive=False, looked_at=None)
    command = [sys.executable, "-c", HOLDER, checkpoint]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        assert driver.stdout.readline() == "held\n"
        os.utime(f"{checkpoint}.lease", (noon.timestamp(), noon.timestamp()))
        assert driver_of(checkpoint) == Driver(alive=True, looked_at=noon)
        mark_look(checkpoint)
        seen = driver_of(checkpoint)
        assert seen.looked_at is not None
        assert seen.looked_at > noon
        driver.kill()
        driver.wait()
    assert driver_of(checkpoint) == Driver(alive=False, looked_at=seen.looked_at)


def test_who_asks_for_a_driver_keeps_none_from_starting(tmp_path: Path) -> None:
    checkpoint = tmp_path / "weather"
    (tmp_path / "weather.lease").touch()
    asks = "import sys\nfrom headrace.io.lease import driver_of\nprint('asks', flush=True)\n"
    command = [sys.executable, "-c", f"{asks}while True: driver_of(sys.argv[1])", str(checkpoint)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdout is not None
        assert asking.stdout.readline() == "asks\n"
        hold(str(checkpoint))
        asking.kill()
        asking.wait()


def test_of_a_driver_of_a_checkpoint_in_a_store_nothing_is_known() -> None:
    mark_look("s3://bucket/checkpoints/ingest")
    assert driver_of("s3://bucket/checkpoints/ingest") == Driver(alive=None, looked_at=None)


def test_at_a_uri_nothing_is_held() -> None:
    hold("s3://bucket/checkpoints/ingest")


def test_writers_of_a_table_take_turns(tmp_path: Path) -> None:
    table = tmp_path / "ledger"
    with turn(str(table)), (tmp_path / ".ledger.turn").open("a") as other:
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with turn(str(tmp_path / "batch_plans")):
            pass
    with (tmp_path / ".ledger.turn").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_no_turn_is_waited_for_where_there_is_nothing_to_lock(tmp_path: Path) -> None:
    for place in ("s3://bucket/tables/ledger", str(tmp_path / "not there" / "ledger")):
        with turn(place), turn(place):
            pass
    assert list(tmp_path.iterdir()) == []
