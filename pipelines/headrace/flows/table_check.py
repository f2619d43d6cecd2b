"""What was read of a table that is a source, compared with what the table holds of it now.

A data file that is no longer part of the table is followed through the table's history: where OPTIMIZE wrote its rows
anew, it is counted again in the version before that, and so is what became of it; where another operation took it out,
rows that were read have been changed or deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from headrace.io import ledger
from headrace.io.delta_source import SourceTable, arrivals, file_name, payloads, row_envelopes

__all__ = ["Compared", "compared"]

# Operations that write the same rows into other files.
_SAME_ROWS = ("OPTIMIZE", "REORG")


@dataclass(frozen=True, slots=True)
class Compared:
    """What differs from what was read, and what can no longer be told."""

    wrong: tuple[str, ...]
    unread: tuple[str, ...]


def compared(spark: SparkSession, table: SourceTable, booked: Mapping[str, tuple[int, str]]) -> Compared:
    """Compare files, each with the rows and the digest the ledger has of it."""
    there = _recounted(spark, table, None)
    gone = {name for name in booked if name not in there}
    wrong = list(_changed(spark, table, booked, there, gone)) if booked else []
    unread = [f"{name}: {booked[name][0]} rows were read, its file is gone (VACUUM)" for name in sorted(gone)]
    for name, found in there.items():
        if name in booked:
            rows, digest = booked[name]
            if found.rows != rows:
                wrong.append(f"{name}: {rows} rows were read, the file has {found.rows}")
            elif found.digest != digest:
                wrong.append(f"{name}: {rows} rows as read, but a value in them changed")
    return Compared(tuple(wrong), tuple(unread))


def _changed(
    spark: SparkSession,
    table: SourceTable,
    booked: Mapping[str, tuple[int, str]],
    there: dict[str, ledger.Slice],
    gone: set[str],
) -> Iterator[str]:
    """Say which versions took out rows that were read. Files found on the way go from ``gone`` to ``there``."""
    followed = set(booked)
    history = (
        table.history(spark)
        .where("NOT coalesce(isBlindAppend, false)")
        .orderBy("version")
        .select("version", "operation")
    )
    for version, operation in history.collect():
        before, after = _files(spark, table, version - 1), _files(spark, table, version)
        out = followed & (before - after)
        if not out:
            continue
        if operation not in _SAME_ROWS:
            yield f"version {version} of the table ({operation}) changed or deleted rows of {', '.join(sorted(out))}"
        followed |= after - before
        found = _recounted(spark, table, version - 1, only=out & gone)
        there.update(found)
        gone.difference_update(found)


def _files(spark: SparkSession, table: SourceTable, version: int) -> set[str]:
    """The data files of a version; none where the table's log no longer tells."""
    try:
        return {file_name(path) for path in table.read(spark, version).inputFiles()}
    except PySparkException:
        return set()


def _recounted(
    spark: SparkSession, table: SourceTable, version: int | None, only: Collection[str] | None = None
) -> dict[str, ledger.Slice]:
    """The files of a version, counted as ingest counts them; none where VACUUM has removed one of them."""
    if only is not None and not only:
        return {}
    rows = payloads(table.read(spark, version), table.source.key)
    envelopes = row_envelopes(rows, "", arrivals(spark, table.location, []))
    if only is not None:
        envelopes = envelopes.where(F.col("source.name").isin(list(only)))
    try:
        return {part.name: part for part in ledger.slices(envelopes)}
    except Exception as error:
        if version is None or "FILE_NOT_EXIST" not in str(error):
            raise
        return {}
