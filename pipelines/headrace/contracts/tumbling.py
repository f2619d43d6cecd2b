"""Tumbling windows of event time: when each is final, and which are told of together."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from headrace.config import duration_text
from headrace.contracts.field import EARLIEST

__all__ = ["DELAY", "Tumbling", "told"]

# How far records come out of order is a matter of the source, not of the length of a window: so one default for all,
# longer than what a queue or a retry holds up, and short enough for an alarm.
DELAY: Final = timedelta(minutes=10)
# Windows without a record that are told of one by one; what a jump of the clock leaves beyond them is told together.
EMPTY: Final = 100
_FIRST: Final = int(EARLIEST.timestamp())


@dataclass(frozen=True, slots=True)
class Tumbling:
    """Windows that follow one another, aligned to 1970 in UTC; a record is in exactly one.

    length: of each, in whole seconds. delay: a window is final once its signal's high-water mark has reached its end
    and so much more.
    """

    length: timedelta
    delay: timedelta = DELAY

    @property
    def step(self) -> int:
        """The length in seconds."""
        return int(self.length.total_seconds())

    def start(self, second: int) -> int:
        """The start of the window that a second is in."""
        return second // self.step * self.step

    def final(self, before: int | None, after: int | None, first: int | None) -> range:
        """The starts of the windows that become final while the mark goes from ``before`` to ``after``.

        first: the first second any record was seen at; no window before its own is judged, nor one before 1900. Marks
        that follow one another give each window from that one on exactly once.
        """
        if after is None or first is None:
            return range(0, 0, self.step)
        begin = self.start(max(first, _FIRST))
        return range(max(begin, self._end(before)) if before is not None else begin, self._end(after), self.step)

    def _end(self, mark: int) -> int:
        """The end of the last window that is final at a mark."""
        return self.start(mark - int(self.delay.total_seconds()))

    def closing(self, newest: int) -> int:
        """A mark at which the window of the newest record is final, and none after it."""
        return newest + int((self.length + self.delay).total_seconds())

    def __str__(self) -> str:
        return f"{duration_text(self.length)}, delay {duration_text(self.delay)}"


def told(windows: range, filled: Collection[int]) -> Iterator[range]:
    """The windows by their starts, in order and each once, as they are told of: one by one, as a range of one.

    filled: those that hold a record, by their starts. Of the others the first ``EMPTY`` stand by themselves; beyond
    them, those that follow one another stand together. So there are at most twice as many as are filled, and a few.
    """
    at, alone, step = windows.start, EMPTY, windows.step
    for start in (*sorted(filled), windows.stop):
        empty = range(at, start, step)
        yield from (empty[place : place + 1] for place in range(len(empty[:alone])))
        if empty[alone:]:
            yield empty[alone:]
        alone = max(0, alone - len(empty))
        if start in windows:
            yield range(start, start + step, step)
        at = start + step
