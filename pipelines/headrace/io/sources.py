"""Sources as streams of envelopes: a record as it came, with its identity and position. Nothing is interpreted."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.config import FileSource, KafkaSource
from headrace.tables import HEADERS

__all__ = ["file_envelopes", "file_lines", "files_there", "kafka_envelopes"]

# Spark forgets files older than this, against the newest file, without a word.
_NEVER = "100000d"
# Else a sub-folder named as in name=value makes partitions of the folder, and Spark passes over what lies in it itself.
_NO_PARTITIONS = {"recursiveFileLookup": "true"}


def file_lines(files: DataFrame, signal: str) -> DataFrame:
    """Files of the ``binaryFile`` format, a row each, as envelopes: one a line, counted from 1.

    Lines end with a line feed; a carriage return before it is part of the line, an empty line is a record, and
    what follows the last line feed is a record if it is not empty. Read as ISO 8859-1, which keeps every byte.
    """
    text = F.decode("content", "ISO-8859-1")
    lines = F.split(F.regexp_replace(text, r"\n\z", ""), "\n", -1)
    name = F.regexp_extract("path", "[^/]+$", 0)
    numbered = files.where("length > 0").select(
        name.alias("_name"), "modificationTime", F.posexplode(lines).alias("_line", "_text")
    )
    position = F.col("_line").cast("bigint") + 1
    return numbered.select(
        F.concat(F.lit(f"{signal}/"), "_name", F.lit("#"), position.cast("string")).alias("record_id"),
        F.lit(None).cast("binary").alias("key"),
        F.encode("_text", "ISO-8859-1").alias("value"),
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
    """The stream of a folder's lines, oldest file first. A file is read whole, so ``max_file_bytes`` bounds memory."""
    spark.conf.set("spark.sql.sources.binaryFile.maxLength", source.max_file_bytes)
    files = (
        spark.readStream.format("binaryFile")
        .options(**_NO_PARTITIONS)
        .option("maxFilesPerTrigger", source.max_files)
        .option("maxFileAge", _NEVER)
        .schema("path STRING, modificationTime TIMESTAMP, length BIGINT, content BINARY")
        .load(source.path)
    )
    return file_lines(_own(files, source), signal)


def files_there(spark: SparkSession, source: FileSource) -> DataFrame:
    """The folder's files as they are now, in the ``binaryFile`` format."""
    return _own(spark.read.format("binaryFile").options(**_NO_PARTITIONS).load(source.path), source)


def _own(files: DataFrame, source: FileSource) -> DataFrame:
    """Without the files of sub-folders, whose names need not be apart from those of the folder's own."""
    folder = f"{source.path.rstrip('/')}/"
    place = F.locate(folder, F.col("path"))
    within = F.substring("path", place + F.lit(len(folder)), F.length("path"))
    return files.where((place == 0) | ~within.contains("/"))


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
