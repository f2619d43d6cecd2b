"""How a signal's source can stand."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["SourceState"]


class SourceState(StrEnum):
    """Whether a source is read."""

    RUNNING = "running"
    PAUSED = "paused"
