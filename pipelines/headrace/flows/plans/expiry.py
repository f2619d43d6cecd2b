"""The plan of a batch of an expiry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

__all__ = ["ExpiryBounds", "ExpiryPlan", "Part"]


class Part(NamedTuple):
    """What goes of one slice of one batch."""

    query: str
    batch: int
    slice: str
    digest: str

    @property
    def rows(self) -> int:
        return int(self.digest.partition(":")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryBounds:
    """What the rows that expire are a function of.

    last: by query, the last batch that is old enough. cuts: by query of a log, after which batches its values still
    count. acted: by query, the last batch of actions on dead letters that is known. A rule asks for no more of these
    than it needs.
    """

    last: Mapping[str, int]
    cuts: Mapping[str, Sequence[int]] = field(default_factory=dict)
    acted: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryPlan:
    """What an expiry batch is fixed by. What has a default may be missing in a plan of format 1.

    at: when it was begun. before: batches from before then are old enough.
    removed: what goes, in order. upto: by query, the last batch it takes rows of. more: whether a next batch is due.
    newest_event: the newest event time, in seconds, of a signal's records that go; None of other tables.
    """

    flow: ClassVar[str] = "maintain"

    at: datetime
    bounds: ExpiryBounds
    removed: tuple[Part, ...]
    upto: Mapping[str, int]
    more: bool
    before: datetime | None = None
    newest_event: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            **asdict(self.bounds),
            "at": self.at.isoformat(),
            "before": self.before.isoformat() if self.before is not None else None,
            "removed": [list(part) for part in self.removed],
            "upto": dict(self.upto),
            "more": self.more,
            "newest_event": self.newest_event,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ExpiryPlan:
        bounds = {name: stored[name] for name in ("last", "cuts", "acted") if name in stored}
        values = {name: value for name, value in stored.items() if name not in bounds}
        times = {name: datetime.fromisoformat(stored[name]) for name in ("at", "before") if stored.get(name)}
        removed = tuple(Part(*part) for part in stored["removed"])
        return cls(**{**values, **times, "bounds": ExpiryBounds(**bounds), "removed": removed})
