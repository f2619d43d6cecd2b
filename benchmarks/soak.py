"""Whether a batch stays as fast as it was: many batches under equal load, with maintenance in between.

    .venv/bin/python benchmarks/soak.py [BATCHES] [RECORDS]

One signal and one feature set, RECORDS records a batch, ``maintain`` after every hundred batches and counted. Says the
median time of a batch in each hundred, maintenance shared out, and the last as a ratio to the second, the first being
warm-up; and how many files each table has.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from threading import Event
from typing import Any

from pyspark.sql import SparkSession

from headrace.flows.maintain import maintain
from headrace.flows.project import Project, load
from headrace.flows.queries import create_tables, queries
from headrace.flows.run import drain
from headrace.io.jars import cache_folder, fetch
from headrace.io.session import build

START, HUNDRED = datetime(2026, 1, 1, tzinfo=UTC), 100
CONTRACT: dict[str, Any] = {
    "apiVersion": "v3.1.0", "kind": "DataContract", "id": "soak", "name": "soak", "version": "1.0.0",
    "status": "active",
    "schema": [{
        "name": "readings", "logicalType": "object",
        "customProperties": [{"property": "eventTime", "value": "at"}],
        "properties": [
            {"name": "sensor", "logicalType": "string", "required": True},
            {"name": "at", "logicalType": "timestamp", "required": True},
            {"name": "value", "logicalType": "number", "required": True},
        ],
    }],
}  # fmt: skip
SET: dict[str, Any] = {
    "name": "by_sensor", "signal": "readings", "entity": ["sensor"],
    "window": {"length": "1 hour", "slide": "15 minutes"},
    "delay": "10 minutes", "time_to_live": "6 hours",
    "features": {"mean": {"op": "mean", "of": "value"}, "n": {"op": "count"}},
}  # fmt: skip
SETTINGS: dict[str, Any] = {
    "project": "soak",
    "storage": {"root": "tables"},
    "registry": {"tracking_uri": "sqlite:///mlflow.db"},
    "signals": {
        "readings": {
            "contract": "readings",
            "source": {"kind": "files", "path": "landing", "max_files": 1},
            "clock": {"kind": "replay", "max_jump": "1 day"},
        }
    },
    "upstream_batches": 1,
}


def project(home: Path) -> Project:
    """One signal, one set. JSON is YAML."""
    for name, content in {
        "base/headrace.yml": SETTINGS, "contracts/readings.odcs.yaml": CONTRACT, "features/by_sensor.yml": SET,
    }.items():  # fmt: skip
        file = home / "conf" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content), encoding="utf-8")
    (home / "conf/models").mkdir()
    return load(home / "conf", None, {})


def land(home: Path, number: int, records: int) -> None:
    """A batch: five minutes of readings of a hundred sensors, by an atomic rename."""
    begin, step = START + number * timedelta(minutes=5), timedelta(minutes=5) / records
    lines = (
        json.dumps({"sensor": f"s{each % 100}", "at": (begin + each * step).isoformat(), "value": each % 17 / 4})
        for each in range(records)
    )
    folder = home / "landing"
    folder.mkdir(exist_ok=True)
    file = folder / f".{number:06}.tmp"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    file.rename(folder / f"{number:06}.jsonl")


class Laps(logging.Handler):
    """Seconds from the end of each batch to the end of the next, by query."""

    def __init__(self) -> None:
        super().__init__()
        self.ended: dict[str, float] = {}
        self.taken: dict[str, list[float]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        query = record.__dict__["summary"].query
        if query in self.ended:
            self.taken.setdefault(query, []).append(record.created - self.ended[query])
        self.ended[query] = record.created

    def median(self) -> float:
        """Of a batch in each query, added up; then begins anew."""
        found = sum(median(times) for times in self.taken.values())
        self.ended, self.taken = {}, {}
        return found


def soak(spark: SparkSession, home: Path, batches: int, records: int) -> list[float]:
    """The median seconds of a batch in each hundred, with its share of the maintenance after them."""
    described, laps, found = project(home), Laps(), list[float]()
    logger = logging.getLogger("headrace.batch")
    logger.setLevel(logging.INFO)
    logger.addHandler(laps)
    create_tables(spark, described)
    for first in range(0, batches, HUNDRED):
        for number in range(first, first + HUNDRED):
            land(home, number, records)
        drain(spark, described, queries(described), stop=Event(), show=lambda _: None, ends=False)
        began = time.perf_counter()
        for _ in maintain(spark, described, datetime.now(UTC)):
            pass
        share = (time.perf_counter() - began) / HUNDRED
        found.append(laps.median() + share)
        print(f"{first + HUNDRED:>6,} batches: {found[-1]:.2f} s a batch, {share:.2f} s of it maintenance", flush=True)
    return found


def main(batches: int, records: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        jars = fetch("connectors", conf_dir=None, cache=cache_folder(os.environ), say=print)
        spark = build("soak", master="local[2]", shuffle_partitions=2, conf={}, jars=jars, log=home / "spark.log")
        found = soak(spark, home, batches, records)
        print(f"the last hundred took {found[-1] / found[1]:.2f} times the first after warm-up")
        for table in sorted((home / "tables").iterdir()):
            files = sum(1 for _ in table.rglob("*.parquet"))
            print(f"{table.name:<32} {files:>6,} files")


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    main(*given, *(1_000, 1_000)[len(given) :])
