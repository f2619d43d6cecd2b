"""A Delta table as a source: each appended row is one record, its JSON the payload.

A row is known by the data file it lies in and its place there. A data file never changes once it is committed, Delta's
stream takes it whole or not at all, and whoever has the file can count its rows again; so a slice is a data file.
Delta names the file of a row but not its place: that is the row's number in the order of reading.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from headrace.config import DeltaSource
from headrace.errors import ConfigError, InfrastructureError, SourceMissing, UsageError
from headrace.io.paths import literal, sql_path
from headrace.tables import HEADERS

__all__ = ["SourceTable", "arrivals", "file_name", "payloads", "row_envelopes", "row_stream", "source_table"]

_JSON = {
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
    "timeZone": "UTC",
    # A column that is added later leaves the payload of older rows as it was.
    "ignoreNullFields": "true",
}
_NAME = "([^/]+=[^/]*/)*[^/]+$"
_ADDED = "add STRUCT<path: STRING, modificationTime: BIGINT>"


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A table that is read as a source, as it is now: its identity, its folder, its newest version."""

    source: DeltaSource
    id: str
    location: str
    version: int

    def read(self, spark: SparkSession, version: int | None = None) -> DataFrame:
        """The rows of one version; of the newest if none is given."""
        reader = spark.read if version is None else spark.read.option("versionAsOf", version)
        if self.source.path is None:
            return reader.table(_sql_name(self.source))
        return reader.format("delta").load(self.source.path)

    def history(self, spark: SparkSession) -> DataFrame:
        """A row a version: ``version``, ``operation`` and more, as far back as the table's log reaches."""
        return spark.sql(f"DESCRIBE HISTORY {_sql_name(self.source)}")


def source_table(spark: SparkSession, source: DeltaSource) -> SourceTable:
    """The table a source names. Raises SourceMissing where there is none, InfrastructureError if it has no commit."""
    name = _sql_name(source)
    try:
        detail = spark.sql(f"DESCRIBE DETAIL {name}").first()
        newest = spark.sql(f"DESCRIBE HISTORY {name} LIMIT 1").first()
    except AnalysisException as error:
        raise SourceMissing(f"{source.place} is no Delta table: make it, or correct the source") from error
    if detail is None or newest is None:
        raise InfrastructureError(f"{source.place} has no commit yet")
    return SourceTable(source, detail["id"], detail["location"], newest["version"])


def row_stream(spark: SparkSession, table: SourceTable, version: int) -> DataFrame:
    """The payloads of the rows appended from a version on, commit after commit; never a snapshot.

    A commit that changes or deletes rows ends the query. One that only writes them anew, as OPTIMIZE, brings none.
    Raises UsageError for a version that is farther off than the next.
    """
    if version > table.version + 1:
        raise UsageError(f"{table.source.place} has no version {version} to start from: its newest is {table.version}")
    # Delta refuses the number of a version that is not there yet.
    begin = "latest" if version > table.version else str(version)
    reader = (
        spark.readStream.format("delta")
        .option("startingVersion", begin)
        .option("maxFilesPerTrigger", table.source.max_files)
    )
    path = table.source.path
    return payloads(reader.table(_sql_name(table.source)) if path is None else reader.load(path), table.source.key)


def payloads(rows: DataFrame, key: Sequence[str]) -> DataFrame:
    """Rows as they are read → ``key`` and ``value`` as JSON in bytes, and the file and block each was read from.

    Times are ISO 8601, instants with Z; decimals are exact, bytes are base64, and what is null is left out. The key of
    a row with a null in it is null.
    """
    columns = {name.lower() for name in rows.columns}
    for name in key:
        if name.lower() not in columns:
            raise ConfigError([f"source.key: the table has no column {name}; there are: {', '.join(rows.columns)}"])
    named = F.struct(*[F.col(f"`{name}`") for name in key])
    whole = F.when(~F.exists(F.array(*[F.col(f"`{name}`").isNull() for name in key]), lambda null: null), _json(named))
    return rows.select(
        _file_name(F.input_file_name()).alias("_file"),
        F.input_file_block_start().alias("_block"),
        whole.alias("key"),
        _json(F.struct("*")).alias("value"),
    )


def row_envelopes(payloads: DataFrame, signal: str, arrived: DataFrame) -> DataFrame:
    """What ``payloads`` gives as envelopes; rows are counted from 1 in their file, however it was split for reading.

    In: ``arrived`` as ``arrivals`` gives it. All rows of a file have to be there, in the order they were read.
    """
    order = Window.partitionBy("_file").orderBy("_block", "_read")
    read = payloads.withColumn("_read", F.monotonically_increasing_id())
    numbered = read.withColumn("_row", F.row_number().over(order).cast("bigint"))
    return numbered.join(F.broadcast(arrived), "_file", "left").select(
        F.concat(F.lit(f"{signal}/"), "_file", F.lit("#"), F.col("_row").cast("string")).alias("record_id"),
        "key",
        "value",
        F.lit(None).cast(HEADERS).alias("headers"),
        F.struct(
            F.lit("delta").alias("kind"),
            F.col("_file").alias("name"),
            F.lit(None).cast("int").alias("partition"),
            F.col("_row").alias("position"),
            "arrived_at",
        ).alias("source"),
    )


def arrivals(spark: SparkSession, location: str, versions: Sequence[int]) -> DataFrame:
    """When the table got its files: one row for each that the versions added, by their entries in its log."""
    entries = [literal(f"{location}/_delta_log/{version:020}.json") for version in versions]
    if not entries:
        return spark.range(0).selectExpr("'' AS _file", "CAST(NULL AS TIMESTAMP) AS arrived_at")
    added = spark.read.schema(_ADDED).json(entries)
    at = F.timestamp_millis("add.modificationTime").alias("arrived_at")
    return added.where("add IS NOT NULL").select(_file_name(F.col("add.path")).alias("_file"), at)


def file_name(path: str) -> str:
    """The name of a data file, behind the folders of its partition: the same wherever the table lies."""
    found = re.search(_NAME, path)
    return found[0] if found else path


def _file_name(uri: Column) -> Column:
    """The same of a URI, in which some characters are written as their codes."""
    path = F.try_url_decode(F.replace(uri, F.lit("+"), F.lit("%2B")))
    return F.regexp_extract(F.coalesce(path, uri), _NAME, 0)


def _json(struct: Column) -> Column:
    return F.to_json(struct, _JSON).cast("binary")


def _sql_name(source: DeltaSource) -> str:
    if source.path is not None:
        return sql_path(source.path)
    return ".".join(f"`{part}`" for part in str(source.table).split("."))
