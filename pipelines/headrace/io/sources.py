"""Sources as streams of envelopes: a record as it came, with its identity and position. Nothing is interpreted."""

from __future__ import annotations

from typing import Final

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.config import FileSource, KafkaSource
from headrace.errors import InfrastructureError
from headrace.io.paths import literal
from headrace.tables import HEADERS

__all__ = ["file_envelopes", "file_lines", "files_there", "kafka_envelopes"]

# Spark forgets files older than this, against the newest file, without a word.
_NEVER: Final = "100000d"
_LINES: Final = "headrace_file_lines"


def file_lines(files: DataFrame, source: FileSource, signal: str) -> DataFrame:
    """Files of the ``binaryFile`` format, a row each, as envelopes: one for each record, counted from 1.

    What the records of a file are is said in ``jvm/FileLines.java``. In: as ``files_there`` gives them.
    """
    lines = F.call_function(_LINES, F.col("content"), F.lit(source.max_file_bytes))
    name = F.regexp_extract("path", "[^/]+$", 0)
    numbered = files.where("length > 0").select(
        name.alias("_name"), "modificationTime", F.posexplode(lines).alias("_line", "_value")
    )
    position = F.col("_line").cast("bigint") + 1
    return numbered.select(
        F.concat(F.lit(f"{signal}/"), "_name", F.lit("#"), position.cast("string")).alias("record_id"),
        F.lit(None).cast("binary").alias("key"),
        F.col("_value").alias("value"),
        F.lit(None).cast(HEADERS).alias("headers"),
        F.struct(
            F.lit("files").alias("kind"),
            F.col("_name").alias("name"),
            F.lit(None).cast("int").alias("partition"),
            position.alias("position"),
            F.col("modificationTime").alias("arrived_at"),
        ).alias("source"),
    )


def file_envelopes(spark: SparkSession, source: FileSource, signal: str) -> DataFrame:
    """The stream of a folder's lines, oldest file first. A file is read whole, so ``max_file_bytes`` bounds memory.

    Raises InfrastructureError where headrace's own jar is not among the session's.
    """
    _prepare(spark, source)
    files = (
        spark.readStream.format("binaryFile")
        .options(**_file_options(source))
        .option("maxFilesPerTrigger", source.max_files)
        .option("maxFileAge", _NEVER)
        .schema("path STRING, modificationTime TIMESTAMP, length BIGINT, content BINARY")
        .load(literal(source.path))
    )
    return file_lines(_own(files, source), source, signal)


def files_there(spark: SparkSession, source: FileSource) -> DataFrame:
    """The folder's files as they are now, in the ``binaryFile`` format. To be read before another source is opened."""
    _prepare(spark, source)
    return _own(spark.read.format("binaryFile").options(**_file_options(source)).load(literal(source.path)), source)


def _own(files: DataFrame, source: FileSource) -> DataFrame:
    """Without the files of sub-folders, should a platform's own listing not ask the filter."""
    folder = f"{source.path.rstrip('/')}/"
    place = F.locate(folder, F.col("path"))
    within = F.substring("path", place + F.lit(len(folder)), F.length("path"))
    return files.where((place == 0) | ~within.contains("/"))


def _file_options(source: FileSource) -> dict[str, str]:
    return {
        # Else a sub-folder named as in name=value makes partitions of the folder, and Spark passes over what lies in
        # it itself; what lies in sub-folders is left out by the filter.
        "recursiveFileLookup": "true",
        "headrace.source.folder": source.path,
        "headrace.source.max_file_bytes": str(source.max_file_bytes),
        # Hadoop's own for local files looks for a checksum beside each, and cannot name that of one with a colon.
        "fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
        "fs.file.impl.disable.cache": "true",
    }


def _prepare(spark: SparkSession, source: FileSource) -> None:
    """Make headrace's own classes known to the session, and how long a file of the source may be."""
    # A stream keeps the bound it was started with; whoever reads next in the session has the next one.
    spark.conf.set("spark.sql.sources.binaryFile.maxLength", source.max_file_bytes)
    # Not among the options of a stream, which Spark writes in small letters.
    spark.conf.set("mapreduce.input.pathFilter.class", "headrace.SourceFiles")
    try:
        spark.udf.registerJavaFunction(_LINES, "headrace.FileLines", "ARRAY<BINARY>")
    except AnalysisException as error:
        raise InfrastructureError(
            "Spark has no class headrace.FileLines: the jar of headrace is not among its jars. "
            "Give it all that 'headrace jars' prints, as in spark-submit --jars."
        ) from error


def kafka_envelopes(spark: SparkSession, source: KafkaSource, topic_id: str) -> DataFrame:
    """The stream of one topic. Lost offsets end the query, aborted transactions are not read."""
    stream = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", source.bootstrap)
        .option("subscribe", source.topic)
        .option("startingOffsets", source.starting)
        .option("maxOffsetsPerTrigger", source.max_offsets)
        .option("failOnDataLoss", "true")
        .option("includeHeaders", "true")
        .option("kafka.isolation.level", "read_committed")
        .options(**{f"kafka.{name}": value for name, value in source.opened.items()})
        .load()
    )
    identity = F.concat_ws("/", F.lit(topic_id), F.col("partition").cast("string"), F.col("offset").cast("string"))
    return stream.select(
        identity.alias("record_id"),
        "key",
        "value",
        F.col("headers").cast(HEADERS).alias("headers"),
        F.struct(
            F.lit("kafka").alias("kind"),
            F.col("topic").alias("name"),
            F.col("partition"),
            F.col("offset").alias("position"),
            F.col("timestamp").alias("arrived_at"),
        ).alias("source"),
    )
