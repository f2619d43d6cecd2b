"""A table that grows columns while its readers run, is cut off between the two, restarted and replayed to."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from pyspark.sql import SparkSession
from tests import flights
from tests.differences import differences
from tests.empty_tables import with_tables
from tests.writes import Write, around_writes

from headrace.config import Clock, Restarts
from headrace.contracts.dead_letters import Action, Choice
from headrace.contracts.model import Unknown
from headrace.flows.project import Project
from headrace.flows.queries import queries
from headrace.flows.replay import act
from headrace.flows.run import run
from headrace.flows.watched import Watched
from headrace.io.lake import Lake

pytestmark = pytest.mark.long

SIGNAL, SET = "weather", "airport_weather"
TARGET = f"signals_{SIGNAL}"
FLOWS = (f"ingest.{SIGNAL}", f"features.{SET}")
FILES: Sequence[Sequence[dict[str, object]]] = (
    ({"temp": 1.0}, {"temp": 2.0}),
    ({"station": "K1", "level": 3}, {"station": "K2", "level": 4, "parts": [1]}, {"temp": "warm", "station": "K3"}),
    ({"station": 5, "slice": "x"}, {"Station": "K4", "level": 1.5}, {"station": None, "level": -1, "slice": "y"}),
)


def land(home: Path, number: int) -> None:
    """A file of records, a minute between them."""
    folder = home / "landing" / SIGNAL
    lines = [
        json.dumps({"occurred_at": f"2013-01-01T1{number}:0{minute}:00Z", "origin": "JFK", **record}) + "\n"
        for minute, record in enumerate(FILES[number])
    ]
    hidden = folder / f".{number}"
    hidden.write_text("".join(lines))
    since = time.time() - 100 + number
    os.utime(hidden, (since, since))
    hidden.rename(folder / f"{number}.jsonl")


def evolving(home: Path) -> Project:
    """The project whose weather lets its table grow, its queries restarted at once."""
    plain = flights.project(home, max_files=1)
    clock = Clock(kind="replay", max_jump=timedelta(hours=12), support=1)
    signal = plain.settings.signals[SIGNAL].model_copy(update={"clock": clock})
    wait = timedelta(milliseconds=100)
    settings = {
        "signals": {SIGNAL: signal},
        "restarts": Restarts(first_wait=wait, longest_wait=wait),
        "trigger": timedelta(seconds=1),
    }
    contract = replace(plain.contracts[SIGNAL], unknown=Unknown.EVOLVE)
    sets = {SET: plain.feature_sets[SET]}
    project = replace(plain, contracts={SIGNAL: contract}, feature_sets=sets, models={})
    return flights.with_settings(project, **settings)


@contextmanager
def cut_off_once(spark: SparkSession, batch_id: int) -> Iterator[list[dict[str, str]]]:
    """The process is cut off before the batch is written to the signal's table. Gives what that had for columns."""
    found = list[dict[str, str]]()

    def cut_off(write: Write) -> None:
        if not found and (write.table.name, write.writer.batch_id) == (TARGET, batch_id):
            found.append(write.lake.types(spark, TARGET))
            raise RuntimeError("planted crash")
        write.make()

    with around_writes(cut_off):
        yield found


def running(spark: SparkSession, project: Project, home: Path, files: int) -> set[str]:
    """Let the driver run until so many files, each landed when the one before it was through, are in the features.
    Gives what its queries failed for."""
    stop, errors, deadline, landed = Event(), set[str](), time.monotonic() + 900, 0
    lake = Lake(project.settings.storage)

    def look(watched: Sequence[Watched]) -> None:
        nonlocal landed
        errors.update(f"{one.query.name}: {one.error.split(':')[0]}" for one in watched if one.error)
        assert time.monotonic() < deadline, errors
        through = lake.read(spark, "ledger").where("flow = 'features' AND slice <> '*'").count()
        if through == landed == files:
            stop.set()
        elif through == landed:
            land(home, landed)
            landed += 1

    run(spark, project, queries(project, FLOWS, patient=False), stop=stop, show=look)
    return errors


def features_checkpoint(project: Project) -> Path:
    return Path(project.settings.storage.checkpoint_root) / "features" / SET


def test_new_members_become_columns_and_nothing_is_lost(spark: SparkSession, tmp_path: Path) -> None:
    project = evolving(tmp_path)
    lake = Lake(project.settings.storage)
    with_tables(spark, project)
    (tmp_path / "landing" / SIGNAL).mkdir(parents=True)
    with cut_off_once(spark, batch_id=1) as at_crash:
        failed = running(spark, project, tmp_path, files=2)
    columns_changed = "the columns of the source table changed"
    assert failed == {
        f"ingest.{SIGNAL}: RuntimeError",
        f"features.{SET}: {columns_changed}",
    }
    assert [(one["station"], one["level"], "slice" in one) for one in at_crash] == [("string", "bigint", False)]

    # A reader from the first version on meets every change of the columns on its way.
    shutil.rmtree(features_checkpoint(project))
    land(tmp_path, 2)
    flights.taken(spark, flights.with_settings(project, upstream_batches=16), *FLOWS, ends=False)
    warm = Choice(reasons=("wrong_type",))
    (done,) = act(spark, project, SIGNAL, Action.REPLAY, warm, patch={"temp": "nullif(temp, 'warm')"})
    assert done.outcomes == {"accepted": 1}
    rows = lake.read(spark, TARGET).orderBy("event_time").collect()
    assert [
        (f"{row['event_time']:%H:%M}", row["station"], row["level"], row["slice"], row["others"]) for row in rows
    ] == [
        ("10:00", None, None, None, None),
        ("10:01", None, None, None, None),
        ("11:00", "K1", 3, None, None),
        ("11:01", "K2", 4, None, {"parts": "[1]"}),
        ("11:02", "K3", None, None, None),
        ("12:00", None, None, "x", {"station": "5"}),
        ("12:01", None, None, None, {"Station": '"K4"', "level": "1.5"}),
        ("12:02", None, -1, "y", None),
    ]  # fmt: skip
    drift = (
        lake.read(spark, "schema_drift")
        .where("kind = 'unknown_field'")
        .orderBy("batch_id", "field", "detail")
        .collect()
    )
    assert [(row["batch_id"], row["field"], row["detail"], row["policy"]) for row in drift] == [
        (1, "level", "number", "column added"),
        (1, "parts", "array", "kept aside"),
        (1, "station", "string", "column added"),
        (2, "Station", "string", "kept aside"),
        (2, "slice", "string", "column added"),
        (2, "station", "null", "column added"),
        (2, "station", "number", "kept aside"),
    ]
    assert differences(spark, project) == {}
