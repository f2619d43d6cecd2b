"""The JVM of a driver holds its checkpoint's lease until it is gone, be its Python killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from headrace.errors import InfrastructureError
from headrace.io import jvm_lease
from headrace.io.jvm_lease import hold_in_jvm, is_held_alone
from headrace.io.lease import hold, lease_file

# POSIX locks are what Java takes.
OTHER = (
    "import fcntl, sys\n"
    "file = open(sys.argv[1], 'a+')\n"
    "fcntl.lockf(file, fcntl.LOCK_EX)\n"
    "print('locked', flush=True)\n"
    "sys.stdin.read()\n"
)


def test_the_next_driver_waits_for_the_jvm_of_the_one_before(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = str(tmp_path / "checkpoints/ingest/orders")
    assert not is_held_alone(checkpoint)
    hold_in_jvm(spark, checkpoint)
    assert not is_held_alone(checkpoint), "what this process does not hold, its JVM does not hold for it"
    hold(checkpoint)
    file = lease_file(checkpoint)
    assert file is not None
    monkeypatch.setattr(jvm_lease, "_PATIENCE_SECONDS", 0.5)
    command = [sys.executable, "-c", OTHER, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(InfrastructureError, match="still held by the JVM of a driver that was killed"):
            hold_in_jvm(spark, checkpoint)
        assert not is_held_alone(checkpoint)
        other.kill()
    hold_in_jvm(spark, checkpoint)
    assert is_held_alone(checkpoint)
    hold_in_jvm(spark, checkpoint)
    assert file.read_text(encoding="utf-8").isdigit(), "and the lease still names its process"
