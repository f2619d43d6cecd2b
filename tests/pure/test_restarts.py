"""Backoff: doubling up to a longest wait, with jitter, given up after too many failures in a while."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from headrace.config import Restarts
from headrace.flows.restarts import History

POLICY = Restarts(
    first_wait=timedelta(seconds=1), longest_wait=timedelta(seconds=60), limit=3, within=timedelta(seconds=100)
)


def failing(*at: float) -> History:
    history = History()
    for moment in at:
        history = history.failed(POLICY, moment)
    return history


def test_the_wait_doubles_up_to_the_longest() -> None:
    waits = [failing(*range(count)).wait(POLICY, chance=1.0) for count in range(1, 9)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_old_failures_are_forgotten() -> None:
    assert not failing(0, 1, 2).given_up(POLICY)
    assert failing(0, 1, 2, 3).given_up(POLICY)
    assert not failing(0, 1, 2, 103).given_up(POLICY)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40), st.floats(0, 1, exclude_max=True))
def test_the_wait_is_between_half_a_step_and_the_longest(moments: list[float], chance: float) -> None:
    wait = failing(*sorted(moments)).wait(POLICY, chance)
    assert 0.5 <= wait <= 60
