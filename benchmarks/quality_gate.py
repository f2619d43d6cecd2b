"""What it costs to judge a batch by compiled rules, and by a checkpoint of Great Expectations: ratios within one run.

    .venv/bin/python benchmarks/quality_gate.py [ROWS]

All say of the same flights whether they keep the contract of departures. The judge reads them as JSON and names every
reason of every row; a checkpoint is given them as typed columns, made beforehand, and counts the rows that break each
rule: on Spark, where a stream has its batch, and on a frame of pandas, as ``headrace quality`` does. The judge's plan
is built once, as a stream's is, and planned anew each time. Each time is the median of rounds taken in turn; no page
is made.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from headrace.contracts.expectations import suite
from headrace.contracts.judge import judge
from headrace.demo.faults import FaultMix
from headrace.demo.feed import records
from headrace.demo.flights import read_flights
from headrace.flows.project import load
from headrace.io import data_docs, samples
from headrace.io.jars import cache_folder, for_spark
from headrace.io.session import build

ROUNDS, WARM_UP = 7, 6
CONTRACT = load(Path(__file__).parents[1] / "conf", "local", {}).contracts["departures"]


def payloads(spark: SparkSession, rows: int) -> DataFrame:
    """The first departures of 2013 as their records come, all good."""
    sent = records(read_flights().between(date(2013, 1, 1), date(2014, 1, 1)), FaultMix(share=0))
    values = [(each.value, str(place)) for place, each in enumerate(sent) if each.signal == "departures"]
    frame = spark.createDataFrame(values[:rows], "value BINARY, record_id STRING").repartition(2).persist()
    assert frame.count() == rows, "there are not so many departures"
    return frame


def works(sent: DataFrame, rows: int) -> dict[str, Callable[[], object]]:
    """What is timed, by its name; the judge comes first."""
    judged = judge(sent, CONTRACT)
    typed = judged.select(*CONTRACT.names).persist()
    frame = samples.of_rows(judged.selectExpr("*", "envelope.record_id", "'' AS query_id"), CONTRACT.names, rows)
    expectations = [each.configuration for each in suite(CONTRACT).expectations]
    return {
        "compiled rules": judged.write.format("noop").mode("overwrite").save,
        "a checkpoint on Spark": partial(on_spark(expectations).run, batch_parameters={"dataframe": typed}),
        "a checkpoint on pandas": partial(data_docs.run, "departures", expectations, frame, None, occasion="benchmark"),
    }


def on_spark(expectations: Sequence[Mapping[str, Any]]) -> Any:
    """The suite for Spark's engine: without the types, and with regular expressions as Java has them."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    kept = [each for each in expectations if "type_list" not in each["kwargs"]]
    javas = [
        {
            **each,
            "kwargs": {
                name: str(value).removeprefix("(?a)") if name == "regex" else value
                for name, value in each["kwargs"].items()
            },
        }
        for each in kept
    ]
    given = [ExpectationConfiguration(**each).to_domain_obj() for each in javas]
    source = context.data_sources.add_spark("stream", persist=False)
    batch = source.add_dataframe_asset("departures").add_batch_definition_whole_dataframe("batch")
    definition = gx.ValidationDefinition(
        name="departures",
        data=batch,
        suite=context.suites.add(gx.ExpectationSuite(name="departures", expectations=given)),
    )
    context.validation_definitions.add(definition)
    return context.checkpoints.add(
        gx.Checkpoint(
            name="departures", validation_definitions=[definition], result_format={"result_format": "SUMMARY"}
        )
    )


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def medians(works: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(WARM_UP + ROUNDS):
        for name, work in works.items():
            took = seconds(work)
            if turn >= WARM_UP:
                taken[name].append(took)
    return {name: median(times) for name, times in taken.items()}


def main(rows: int) -> None:
    jars = for_spark(conf_dir=None, cache=cache_folder(os.environ), say=print)
    log = Path("var/benchmark.log")
    spark = build("quality_gate", master="local[2]", shuffle_partitions=2, conf={}, jars=jars, log=log)
    took = medians(works(payloads(spark, rows), rows))
    for name, each in took.items():
        print(f"{name:24} {each * 1_000:>8,.0f} ms {each / took['compiled rules']:>6.1f} times")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
