"""What a feature set costs with few entities and with many: records a second and memory of its state.

    .venv/bin/python benchmarks/entities.py [RECORDS]

The same RECORDS are of 10, 1,000 and 100,000 sensors. Windows of an hour, one every quarter of it; ten batches, of
which the first is warm-up. The state is what Spark keeps of open windows, in the memory of the executors.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from threading import Event

from pyspark.sql import SparkSession
from readings import land, project

from headrace.flows.queries import create_tables, queries
from headrace.flows.run import drain
from headrace.io.jars import cache_folder, for_spark
from headrace.io.session import build

ENTITIES, BATCHES = (10, 1_000, 100_000), 10


def measure(spark: SparkSession, home: Path, records: int, entities: int) -> tuple[float, int, int]:
    """Records a second after the first batch, rows in the state at its largest, and its bytes."""
    described = project(home)
    create_tables(spark, described)
    for number in range(BATCHES):
        land(home, number, records // BATCHES, entities)
    ingest, features = queries(described, ("ingest",)), queries(described, ("features",))
    drain(spark, described, ingest, stop=Event(), show=lambda _: None, ends=False)
    query = features[0].start(spark, described, once=True, told=lambda: False)
    query.awaitTermination()
    rounds = [one for one in query.recentProgress if one.numInputRows]
    states = [one.stateOperators[0] for one in rounds]
    seconds = sum(one.durationMs["triggerExecution"] for one in rounds[1:]) / 1_000
    rate = sum(one.numInputRows for one in rounds[1:]) / seconds
    return rate, max(one.numRowsTotal for one in states), max(one.memoryUsedBytes for one in states)


def main(records: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        jars = for_spark(conf_dir=None, cache=cache_folder(os.environ), say=print)
        log = Path(folder) / "spark.log"
        spark = build("entities", master="local[2]", shuffle_partitions=2, conf={}, jars=jars, log=log)
        base = 0.0
        for entities in ENTITIES:
            home = Path(folder) / str(entities)
            home.mkdir()
            rate, rows, used = measure(spark, home, records, entities)
            base = base or rate
            print(
                f"{entities:>8,} entities: {rate:>8,.0f} records/s, {rate / base:.2f} times the first; "
                f"{rows:>8,} windows in the state, {used / 2**20:,.0f} MiB",
                flush=True,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
