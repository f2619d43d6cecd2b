"""When a failed query starts again. A small state machine: no clock, no chance of its own; both are arguments."""

from __future__ import annotations

from dataclasses import dataclass, replace

from headrace.config import Restarts

__all__ = ["History"]


@dataclass(frozen=True, slots=True)
class History:
    """The failures of one query that still count, as seconds on the caller's clock, oldest first."""

    failures: tuple[float, ...] = ()

    def failed(self, policy: Restarts, now: float) -> History:
        """One more failure; those longer ago than ``policy.within`` are forgotten."""
        since = now - policy.within.total_seconds()
        return replace(self, failures=(*(at for at in self.failures if at > since), now))

    def given_up(self, policy: Restarts) -> bool:
        """More failures than the policy forgives."""
        return len(self.failures) > policy.limit

    def wait(self, policy: Restarts, chance: float) -> float:
        """Seconds until the next start: doubling from ``first_wait`` to ``longest_wait``, then a share of that.

        chance: in [0, 1), different for each query, so that what failed together does not start together. The wait is
        between half and all of the step ("equal jitter", Brooker, Exponential Backoff And Jitter, 2015).
        """
        longest = policy.longest_wait.total_seconds()
        doublings = min(len(self.failures) - 1, 30)
        step = min(longest, policy.first_wait.total_seconds() * 2.0**doublings)
        return step / 2 + chance * step / 2
