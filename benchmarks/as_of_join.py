"""What the as-of join costs, beside DuckDB's ASOF JOIN and polars' join_asof on the same files: ratios within one run.

    .venv/bin/python benchmarks/as_of_join.py [ROWS ...]

For each number of rows, ten times as many values: hourly windows of 10,000 entities, of which every twentieth was
given a second value, in no order. All three take the newest value of each window at a cut, join it to the rows with a
time to live of two hours, and write Parquet; the three results are compared row by row. They have two cores, the JVM a
heap of 3 GB, so that all of it is within 4 GB: the most it ever took of the machine's memory is told.

Then the last log as a Delta table of many files, and a micro-batch of 1,000 rows of one hour: with the range of its
event times, and without. Each time is the median of rounds taken in turn, of what takes long a single round.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

os.environ["POLARS_MAX_THREADS"] = "2"  # read when it is imported

import duckdb
import polars as pl
from deltalake import write_deltalake
from pyspark.sql import DataFrame, SparkSession

from headrace.features.as_of import Values, as_of
from headrace.features.feature import Feature, Op
from headrace.features.spec import FeatureSet
from headrace.features.window import Window
from headrace.io.jars import cache_folder, for_spark
from headrace.io.session import build

ROUNDS, WARM_UP, ONE_ROUND_FROM = 3, 1, 1_000_000
ENTITIES, BATCHES, KNOWN, FILES_A_DAY = 10_000, 1_000, 995, 10
START, LIVE = datetime(2013, 1, 1, tzinfo=UTC), timedelta(hours=2)
SET = FeatureSet(
    name="s",
    signal="x",
    entity=("airport",),
    window=Window(length=(timedelta(hours=1),)),
    delay=timedelta(0),
    time_to_live=LIVE,
    features={name: Feature(op=Op.COUNT) for name in ("n", "mean")},
)


def database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 2})


def hours(rows: int) -> int:
    """How many the log is long: after three windows come three hours without."""
    return max(rows * 10 * 20 // 21 // ENTITIES, 1) * 2


def make(folder: Path, rows: int) -> None:
    """Rows and the log, without an order that would help anyone."""
    windows, length, since = rows * 10 * 20 // 21, hours(rows) * 3_600_000_000, f"TIMESTAMP '{START:%Y-%m-%d}'"
    with database() as db:
        db.execute(f"""
            COPY (
              SELECT 'entity_' || (i % {ENTITIES}) AS airport,
                     {since} + to_hours(CAST(hour + hour // 3 * 3 AS INTEGER)) AS window_end,
                     CAST(hash(i, second) % 1000 AS BIGINT) AS n, hash(i, second) / 1e19 AS mean, 'q' AS query_id,
                     CAST(hash(i) % {BATCHES // 2} + second * {BATCHES // 2} AS BIGINT) AS batch_id
              FROM (SELECT i, i // {ENTITIES} AS hour FROM range({windows}) AS windows(i)), range(2) AS values(second)
              WHERE second = 0 OR i % 20 = 0 ORDER BY hash(i, 7)
            ) TO '{folder}/log.parquet'""")
        db.execute(f"""
            COPY (
              SELECT i AS record_id, 'entity_' || (hash(i) % {ENTITIES * 21 // 20}) AS origin,
                     {since} + to_microseconds(CAST(hash(i, 1) % {length} AS BIGINT)) AS event_time,
                     hash(i, 2) / 1e19 AS a, hash(i, 3) / 1e19 AS b, 'AA' AS carrier
              FROM range({rows}) AS rows(i)
            ) TO '{folder}/rows.parquet'""")


def values(log: DataFrame) -> Values:
    return Values(feature_set=SET, prefix="s", log=log, cut={"q": KNOWN}, by={"airport": "origin"}, take=SET.columns)


def by_headrace(spark: SparkSession, folder: Path) -> None:
    rows, log = (spark.read.parquet(f"{folder}/{name}.parquet") for name in ("rows", "log"))
    as_of(rows, [values(log)]).write.mode("overwrite").parquet(f"{folder}/headrace.parquet")


def by_duckdb(folder: Path) -> None:
    with database() as db:
        db.execute(f"""
            COPY (
              WITH known AS (
                SELECT airport, window_end, arg_max(n, batch_id) AS n, arg_max(mean, batch_id) AS mean
                FROM '{folder}/log.parquet' WHERE query_id = 'q' AND batch_id <= {KNOWN} GROUP BY ALL
              ), joined AS (
                SELECT rows.*, known.*, known.window_end >= event_time - INTERVAL 2 HOUR AS living
                FROM '{folder}/rows.parquet' AS rows
                ASOF LEFT JOIN known ON origin = airport AND event_time >= window_end
              )
              SELECT record_id, origin, event_time, a, b, carrier, CASE WHEN living THEN n END AS s_n,
                     CASE WHEN living THEN mean END AS s_mean, CASE WHEN living THEN window_end END AS s_end
              FROM joined
            ) TO '{folder}/duckdb.parquet'""")


def by_polars(folder: Path) -> None:
    log = pl.read_parquet(f"{folder}/log.parquet").filter((pl.col("query_id") == "q") & (pl.col("batch_id") <= KNOWN))
    known = log.sort("batch_id").unique(["airport", "window_end"], keep="last").sort("window_end")
    renamed = known.select("airport", pl.col("n").alias("s_n"), pl.col("mean").alias("s_mean"), s_end="window_end")
    rows = pl.read_parquet(f"{folder}/rows.parquet").sort("event_time")
    joined = rows.join_asof(
        renamed,
        left_on="event_time",
        right_on="s_end",
        by_left="origin",
        by_right="airport",
        tolerance=LIVE,
        coalesce=False,
        check_sortedness=False,
    )
    joined.write_parquet(f"{folder}/polars.parquet")


def assert_equal(folder: Path, names: Sequence[str]) -> None:
    """Every row has the same values, or none, in each of the results."""
    with database() as db:
        for name in names:
            files = f"{folder}/{name}.parquet{'/*.parquet' if name == 'headrace' else ''}"
            # Whether a file says that its times are UTC is left to its writer.
            db.execute(f"""
                CREATE VIEW {name} AS SELECT record_id, s_n, s_mean, epoch_us(s_end) AS s_end FROM '{files}'""")
        first, *others = names
        for one in others:
            for these, those in ((first, one), (one, first)):
                differing = db.execute(f"SELECT * FROM {these} EXCEPT ALL SELECT * FROM {those}").fetchall()
                assert differing == [], f"{these} has {len(differing):,} rows that {those} has not"


def medians(works: Mapping[str, Callable[[], object]], *, rounds: int, warm_up: int = WARM_UP) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(warm_up + rounds):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            if turn >= warm_up:
                taken[name].append(time.perf_counter() - began)
    return {name: median(times) for name, times in taken.items()}


def compare(spark: SparkSession, folder: Path, rows: int) -> None:
    make(folder, rows)
    works = {
        "headrace": lambda: by_headrace(spark, folder),
        "duckdb": lambda: by_duckdb(folder),
        "polars": lambda: by_polars(folder),
    }
    large = rows >= ONE_ROUND_FROM
    took = medians(works, rounds=1 if large else ROUNDS, warm_up=0 if large else WARM_UP)
    assert_equal(folder, list(works))
    for name, each in took.items():
        print(
            f"{rows:>9,} x {rows * 10:>10,} {name:10} {each:>6.1f} s {each / took['duckdb']:>6.1f} times duckdb",
            flush=True,
        )


def micro_batch(spark: SparkSession, folder: Path, first: int) -> None:
    """1,000 rows of one hour, in the middle of the log."""
    place = f"{folder}/log"
    time_of = pl.col("window_end").dt.replace_time_zone("UTC")
    whole = pl.read_parquet(f"{folder}/log.parquet").with_columns(time_of, window_date=time_of.dt.date())
    for part in range(FILES_A_DAY):
        piece = whole.filter(pl.col("batch_id") % FILES_A_DAY == part)
        write_deltalake(place, piece, mode="append", partition_by=["window_date"])
    log = spark.read.format("delta").load(place)
    origin, late = f"concat('entity_', id % {ENTITIES}) AS origin", f"timestamp_millis({first}000 + id * 3600)"
    rows = spark.range(0, 1_000, 1, 1).selectExpr("id AS record_id", origin, f"{late} AS event_time").persist()
    for name, between in {"its hours": (first, first + 3_600), "whole log": None}.items():
        joined = as_of(rows, [values(log)], between=between)
        work = {name: joined.write.format("noop").mode("overwrite").save}
        took = medians(work, rounds=ROUNDS if between else 1, warm_up=WARM_UP if between else 0)[name]
        print(f"{1_000:>9,} x {name:>10} {'headrace':10} {took:>6.2f} s, {len(joined.inputFiles())} files", flush=True)


def peak(spark: SparkSession) -> int:
    """The most memory the JVM has had of the machine, heap and all else, in bytes. Linux tells it."""
    assert spark._jvm is not None
    status = Path(f"/proc/{spark._jvm.ProcessHandle.current().pid()}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def main(sizes: Sequence[int]) -> None:
    jars = for_spark(conf_dir=None, cache=cache_folder(os.environ), say=print)
    log = Path("var/benchmark.log")
    conf = {"spark.driver.memory": "3g", "spark.sql.parquet.inferTimestampNTZ.enabled": "false"}
    spark = build("as_of_join", master="local[2]", shuffle_partitions=2, conf=conf, jars=jars, log=log)
    with TemporaryDirectory() as folder:
        for rows in sizes:
            compare(spark, Path(folder), rows)
        print(f"the JVM took {peak(spark) / 2**30:.1f} GiB at most", flush=True)
        micro_batch(spark, Path(folder), int(START.timestamp()) + hours(sizes[-1]) // 2 * 3_600)


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]] or [100_000, 200_000, 1_000_000])
