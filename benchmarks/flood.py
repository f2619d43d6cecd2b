"""Whether a flood of bad records holds ingest up: seconds from files to tables, as ratios to good ones within one run.

    .venv/bin/python benchmarks/flood.py [RECORDS]

The repository's own departures, four batches of them: as they come, with a number sent in quotes, and cut off.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median
from threading import Event

from pyspark.sql import SparkSession

from headrace.demo.faults import FaultMix
from headrace.demo.feed import records
from headrace.demo.flights import read_flights
from headrace.flows.project import load
from headrace.flows.queries import create_tables, queries
from headrace.flows.run import drain
from headrace.io.jars import cache_folder, for_spark
from headrace.io.lake import Lake
from headrace.io.session import build

CONF, SIGNAL, FILES, ROUNDS, WARM_UP = Path(__file__).parents[1] / "conf", "departures", 16, 3, 1


def in_quotes(record: str) -> str:
    sent = json.loads(record)
    return json.dumps({**sent, "distance": str(sent["distance"])}, separators=(",", ":"))


KINDS: dict[str, Callable[[str], str]] = {
    "good": lambda record: record,
    "bad, a number in quotes": in_quotes,
    "bad, cut off": lambda record: record[:-20],
}


def seconds(spark: SparkSession, sent: list[str], kind: str) -> float:
    """How long it takes until all of them are in a table."""
    with tempfile.TemporaryDirectory() as home:
        project = load(CONF, "local", {"HEADRACE_HOME": home})
        folder = Path(home) / "landing" / SIGNAL
        folder.mkdir(parents=True)
        for number in range(FILES):
            (folder / f"{number:02}.jsonl").write_text("\n".join(sent[number::FILES]) + "\n")
        create_tables(spark, project)
        began = time.perf_counter()
        mine = queries(project, (f"ingest.{SIGNAL}",), patient=False)
        drain(spark, project, mine, stop=Event(), show=lambda _: None, ends=False)
        took = time.perf_counter() - began
        table = f"signals_{SIGNAL}" if kind == "good" else "dead_letters"
        assert Lake(project.settings.storage).read(spark, table).count() == len(sent)
        return took


def main(count: int) -> None:
    jars = for_spark(conf_dir=None, cache=cache_folder(os.environ), say=print)
    spark = build("flood", master="local[2]", shuffle_partitions=2, conf={}, jars=jars, log=Path("var/benchmark.log"))
    flights = read_flights().between(date(2013, 1, 1), date(2013, 1, 8))
    real = [one.value.decode() for one in records(flights, FaultMix(share=0)) if one.signal == SIGNAL]
    taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for turn in range(WARM_UP + ROUNDS):
        for kind, spoil in KINDS.items():
            took = seconds(spark, [spoil(real[place % len(real)]) for place in range(count)], kind)
            if turn >= WARM_UP:
                taken[kind].append(took)
    for kind, times in taken.items():
        print(f"{kind:24} {count / median(times):>8,.0f} records/s {median(times) / median(taken['good']):>5.2f} times")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 160_000)
