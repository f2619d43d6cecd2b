"""The Spark session: the only place that builds one, and the only one that touches its context."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pyspark.sql import SparkSession

__all__ = ["build", "create_file", "use_pool"]

# Without these a result could differ from host to host, or a secret could show in a plan.
FIXED: Final[Mapping[str, str]] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "false",
    # Spark's default counts nanoseconds, which for other readers end in 1677 and 2262.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.scheduler.mode": "FAIR",
    "spark.redaction.regex": "(?i)secret|password|passwd|token|access[.]?key|credential|jaas|sasl|api[.]?key",
    "spark.sql.redaction.options.regex": "(?i)url|secret|password|passwd|token|credential|jaas|sasl|key",
}

# Defaults that cost more than they give to small batches, on a cluster too; ``spark.conf`` in conf/ overrides them.
TUNED: Final[Mapping[str, str]] = {
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.streaming.noDataMicroBatches.enabled": "false",
    "spark.sql.streaming.stopTimeout": "60s",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # The JVM does not compile a method of more bytecode than this, so a long one is slower than none.
    "spark.sql.codegen.hugeMethodLimit": "8000",
    # A flow's batch is some hundred pieces of generated code: where the default's hundred are kept, every batch has all
    # of them compiled anew, and none is ever run often enough to be fast.
    "spark.sql.codegen.cache.maxEntries": "1000",
    # Each batch of a stream asks what is known of its columns. Of a judged record that is one fact for every choice
    # among the names its values have: with twenty fields they fill the driver's memory.
    "spark.sql.constraintPropagation.enabled": "false",
}

# A session of our own on one machine: nothing listens beyond loopback.
LOCAL: Final[Mapping[str, str]] = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "2g",
    # The default collector works beside the program, on the cores the batch needs; no one waits for milliseconds here.
    # With the default of 21 MB for classes the whole heap is collected five times while a start reads them.
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC -XX:MetaspaceSize=256m",
    # Its partitions are as many as the cores, so there is nothing to adapt; looking for it costs each batch a tenth.
    "spark.sql.adaptive.enabled": "false",
    # A folder of this machine is listed sooner than a job is begun that lists it.
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "1000",
    # Without Hadoop's native library the defaults start dozens of processes a batch, to ask for links there are not;
    # these rename as well, which on a file system of one machine is atomic.
    "spark.delta.logStore.file.impl": "io.delta.storage.AzureLogStore",
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
    ),
    "spark.sql.warehouse.dir": f"{tempfile.gettempdir()}/headrace-warehouse",
}


def build(
    name: str,
    *,
    master: str | None,
    shuffle_partitions: int,
    conf: Mapping[str, str],
    jars: Sequence[Path] = (),
    log: Path | None = None,
) -> SparkSession:
    """The active session if there is one (a platform's, never changed but for its time zone), else a new one.

    A new one runs Python workers with this interpreter: with another they fail to import, and a query yields
    no rows without an error at first. What its JVM and workers print goes to ``log``.
    """
    active = SparkSession.getActiveSession()
    if active is not None:
        active.conf.set("spark.sql.session.timeZone", "UTC")
        return active
    if not os.environ.get("LC_ALL", "utf-8").lower().replace("-", "").endswith("utf8"):
        # The JVM would not see a file whose name has other letters than English ones.
        os.environ["LC_ALL"] = "C.UTF-8"
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(name)
    if master is not None:
        builder = builder.master(master)
    settings = {
        **TUNED,
        **(LOCAL if master else {}),
        "spark.sql.shuffle.partitions": str(shuffle_partitions),
        **conf,
        **FIXED,
    }
    if jars:
        settings["spark.jars"] = ",".join(str(jar) for jar in jars)
    for key, value in settings.items():
        builder = builder.config(key, value)
    with _stderr_to(log):
        spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    # It prints the whole of an error that is raised all the same.
    warnings.filterwarnings("ignore", message="toPandas attempted Arrow optimization")
    # It prints every traceback that Spark logs too.
    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    return spark


@contextmanager
def _stderr_to(log: Path | None) -> Iterator[None]:
    """A process started meanwhile inherits ``log`` as its standard error, and keeps it."""
    if log is None:
        yield
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stderr.flush()
    mine = os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(mine, 2)
        os.close(mine)


def use_pool(spark: SparkSession, pool: str) -> None:
    """Jobs this thread starts from now on share the cores fairly with those of other pools."""
    spark.sparkContext.setLocalProperty("spark.scheduler.pool", pool)


def create_file(spark: SparkSession, place: str, text: str) -> None:
    """Write a small file anywhere Spark can write, with one name and no folder of parts around it."""
    context = spark.sparkContext
    jvm = context._jvm
    assert jvm is not None, "a session that runs has a JVM"
    path = jvm.org.apache.hadoop.fs.Path(place)
    output = path.getFileSystem(context._jsc.hadoopConfiguration()).create(path, False)
    try:
        output.write(bytearray(text, "utf-8"))
    finally:
        output.close()
