"""The wall clock: for what is done once, by somebody's wish. A batch of a stream has its time from Spark's log."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["now"]


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)
