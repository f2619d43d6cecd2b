"""The job a Spark user writes by hand for what ``freshness.py`` has headrace do: three queries with Delta in between.

    .venv/bin/python benchmarks/by_hand.py BOOTSTRAP TOPIC HOME REGISTRY

Kafka into ``signals`` and ``dead_letters``, windows of ``signals`` into ``features``, and a decision on every signal
with the features of its entity as of its time into ``predictions``. Each write carries a transaction id, so each table
holds each row once. The session is headrace's, with all its settings; there is no contract, plan, ledger or lineage.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc import PyFuncModel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.io.jars import cache_folder, for_spark
from headrace.io.session import build

RECORD = "sensor STRING, at TIMESTAMP, value DOUBLE"
VALID = "sensor IS NOT NULL AND event_time IS NOT NULL AND value IS NOT NULL"
SIGNAL = ("sensor", "event_time", "value", "partition", "offset")
TABLES = {
    "signals": "sensor STRING, event_time TIMESTAMP, value DOUBLE, partition INT, offset BIGINT",
    "dead_letters": "key BINARY, value BINARY, partition INT, offset BIGINT, rejected_at TIMESTAMP",
    "features": "sensor STRING, window_start TIMESTAMP, window_end TIMESTAMP, mean DOUBLE, n BIGINT, batch_id BIGINT",
    "predictions": (
        "sensor STRING, event_time TIMESTAMP, value DOUBLE, partition INT, offset BIGINT, mean DOUBLE, n DOUBLE, "
        "probability_high DOUBLE, model_version STRING, predicted_at TIMESTAMP"
    ),
}
LENGTH, SLIDE, DELAY, TIME_TO_LIVE = "60 seconds", "10 seconds", "1 minute", "10 minutes"


def append(rows: DataFrame, table: Path, query: str, batch_id: int) -> None:
    """Delta skips the write if the query's batch is in the table already."""
    writer = rows.write.format("delta").mode("append")
    writer.option("txnAppId", query).option("txnVersion", batch_id).save(str(table))


def ingest(home: Path, batch: DataFrame, batch_id: int) -> None:
    batch.persist()
    append(batch.where(VALID).select(*SIGNAL), home / "signals", "ingest", batch_id)
    bad = batch.where(f"NOT ({VALID})").select("key", F.col("raw").alias("value"), "partition", "offset")
    append(bad.withColumn("rejected_at", F.current_timestamp()), home / "dead_letters", "ingest", batch_id)
    batch.unpersist()


def compute(home: Path, batch: DataFrame, batch_id: int) -> None:
    append(batch.withColumn("batch_id", F.lit(batch_id).cast("bigint")), home / "features", "features", batch_id)


def score(home: Path, model: PyFuncModel, version: str, batch: DataFrame, batch_id: int) -> None:
    signals = batch.toPandas()
    if signals.empty:
        return
    live, ended = pd.Timedelta(TIME_TO_LIVE), F.col("window_end")
    between = ended.between(signals["event_time"].min() - live, signals["event_time"].max())
    known = batch.sparkSession.read.format("delta").load(str(home / "features")).where(between)
    features = known.select("sensor", "window_end", "mean", "n", "batch_id").toPandas().sort_values("batch_id")
    rows = pd.merge_asof(
        signals.sort_values("event_time"),
        features.drop_duplicates(["sensor", "window_end"], keep="last").sort_values("window_end"),
        left_on="event_time",
        right_on="window_end",
        by="sensor",
        tolerance=live,
    )
    inputs = rows[["value", "mean", "n"]].astype("float64")
    answers = np.asarray(model.predict(inputs.set_axis(["value", "by_sensor_mean", "by_sensor_n"], axis=1)))
    decided = rows[list(SIGNAL)].assign(
        mean=inputs["mean"], n=inputs["n"], probability_high=answers[:, 1], model_version=version,
        predicted_at=datetime.now(UTC).replace(tzinfo=None),
    )  # fmt: skip
    decisions = batch.sparkSession.createDataFrame(decided, TABLES["predictions"])
    append(decisions, home / "predictions", "score", batch_id)


def start(
    spark: SparkSession, name: str, stream: DataFrame, take: Callable[[DataFrame, int], None], home: Path
) -> None:
    spark.sparkContext.setLocalProperty("spark.scheduler.pool", name)
    writer = stream.writeStream.queryName(name).outputMode("update").trigger(processingTime="1 second")
    writer.foreachBatch(take).option("checkpointLocation", str(home / "checkpoints" / name)).start()


def main(bootstrap: str, topic: str, home: Path, registry: str) -> None:
    jars = for_spark(conf_dir=None, cache=cache_folder(os.environ), say=print)
    spark = build("by hand", master="local[2]", shuffle_partitions=2, conf={}, jars=jars, log=home / "spark.log")
    for table, columns in TABLES.items():
        spark.sql(f"CREATE TABLE IF NOT EXISTS delta.`{home / table}` ({columns}) USING DELTA")
    mlflow.set_tracking_uri(registry)
    version = str(mlflow.MlflowClient().get_model_version_by_alias("high", "champion").version)
    model = mlflow.pyfunc.load_model(f"models:/high/{version}")

    kafka = spark.readStream.format("kafka").option("kafka.bootstrap.servers", bootstrap).option("subscribe", topic)
    raw = kafka.option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", 20_000).load()
    record = F.from_json(F.col("value").cast("string"), RECORD)
    records = raw.select("key", F.col("value").alias("raw"), "partition", "offset", record.alias("record"))
    parsed = records.select("*", "record.sensor", F.col("record.at").alias("event_time"), "record.value")
    start(spark, "ingest", parsed.drop("record"), partial(ingest, home), home)

    signals = spark.readStream.format("delta").option("startingVersion", 0).load(str(home / "signals"))
    windows = signals.withWatermark("event_time", DELAY).groupBy("sensor", F.window("event_time", LENGTH, SLIDE))
    values = windows.agg(F.avg("value").alias("mean"), F.count("*").alias("n"))
    ends = F.col("window.start").alias("window_start"), F.col("window.end").alias("window_end")
    start(spark, "features", values.select("sensor", *ends, "mean", "n"), partial(compute, home), home)
    start(spark, "score", signals, partial(score, home, model, version), home)
    spark.streams.awaitAnyTermination()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4])
