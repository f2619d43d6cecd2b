"""What a test does around each write of a flow: most of all, cut it off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest.mock import patch

from pyspark.sql import DataFrame, SparkSession

from headrace.io.lake import Lake, Writer
from headrace.tables import Table

__all__ = ["Write", "around_writes"]


@dataclass(frozen=True)
class Write:
    """One write of one batch to one table.

    output: the table's name, unless the batch writes to the table at several times. make: does it.
    """

    lake: Lake
    table: Table
    writer: Writer
    output: str
    make: Callable[[], None]


@contextmanager
def around_writes(hook: Callable[[Write], None]) -> Iterator[None]:
    """Every write to a table of a lake, of rows in Spark or of plain values, is left to the hook."""
    append, append_rows = Lake.append, Lake.append_rows

    def in_spark(lake: Lake, rows: DataFrame, table: Table, writer: Writer, **options: Any) -> None:
        hook(Write(lake, table, writer, table.name, partial(append, lake, rows, table, writer, **options)))

    def plain(lake: Lake, spark: SparkSession, rows: Any, table: Table, writer: Writer, **options: Any) -> None:
        make = partial(append_rows, lake, spark, rows, table, writer, **options)
        hook(Write(lake, table, writer, options.get("output") or table.name, make))

    with patch.object(Lake, "append", in_spark), patch.object(Lake, "append_rows", plain):
        yield
