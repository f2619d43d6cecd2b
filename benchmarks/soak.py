"""Whether a batch stays as fast as it was: many batches under equal load, with maintenance in between.

    .venv/bin/python benchmarks/soak.py [BATCHES] [RECORDS]

One signal and one feature set, RECORDS records a batch, ``maintain`` after every hundred batches and counted. Says the
median time of a batch in each hundred, maintenance shared out, and the last as a ratio to the second, the first being
warm-up; and of how many files each table consists, beside its budget of small ones.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from threading import Event

from pyspark.sql import SparkSession
from readings import land, project

from headrace.flows.holdings import holdings
from headrace.flows.maintain import maintain
from headrace.flows.project import Project
from headrace.flows.queries import create_tables, queries
from headrace.flows.run import drain
from headrace.io.jars import cache_folder, for_spark
from headrace.io.session import build

HUNDRED = 100


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


def soak(spark: SparkSession, home: Path, described: Project, batches: int, records: int) -> list[float]:
    """The median seconds of a batch in each hundred, with its share of the maintenance after them."""
    laps, found = Laps(), list[float]()
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
        described = project(home)
        jars = for_spark(conf_dir=None, cache=cache_folder(os.environ), say=print)
        spark = build("soak", master="local[2]", shuffle_partitions=2, conf={}, jars=jars, log=home / "spark.log")
        found = soak(spark, home, described, batches, records)
        print(f"the last hundred took {found[-1] / found[1]:.2f} times the first after warm-up")
        for held in holdings(described):
            told = "over" if held.over_budget else "within"
            print(f"{held.table:<32} {held.files:>6,} files, {held.small:>6,} of them small: {told} budget")


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    main(*given, *(1_000, 1_000)[len(given) :])
