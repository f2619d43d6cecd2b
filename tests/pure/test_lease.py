"""Two drivers on one checkpoint: the second is refused until the first has ended, however it ended."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from headrace.errors import InfrastructureError
from headrace.io.lease import hold

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
