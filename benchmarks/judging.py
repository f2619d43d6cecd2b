"""What judging costs beside parsing alone: ratios within one run, each the median of rounds taken in turn.

    .venv/bin/python benchmarks/judging.py [ROWS]

The contract is that of a flight leaving: ten fields, two of them times, twelve rules, three of these patterns. The base
is ``from_json`` with the types a user would give it, into a sink that throws everything away.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.contracts.judge import judge
from headrace.contracts.model import Contract, Field, Kind, Rule
from headrace.io.jars import cache_folder, for_spark
from headrace.io.session import build

ROUNDS, WARM_UP = 7, 6
TIMES = ("scheduled_at", "occurred_at")
CONTRACT = Contract(
    id="departures",
    version="1.0.0",
    event_time="occurred_at",
    fields=(
        Field(name="flight_id", kind=Kind.STRING, required=True, pattern=r"\d{4}-\d{2}-\d{2}/[A-Z0-9]{2}\d{1,4}"),
        Field(name="scheduled_at", kind=Kind.TIMESTAMP, required=True),
        Field(name="occurred_at", kind=Kind.TIMESTAMP, required=True),
        Field(name="status", kind=Kind.STRING, required=True, allowed=("departed", "cancelled")),
        Field(name="carrier", kind=Kind.STRING, required=True, pattern="[A-Z0-9]{2}"),
        Field(name="flight", kind=Kind.INTEGER, required=True, minimum=1, maximum=9_999),
        Field(name="origin", kind=Kind.STRING, required=True, allowed=("EWR", "JFK", "LGA")),
        Field(name="dest", kind=Kind.STRING, required=True, pattern="[A-Z]{3}"),
        Field(name="distance", kind=Kind.INTEGER, required=True, minimum=1, maximum=10_000),
        Field(name="dep_delay", kind=Kind.NUMBER, minimum=-120, maximum=3_000),
    ),
    rules=(
        Rule(name="delay_if_departed", expression="(status = 'departed') = (dep_delay IS NOT NULL)"),
        Rule(name="leaves_after_it_should", expression="occurred_at >= scheduled_at OR dep_delay < 0"),
    ),
)
TYPES = {Kind.STRING: "STRING", Kind.TIMESTAMP: "TIMESTAMP", Kind.INTEGER: "BIGINT", Kind.NUMBER: "DOUBLE"}


def payloads(spark: SparkSession, rows: int) -> dict[str, DataFrame]:
    """The same records as sources of different manners send them, and as none should."""
    number = F.col("id") % 9_000 + 1
    names = CONTRACT.names
    values = (
        F.concat(F.lit("2013-01-01/UA"), number.cast("string")), F.lit("2013-01-01T10:15:00Z"),
        F.lit("2013-01-01T10:17:00Z"), F.lit("departed"), F.lit("UA"), number, F.lit("EWR"), F.lit("IAH"),
        F.lit(1_400), F.col("id") % 100 / 4,
    )  # fmt: skip
    members = dict(zip(names, values, strict=True))
    text = F.to_json(F.struct(*[value.alias(name) for name, value in members.items()]))
    turned = F.to_json(F.struct(*[members[name].alias(name) for name in reversed(names)]))
    sent = {
        "good, in the contract's order": text,
        "good, in another order": turned,
        "bad, a value out of range": F.replace(text, F.lit('"distance":1400'), F.lit('"distance":14000')),
        "bad, a number in quotes": F.replace(text, F.lit('"distance":1400'), F.lit('"distance":"1400"')),
        "bad, cut off": F.substring(text, 1, 150),
    }
    source = spark.range(0, rows, 1, 2)
    frames = {name: source.select(each.cast("binary").alias("value")).persist() for name, each in sent.items()}
    for frame in frames.values():
        frame.count()
    return frames


def parsed(payload: DataFrame) -> DataFrame:
    types = ", ".join(f"`{field.name}` {TYPES[field.kind]}" for field in CONTRACT.fields)
    return payload.select(F.from_json(F.col("value").cast("string"), types))


def seconds(work: Callable[[], DataFrame]) -> float:
    began = time.perf_counter()
    work().write.format("noop").mode("overwrite").save()
    return time.perf_counter() - began


def main(rows: int) -> None:
    jars = for_spark(conf_dir=None, cache=cache_folder(os.environ), say=print)
    spark = build("judging", master="local[2]", shuffle_partitions=2, conf={}, jars=jars, log=Path("var/benchmark.log"))
    sent = payloads(spark, rows)
    good = next(iter(sent.values()))
    works: dict[str, Callable[[], DataFrame]] = {"from_json alone": partial(parsed, good)}
    works |= {f"judged: {name}": partial(judge, frame, CONTRACT) for name, frame in sent.items()}
    taken: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(WARM_UP + ROUNDS):
        for name, work in works.items():
            took = seconds(work)
            if turn >= WARM_UP:
                taken[name].append(took)
    base = median(taken["from_json alone"])
    for name, times in taken.items():
        print(f"{name:40} {rows / median(times):>10,.0f} rows/s {median(times) / base:>6.2f} times")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400_000)
