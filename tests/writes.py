"""What a test does around each write of a flow: most of all, cut it off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
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

    def in_spark(
        lake: Lake, rows: DataFrame, table: Table, writer: Writer, *, after: int | None = None, few: bool = False
    ) -> None:
        make = partial(append, lake, rows, table, writer, after=after, few=few)
        hook(Write(lake, table, writer, table.name, make))

    def plain(
        lake: Lake,
        spark: SparkSession,
        rows: Sequence[Mapping[str, object]],
        table: Table,
        writer: Writer,
        *,
        output: str | None = None,
    ) -> None:
        make = partial(append_rows, lake, spark, rows, table, writer, output=output)
        hook(Write(lake, table, writer, output or table.name, make))

    with patch.object(Lake, "append", in_spark), patch.object(Lake, "append_rows", plain):
        yield
