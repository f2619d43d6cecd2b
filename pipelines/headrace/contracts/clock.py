"""A signal's clock: how far its events have come, and how far ahead the next may lie.

The high-water mark is the latest second that at least ``support`` plausible records have reached, so fewer wrong
clocks than that cannot move it. A record is plausible up to ``max_jump`` ahead: of the batch's own time on a wall
clock, of the high-water mark on a replay clock. On a wall clock any record up to the batch's time moves the mark: it
needs no other to vouch for it. On a replay clock the mark first walks through the batch, jump by jump, so that
a backlog of weeks in one batch is no more of a surprise than the same weeks in a thousand.

A signal may be silent for longer than the jump: an airport closes in a blizzard, a source is switched off for a month.
So many records that go on together after a silence are the signal, not wrong clocks, and the mark goes on with them.

Everything is in whole seconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from headrace.config import Clock

__all__ = ["Advance", "Mark", "advance"]

Seconds = npt.NDArray[np.int64]

# After a silence: how many times the support has to stand within one jump, and over how many jumps that is enough.
# Farther off it has to be most of the batch as well, for a wrong default, such as 2099, can be common too.
MANY, REACH = 10, 10


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a signal has come.

    high_water: the mark; None before the first record.
    ahead: plausible records beyond it, fewer than the support it would take to move it there.
    """

    high_water: int | None = None
    ahead: tuple[int, ...] = ()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Mark:
        return cls(value["high_water"], tuple(value["ahead"]))

    def to_json(self) -> dict[str, Any]:
        return {"high_water": self.high_water, "ahead": list(self.ahead)}


@dataclass(frozen=True, slots=True)
class Advance:
    """What one batch did to the clock: the mark after it, and the latest second a record of it may bear."""

    mark: Mark
    limit: int


def advance(clock: Clock, before: Mark, seconds: Seconds, counts: Seconds, *, now: int) -> Advance:
    """Move the mark by one batch.

    seconds, counts: the batch's event times, each second once, and how many records bear it; in any order.
    now: the batch's own time, for a wall clock.

    The mark never moves back. The same records in the same batch give the same answer on every attempt.
    """
    jump, support = int(clock.max_jump.total_seconds()), clock.support
    times, cumulative = _with_ahead(before, seconds, counts)
    if clock.kind == "wall":
        happened = _happened(before.high_water, times, now, jump)
        return _settle(happened, times, cumulative, limit=now + jump, support=support)
    start = before.high_water if before.high_water is not None else _median(times, cumulative)
    if start is None:
        return Advance(before, now + jump)
    mark = _walk(start, times, cumulative, jump=jump, support=support)
    return _settle(mark, times, cumulative, limit=mark + jump, support=support)


def _happened(mark: int | None, times: Seconds, now: int, jump: int) -> int | None:
    """What a wall clock knows without support: what lies in the past, and that nothing is accepted beyond the jump."""
    known = [int(part[-1]) for part in (times[times <= now], times[times <= now + jump] - jump) if len(part)]
    return max([*known, *([mark] if mark is not None else [])], default=None)


def _with_ahead(before: Mark, seconds: Seconds, counts: Seconds) -> tuple[Seconds, Seconds]:
    """All times in order, each once, with the number of records up to and including it."""
    times = np.concatenate([seconds.astype(np.int64), np.array(before.ahead, dtype=np.int64)])
    weights = np.concatenate([counts.astype(np.int64), np.ones(len(before.ahead), dtype=np.int64)])
    unique, place = np.unique(times, return_inverse=True)
    return unique, np.cumsum(np.bincount(place, weights=weights, minlength=len(unique)).astype(np.int64))


def _median(times: Seconds, cumulative: Seconds) -> int | None:
    """Where a first batch stands: no minority of wrong clocks moves the middle of it."""
    if not len(times):
        return None
    return int(times[np.searchsorted(cumulative, (cumulative[-1] + 1) // 2)])


def _walk(mark: int, times: Seconds, cumulative: Seconds, *, jump: int, support: int) -> int:
    further: int | None = mark
    while further is not None:
        mark = further
        next_ = _supported(mark, times, cumulative, limit=mark + jump, support=support)
        further = next_ if next_ > mark else _resumed(mark, times, cumulative, jump=jump, many=MANY * support)
    return mark


def _resumed(mark: int, times: Seconds, cumulative: Seconds, *, jump: int, many: int) -> int | None:
    """Where the signal goes on after a silence longer than the jump; None if it does not."""
    counts = np.diff(cumulative, prepend=0)
    beyond = times > mark + jump
    if not beyond.any():
        return None
    together = cumulative[np.searchsorted(times, times + jump, side="right") - 1] - cumulative + counts
    near = beyond & (times <= mark + REACH * jump) & (together >= many)
    if near.any():
        return int(times[near][0])
    after, later = times[beyond], counts[beyond]
    if 2 * later.sum() <= cumulative[-1]:
        return None
    middle = after[np.searchsorted(np.cumsum(later), (later.sum() + 1) // 2)]
    around = (after >= middle - jump) & (after <= middle + jump)
    return int(after[around][0]) if later[around].sum() >= many else None


def _supported(mark: int, times: Seconds, cumulative: Seconds, *, limit: int, support: int) -> int:
    """The latest time up to ``limit`` that ``support`` records have reached; ``mark`` if that is none beyond it."""
    end = int(np.searchsorted(times, limit, side="right"))
    total = int(cumulative[end - 1]) if end else 0
    if total < support:
        return mark
    return max(mark, int(times[np.searchsorted(cumulative, total - support + 1)]))


def _settle(mark: int | None, times: Seconds, cumulative: Seconds, *, limit: int, support: int) -> Advance:
    floor = mark if mark is not None else np.iinfo(np.int64).min
    high = _supported(floor, times, cumulative, limit=limit, support=support)
    after = None if high == np.iinfo(np.int64).min else high
    return Advance(Mark(after, _ahead(high, times, cumulative, limit)), limit)


def _ahead(mark: int, times: Seconds, cumulative: Seconds, limit: int) -> tuple[int, ...]:
    counts = np.diff(cumulative, prepend=0)
    beyond = (times > mark) & (times <= limit)
    return tuple(int(time) for time in np.repeat(times[beyond], counts[beyond]))
