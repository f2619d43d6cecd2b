"""A cut: what was known of a feature set. Its query, the last batch of it, and how far its signal had come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["NOTHING", "Cut", "backfill_of", "history_of"]


@dataclass(frozen=True, slots=True)
class Cut:
    """A feature set's generation as it stood: every value of ``query_id`` up to ``batch_id``, none later.

    high_water: seconds since 1970 that the set's signal had reached in those batches; None before the first.
    backfill_id, backfilled: the query of its backfills and its last batch; none and -1 before the first.
    history: the last batch of what it began with; -1 if it began with nothing.
    """

    query_id: str
    batch_id: int
    high_water: int | None
    backfill_id: str | None = None
    backfilled: int = -1
    history: int = -1

    @property
    def batches(self) -> dict[str, int]:
        """By query, the last batch that was known."""
        known = {self.query_id: self.batch_id}
        if self.history >= 0:
            known[history_of(self.query_id)] = self.history
        return known if self.backfill_id is None else {**known, self.backfill_id: self.backfilled}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Cut:
        return cls(**value)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


NOTHING = Cut("", -1, None)


def backfill_of(query_id: str) -> str:
    """The query of the backfills of a generation, given that of its stream."""
    return f"{query_id}.backfill"


def history_of(query_id: str) -> str:
    """The query of the history a generation began with, given that of its stream."""
    return f"{query_id}.history"
