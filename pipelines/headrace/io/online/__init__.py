"""Where the online view is kept: one interface, and a store of each kind behind it."""

from __future__ import annotations

from headrace.config import Online, SqliteOnline
from headrace.io.online.store import Held, OnlineStore, Row, Stored

__all__ = ["Held", "OnlineStore", "Row", "Stored", "open_store"]


def open_store(place: Online) -> OnlineStore:
    """The store that the settings name. Nothing is read, written or connected to before it is used.

    Raises InfrastructureError where the client of its kind is not installed.
    """
    if isinstance(place, SqliteOnline):
        from headrace.io.online.in_sqlite import SqliteStore

        return SqliteStore(place.path)
    from headrace.io.online.in_redis import RedisStore

    return RedisStore(place)
