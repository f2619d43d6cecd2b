"""What stretch of event time the records of a feature are taken from."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, model_validator

from headrace.config import Duration, Section

__all__ = ["Window"]

_LETTERS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}


def _listed(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


class Window(Section):
    """Windows in event time, of one length or several, aligned to the epoch; or sessions.

    length: ``1 hour``, or ``[1 hour, 1 day]``: every feature is then computed over each.
    slide: how far apart windows end, sliding if that is shorter than they are long; the shortest length if left out.
    gap: instead of a length: a session ends when an entity has been silent for so long.
    """

    length: Annotated[tuple[Duration, ...], BeforeValidator(_listed)] = ()
    slide: Duration | None = None
    gap: Duration | None = None

    @model_validator(mode="after")
    def _whole(self) -> Window:
        if bool(self.length) == bool(self.gap):
            raise ValueError("give either length, how long a window is, or gap, what silence ends a session")
        if self.gap and self.slide:
            raise ValueError("slide goes with length: a session begins with its first record")
        if len(set(self.length)) < len(self.length):
            raise ValueError("length names a window twice")
        if self.length and self.step <= timedelta(0):
            raise ValueError("slide and length must be longer than nothing")
        if any(length < self.step or length % self.step for length in self.length):
            what = "slide" if self.slide else "the shortest length"
            raise ValueError(f"{what} must be no longer than any length and divide it")
        return self

    @property
    def longest(self) -> timedelta:
        """The longest of its lengths; of sessions, which have none, the gap."""
        return self.gap or max(self.length)

    @property
    def step(self) -> timedelta:
        """What every end is a multiple of, since the epoch: a second for sessions, which may end at any."""
        return timedelta(seconds=1) if self.gap else self.slide or min(self.length)

    @property
    def overlap(self) -> int:
        """How many windows one record falls into."""
        return 1 if self.gap else self.longest // self.step

    def suffix(self, length: timedelta) -> str:
        """What tells a feature over one length from the same over another, as ``_3h``; empty where there is one."""
        if len(self.length) < 2:
            return ""
        seconds = int(length.total_seconds())
        letter, size = next((letter, size) for letter, size in _LETTERS.items() if seconds % size == 0)
        return f"_{seconds // size}{letter}"
