"""The cuts of feature sets as the ledger has them."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from pyspark.sql import SparkSession

from headrace.io.cut import NOTHING, Cut, backfill_of, history_of
from headrace.io.lake import Lake
from headrace.io.table_commits import AddedFile, commits_after, latest_version
from headrace.io.table_query import query_table
from headrace.tables import LEDGER

__all__ = ["cuts", "wait_for"]

_LOOK_AGAIN = 0.5
_FLOWS = ("features", "backfill", "history")
_REACHED = f"""
    SELECT flow, subject, query_id, max(batch_id) AS batch_id, CAST(max(high_water) AS STRING) AS high_water,
      CAST(max(batch_time) AS STRING) AS at
    FROM {{table}} WHERE flow IN {_FLOWS} GROUP BY flow, subject, query_id
"""


class _Query(NamedTuple):
    flow: str
    subject: str
    query_id: str


@dataclass(frozen=True, slots=True)
class _Reached:
    """How far a query has come: its last batch, its signal's high-water mark in seconds, and when."""

    batch_id: int
    high_water: int | None
    at: datetime

    def with_(self, other: _Reached | None) -> _Reached:
        """The farther of both."""
        if other is None:
            return self
        marks = [mark for mark in (self.high_water, other.high_water) if mark is not None]
        return _Reached(max(self.batch_id, other.batch_id), max(marks, default=None), max(self.at, other.at))


@dataclass(slots=True)
class _Book:
    """What this process has read of a ledger in a folder, and up to which version of it.

    Only a saving: a batch adds a row or two to a ledger of all batches that ever were.
    """

    version: int
    reached: dict[_Query, _Reached]


_books: dict[Path, _Book] = {}
_turn = Lock()


def cuts(spark: SparkSession, lake: Lake, feature_sets: Collection[str]) -> dict[str, Cut]:
    """The newest cut of each set: of its newest generation, the last batch the ledger holds, so one that is whole."""
    found = [(query, reached) for query, reached in _reached(spark, lake).items() if query.subject in feature_sets]
    newest = {
        query.subject: (query.query_id, reached)
        for query, reached in sorted(found, key=lambda item: item[1].at)
        if query.flow == "features"
    }
    last = {query.query_id: reached.batch_id for query, reached in found if query.flow != "features"}
    return {name: _cut(*newest[name], last) if name in newest else NOTHING for name in feature_sets}


def _reached(spark: SparkSession, lake: Lake) -> dict[_Query, _Reached]:
    folder = lake.folder(LEDGER.name)
    if folder is None:
        return _whole_ledger(spark, lake)
    with _turn:
        book = _books.get(folder)
        news = list(commits_after(folder, book.version)) if book is not None else []
        if book is None or latest_version(folder) < book.version or any(commit.replaces for commit in news):
            # What is committed meanwhile is read again by the next look, which changes nothing.
            version = latest_version(folder)
            book = _books[folder] = _Book(version, _whole_ledger(spark, lake))
        for commit in news:
            _take_in(book.reached, _entries_of(commit.files))
            book.version = max(book.version, commit.version)
        return dict(book.reached)


def _take_in(known: dict[_Query, _Reached], entries: Iterable[tuple[_Query, _Reached]]) -> None:
    for query, reached in entries:
        known[query] = reached.with_(known.get(query))


def _entries_of(files: Iterable[AddedFile]) -> Iterable[tuple[_Query, _Reached]]:
    from pyarrow.parquet import ParquetFile

    for file in files:
        flow, subject = file.partition["flow"], file.partition["subject"]
        if flow not in _FLOWS or subject is None:
            continue
        for row in ParquetFile(file.path).read(["query_id", "batch_id", "high_water", "batch_time"]).to_pylist():
            mark = int(row["high_water"].timestamp()) if row["high_water"] is not None else None
            yield _Query(flow, subject, row["query_id"]), _Reached(row["batch_id"], mark, row["batch_time"])


def _whole_ledger(spark: SparkSession, lake: Lake) -> dict[_Query, _Reached]:
    return {
        _Query(row["flow"], row["subject"], row["query_id"]): _Reached(
            row["batch_id"],
            int(_instant(row["high_water"]).timestamp()) if row["high_water"] is not None else None,
            _instant(row["at"]),
        )
        for row in query_table(spark, lake, LEDGER, _REACHED)
    }


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _cut(query_id: str, stream: _Reached, last: Mapping[str, int]) -> Cut:
    """last: of the queries beside the stream's, the last batch."""
    backfill = backfill_of(query_id)
    return Cut(
        query_id,
        stream.batch_id,
        stream.high_water,
        backfill_id=backfill if backfill in last else None,
        backfilled=last.get(backfill, -1),
        history=last.get(history_of(query_id), -1),
    )


def wait_for(spark: SparkSession, lake: Lake, needed: Mapping[str, int], *, patience: float) -> dict[str, Cut]:
    """The cuts once every set's signal has reached the second it is needed at, or after ``patience`` seconds."""
    deadline = time.monotonic() + patience
    while True:
        found = cuts(spark, lake, needed)
        reached = all((cut.high_water or 0) >= needed[name] for name, cut in found.items())
        if reached or not needed or time.monotonic() >= deadline:
            return found
        time.sleep(_LOOK_AGAIN)
