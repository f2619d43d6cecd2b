"""The online view in one SQLite file: no server, readers beside one writer at a time, on one machine."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from headrace.errors import InfrastructureError
from headrace.io.online.store import Held, Row, Stored

__all__ = ["SqliteStore"]

_PATIENCE = 10.0
_AT_ONCE = 10_000

_TABLES = """
CREATE TABLE IF NOT EXISTS held (feature_set TEXT PRIMARY KEY, held TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS windows (
    feature_set TEXT NOT NULL, space TEXT NOT NULL, entity TEXT NOT NULL, window_end INTEGER NOT NULL,
    backfilled INTEGER NOT NULL, batch_id INTEGER NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (feature_set, space, entity, window_end)
) WITHOUT ROWID;
"""
_PUT = """
INSERT INTO windows VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET backfilled = excluded.backfilled, batch_id = excluded.batch_id, value = excluded.value
WHERE (excluded.backfilled, excluded.batch_id) > (windows.backfilled, windows.batch_id)
"""
_FORGET = """
DELETE FROM windows WHERE (feature_set, space, entity) = (?1, ?2, ?3) AND window_end < (
    SELECT window_end FROM windows WHERE (feature_set, space, entity) = (?1, ?2, ?3)
    ORDER BY window_end DESC LIMIT 1 OFFSET ?4
)
"""
_HELD = "SELECT held FROM held WHERE feature_set = ?"
_HOLD = "INSERT INTO held VALUES (?, ?) ON CONFLICT DO UPDATE SET held = excluded.held"
_OTHERS = "DELETE FROM windows WHERE feature_set = ? AND space <> ?"
# Beside max() SQLite gives the other columns of the row that has it.
_GET = """
SELECT entity, max(window_end), value FROM windows
WHERE feature_set = ? AND space = ? AND entity IN (SELECT value FROM json_each(?)) AND window_end <= ? GROUP BY entity
"""


class SqliteStore:
    """An ``OnlineStore`` in the file at ``path``. Not for a network's file system: readers and writers share memory."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._connection: sqlite3.Connection | None = None

    def held(self, feature_set: str) -> Held | None:
        with self._told():
            if self._is_new():
                return None
            with self._transaction("DEFERRED") as connection:
                text = _held(connection, feature_set)
        return None if text is None else Held.from_text(text)

    def put(self, feature_set: str, space: str, rows: Iterable[Row], keep: int) -> None:
        left = iter(rows)
        with self._told(), self._transaction("IMMEDIATE") as connection:
            while some := list(islice(left, _AT_ONCE)):
                connection.executemany(_PUT, ((feature_set, space, *row) for row in some))
                entities = {row.entity for row in some}
                connection.executemany(_FORGET, ((feature_set, space, entity, keep - 1) for entity in entities))

    def swap(self, feature_set: str, old: Held | None, new: Held) -> bool:
        with self._told(), self._transaction("IMMEDIATE") as connection:
            if _held(connection, feature_set) != (None if old is None else old.to_text()):
                return False
            connection.execute(_HOLD, (feature_set, new.to_text()))
            if old is None or old.space != new.space:
                connection.execute(_OTHERS, (feature_set, new.space))
        return True

    def get(self, feature_set: str, entities: Sequence[str], at: int) -> tuple[Held | None, list[Stored | None]]:
        found: dict[str, Stored | None] = dict.fromkeys(entities)
        with self._told():
            if self._is_new():
                return None, [None for _ in entities]
            with self._transaction("DEFERRED") as connection:
                text = _held(connection, feature_set)
                held = None if text is None else Held.from_text(text)
                asked = (feature_set, "" if held is None else held.space, json.dumps([*found]), at)
                for entity, *window in connection.execute(_GET, asked):
                    found[entity] = Stored(*window)
        return held, [found[entity] for entity in entities]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _is_new(self) -> bool:
        """Nothing was written yet; who only asks makes no file."""
        try:
            self._path.stat()
        except FileNotFoundError:
            return True
        return False

    @contextmanager
    def _transaction(self, kind: str) -> Iterator[sqlite3.Connection]:
        connection = self._connected()
        connection.execute(f"BEGIN {kind}")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)
            # Readers go on while a batch is written. What the machine's end costs is caught up with.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_TABLES)
            self._connection = connection
        return self._connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise InfrastructureError(f"the online view in {self._path} cannot be used: {error}") from error


def _held(connection: sqlite3.Connection, feature_set: str) -> str | None:
    row = connection.execute(_HELD, (feature_set,)).fetchone()
    return None if row is None else str(row[0])
