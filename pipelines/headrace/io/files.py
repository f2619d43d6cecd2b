"""Of how many files a table consists, by Spark where there is a session and by delta-rs where there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession

from headrace.io.lake import Lake
from headrace.io.table_log import open_log

__all__ = ["Files", "files", "files_of_log"]


@dataclass(frozen=True, slots=True)
class Files:
    """The data files of a table as it is now.

    small: how many are small and lie in one partition with another that is: those can be merged.
    """

    count: int
    bytes: int
    small: int


def files(spark: SparkSession, lake: Lake, table: str, *, small: int, more_than: int) -> Files:
    """The files of a table. small: bytes below which a file is. Of up to ``more_than`` files no size is looked at."""
    row = spark.sql(f"DESCRIBE DETAIL {lake.sql_name(table)}").select("numFiles", "sizeInBytes").first()
    assert row is not None, "every table has a detail"
    if row["numFiles"] <= more_than:
        return Files(row["numFiles"], row["sizeInBytes"], 0)
    found = lake.read(spark, table).select("_metadata.file_path", "_metadata.file_size").distinct().collect()
    return _counted(((path, size) for path, size in found), small)


def files_of_log(path: str, *, small: int) -> Files | None:
    """The same without a JVM, of a table in a folder; None where there is none."""
    log = open_log(path)
    if log is None:
        return None
    actions: Any = log.get_add_actions(flatten=True)
    paths, sizes = actions.column("path").to_pylist(), actions.column("size_bytes").to_pylist()
    return _counted(zip(paths, sizes, strict=True), small)


def _counted(found: Iterable[tuple[str, int]], small: int) -> Files:
    sizes = list(found)
    by_partition = Counter(path.rpartition("/")[0] for path, size in sizes if size < small)
    return Files(len(sizes), sum(size for _, size in sizes), sum(n for n in by_partition.values() if n > 1))
