"""Two drivers on one checkpoint: the second is refused until the first has ended, however it ended."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.errors import InfrastructureError
from headrace.io.lease import hold, turn

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
