"""What a batch costs: wall and processor time, Spark jobs and Delta commits, by flow, step and size.

    .venv/bin/python benchmarks/batch.py [ROUNDS] [--beside CHECKOUT]

One signal, one feature set (60 s windows every 10 s, 500 entities) and one logistic model, each with a query of its
own in one driver, and one batch function at a time. In every round a file of 0, of 1,000 and of 20,000 records lands;
the first third of the rounds is warm-up, and the medians of the rest are shown. ``--beside`` does the same with the
package of another checkout, in a process of its own, before and after: the last columns are this one as a ratio to it.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from threading import Condition, Lock
from typing import Any

SIZES = (0, 1_000, 20_000)
SLIDING: dict[str, Any] = {"window": {"length": "60 seconds", "slide": "10 seconds"}, "delay": "1 minute"}
MODEL: dict[str, Any] = {
    "name": "high", "signal": "readings", "registered_model": "high", "alias": "champion", "wait": "0 seconds",
    "inputs": {
        "signal": ["value"],
        "features": [{"set": "by_sensor", "by": {"sensor": "sensor"}, "take": ["mean", "n"]}],
    },
    "output": {"name": "probability_high", "column": 1, "kind": "probability"},
}  # fmt: skip
_TICK = os.sysconf("SC_CLK_TCK")


class Meter:
    """Measures batch functions, one at a time: seconds, processor seconds, jobs, commits, compiled classes."""

    def __init__(self, spark: Any, tables: Path) -> None:
        self._spark, self._tables, self._turn = spark, tables, Lock()
        self._processes = (os.getpid(), spark.sparkContext._gateway.proc.pid)
        self.done = Condition()
        self.batches = defaultdict[str, list[dict[str, float]]](list)

    def metered(self, query: Any) -> Any:
        """The same query, its batches measured."""
        flow, open_ = query.flow, query.open

        def opened(spark: Any) -> Any:
            frame, take = open_(spark)

            def measured(batch: Any, batch_id: int) -> None:
                with self._turn, self._measure(flow):
                    take(batch, batch_id)

            return frame, measured

        return replace(query, open=opened)

    @contextmanager
    def _measure(self, flow: str) -> Iterator[None]:
        group = self._spark.sparkContext.getLocalProperty("spark.jobGroup.id")
        jobs, commits, compiled = self._jobs(group), self._commits(), self._compiled()
        cpu, began = self._cpu(), time.perf_counter()
        yield
        found = {
            "wall": time.perf_counter() - began,
            "cpu": self._cpu() - cpu,
            "jobs": self._jobs(group) - jobs,
            "commits": self._commits() - commits,
            "compiled": self._compiled() - compiled,
        }
        with self.done:
            self.batches[flow].append(found)
            self.done.notify_all()

    def _jobs(self, group: str) -> int:
        return len(self._spark.sparkContext.statusTracker().getJobIdsForGroup(group))

    def _compiled(self) -> int:
        metrics = self._spark.sparkContext._jvm.org.apache.spark.metrics.source.CodegenMetrics
        return int(metrics.METRIC_COMPILATION_TIME().getCount())

    def _cpu(self) -> float:
        ticks = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self._processes)
        return sum(int(fields[11]) + int(fields[12]) for fields in ticks) / _TICK

    def _commits(self) -> int:
        return sum(1 for _ in self._tables.glob("*/_delta_log/*.json"))


class Steps(logging.Handler):
    """The steps of each batch in milliseconds, as the ledger has them."""

    def __init__(self) -> None:
        super().__init__()
        self.laps: dict[str, dict[str, int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        summary = record.__dict__["summary"]
        self.laps[summary.query.partition(".")[0]] = dict(getattr(summary, "durations", {}))


def register(uri: str) -> None:
    """A logistic model that answers with probabilities."""
    import mlflow
    import numpy as np
    import pandas as pd
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    mlflow.set_experiment("high")
    rows = pd.DataFrame({"value": np.arange(200) % 17 / 4, "by_sensor_mean": 2.0, "by_sensor_n": 10.0})
    fitted = make_pipeline(SimpleImputer(), LogisticRegression()).fit(rows, rows["value"] > 2)
    with mlflow.start_run():
        mlflow.sklearn.log_model(
            fitted,
            name="model",
            registered_model_name="high",
            pyfunc_predict_fn="predict_proba",
            skops_trusted_types=["numpy.dtype"],
            input_example=rows[:1],
        )
    mlflow.MlflowClient().set_registered_model_alias("high", "champion", "1")


def measure(rounds: int) -> dict[str, Any]:
    """By flow and size: the medians after the first third of the rounds."""
    from readings import SET, SETTINGS, land, project

    from headrace.flows.queries import create_tables, queries
    from headrace.io.jars import cache_folder, for_spark
    from headrace.io.session import build

    found = defaultdict[tuple[str, int], list[dict[str, float]]](list)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        registry = {"tracking_uri": f"sqlite:///{home}/mlflow.db"}
        settings = {**SETTINGS, "registry": registry, "trigger": "1 second"}
        (home / "landing").mkdir()
        described = project(home, settings=settings, feature_set={**SET, **SLIDING}, model=MODEL)
        register(registry["tracking_uri"])
        jars = for_spark(conf_dir=None, cache=cache_folder(os.environ), say=lambda _: None)
        spark = build("batch", master="local[2]", shuffle_partitions=2, conf={}, jars=jars, log=home / "spark.log")
        create_tables(spark, described)
        meter, steps = Meter(spark, home / "tables"), Steps()
        logging.getLogger("headrace.batch").addHandler(steps)
        logging.getLogger("headrace.batch").setLevel(logging.INFO)
        chosen = [meter.metered(query) for query in queries(described)]
        running = [query.start(spark, described, once=False, told=lambda: False) for query in chosen]
        for number in range(rounds * len(SIZES)):
            size = SIZES[number % len(SIZES)]
            land(home, number, size, sensors=500)
            flows = ("ingest", "features", "score") if size else ("ingest",)
            expected = {flow: len(meter.batches[flow]) + 1 for flow in flows}
            _wait(meter, running, expected)
            for flow in flows:
                laps = {f"step {name}": taken / 1_000 for name, taken in steps.laps.get(flow, {}).items()}
                found[flow, size].append({**meter.batches[flow][-1], **(laps if size else {})})
        for query in running:
            query.stop()
        spark.stop()
    return {
        f"{flow} {size}": {name: median(one.get(name, 0.0) for one in all_[len(all_) // 3 :]) for name in all_[-1]}
        for (flow, size), all_ in found.items()
    }


def _wait(meter: Meter, running: list[Any], expected: dict[str, int]) -> None:
    with meter.done:
        while any(len(meter.batches[flow]) < count for flow, count in expected.items()):
            failed = next((query.exception() for query in running if not query.isActive), None)
            if failed is not None:
                raise failed
            meter.done.wait(0.5)


def show(here: dict[str, Any], there: dict[str, Any] | None) -> None:
    """A line a flow and size, with its steps below."""
    columns = ("jobs", "commits", "compiled")
    beside = f"{'wall x':>9}{'cpu x':>8}" if there else ""
    print(f"{'batch':<18}{'wall s':>8}{'cpu s':>8}" + "".join(f"{name:>10}" for name in columns) + beside)
    for name, values in sorted(here.items(), key=lambda item: (int(item[0].split()[1]), item[0])):
        line = f"{name:<18}{values['wall']:>8.2f}{values['cpu']:>8.2f}"
        line += "".join(f"{values[column]:>10.0f}" for column in columns)
        if there and name in there:
            line += f"{values['wall'] / there[name]['wall']:>9.2f}{values['cpu'] / there[name]['cpu']:>8.2f}"
        print(line)
        told = "  ".join(f"{step[5:]} {taken:.2f}" for step, taken in values.items() if step.startswith("step "))
        if told:
            print(f"    {told}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", type=int, nargs="?", default=12)
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--json", action="store_true", help="only this checkout's medians")
    given = parser.parse_args()
    if given.json:
        print(json.dumps(measure(given.rounds)))
        return
    found = defaultdict[str, list[dict[str, Any]]](list)
    places = [None, given.beside, given.beside, None] if given.beside else [None]
    for place in places:
        env = {**os.environ, "PYTHONPATH": str(place / "pipelines")} if place else dict(os.environ)
        done = subprocess.run(
            [sys.executable, __file__, str(given.rounds), "--json"], env=env, check=True, stdout=subprocess.PIPE
        )
        found["there" if place else "here"].append(json.loads(done.stdout.splitlines()[-1]))
    show(_middle(found["here"]), _middle(found["there"]) if given.beside else None)


def _middle(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        name: {each: sum(run[name][each] for run in runs) / len(runs) for each in runs[0][name]} for name in runs[0]
    }


if __name__ == "__main__":
    main()
