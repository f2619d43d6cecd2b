"""Of how many files a table consists, by Spark."""

from __future__ import annotations

from pyspark.sql import SparkSession

from headrace.io.lake import Lake
from headrace.io.table_files import Files, count_files

__all__ = ["files"]


def files(spark: SparkSession, lake: Lake, table: str, *, small: int, more_than: int) -> Files:
    """The files of a table. small: bytes below which a file is. Of up to ``more_than`` files no size is looked at."""
    row = spark.sql(f"DESCRIBE DETAIL {lake.sql_name(table)}").select("numFiles", "sizeInBytes").first()
    assert row is not None, "every table has a detail"
    if row["numFiles"] <= more_than:
        return Files(row["numFiles"], row["sizeInBytes"], 0)
    found = lake.read(spark, table).select("_metadata.file_path", "_metadata.file_size").distinct().collect()
    return count_files(((path, size) for path, size in found), small)
