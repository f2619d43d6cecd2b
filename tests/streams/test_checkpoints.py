"""Damaged checkpoints: each is said at once, and the command that is named goes on without a row lost or doubled."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests import orders
from tests.differences import differences

from headrace.errors import InfrastructureError
from headrace.flows.renew import renew
from headrace.io.lake import Lake

COMMAND = re.compile(r": ((?:echo|rm|mv) .+?)(?: \(|$)")


def test_each_is_said_at_once_and_its_command_goes_on(spark: SparkSession, tmp_path: Path) -> None:
    home = tmp_path / "data [1]"  # which a shell has to be given in quotes
    for number in range(2):
        orders.land(home, f"{number}.jsonl", orders.order(number), at=number + 1)
    orders.take_in(spark, orders.project(home))
    ingest = home / "lake" / "checkpoints" / "ingest" / "orders"
    (features,) = (metadata.parent for metadata in ingest.parents[1].glob("features/load/*/metadata"))

    (ingest / "metadata").unlink()
    follow(refused(spark, home, "is damaged: it has no metadata. Nothing is lost or doubled so far. Write down"))
    (ingest / "commits" / "1").write_bytes(b"")
    follow(refused(spark, home, "is damaged: commits/1 is empty. Nothing is lost or doubled so far. Remove that"))

    orders.land(home, "2.jsonl", orders.order(2), at=3)
    shutil.rmtree(features / "state")
    command = refused(spark, home, "is damaged: its state is gone. Nothing is lost or doubled so far. Put the folder")
    away, _, renewal = command.partition(" && ")
    follow(away)
    assert renewal == "headrace features renew load"
    list(renew(spark, orders.project(home), "load"))
    orders.take_in(spark, orders.project(home), ("features",))
    assert numbers(spark, home) == [0, 1, 2]
    assert differences(spark, orders.project(home)) == {}

    shutil.rmtree(ingest / "offsets")
    shutil.rmtree(ingest / "commits")
    command = refused(spark, home, "is damaged: its offsets are gone, though batch 2 has ended. Nothing is lost")
    for number in range(3):
        (home / "landing" / f"{number}.jsonl").rename(home / f"{number}.jsonl")
    follow(command)
    orders.land(home, "3.jsonl", orders.order(3), at=4)
    orders.take_in(spark, orders.project(home), ("ingest",))
    assert numbers(spark, home) == [0, 1, 2, 3]


def follow(command: str) -> None:
    subprocess.run(["/bin/sh", "-c", command], check=True)


def refused(spark: SparkSession, home: Path, said: str) -> str:
    """Run, although ten failures are forgiven; what is said has to begin so. Gives the command it names."""
    with pytest.raises(InfrastructureError) as refusal:
        orders.take_in(spark, orders.project(home, restarts=10))
    assert said in str(refusal.value)
    found = COMMAND.search(str(refusal.value))
    assert found is not None, str(refusal.value)
    return found[1]


def numbers(spark: SparkSession, home: Path) -> list[int]:
    """What is in the signal's table."""
    rows = Lake(orders.project(home).settings.storage).read(spark, "signals_orders").collect()
    return sorted(row["number"] for row in rows)
