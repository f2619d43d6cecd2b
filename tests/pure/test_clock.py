"""The clock: a minority of wrong clocks moves nothing, and how records are cut into batches changes nothing."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.config import Clock
from headrace.contracts.clock import Advance, Mark, advance
from headrace.demo.flights import read_flights

HOUR, YEAR = 3_600, 365 * 86_400
REPLAY = Clock(kind="replay", max_jump=timedelta(hours=12), support=3)
WALL = Clock(kind="wall", max_jump=timedelta(minutes=5), support=3)


def moved(clock: Clock, mark: Mark, times: list[int], now: int = 0) -> Advance:
    unique, counts = np.unique(np.array(times, dtype=np.int64), return_counts=True)
    return advance(clock, mark, unique, counts.astype(np.int64), now=now)


def test_the_mark_is_the_latest_time_that_support_records_have_reached() -> None:
    assert moved(REPLAY, Mark(0), [10, 20, 30, 40]) == Advance(Mark(20, (30, 40)), 20 + 12 * HOUR)


def test_fewer_records_than_support_wait_for_others() -> None:
    first = moved(REPLAY, Mark(0), [100])
    second = moved(REPLAY, first.mark, [200])
    third = moved(REPLAY, second.mark, [300])
    assert [one.mark for one in (first, second, third)] == [Mark(0, (100,)), Mark(0, (100, 200)), Mark(100, (200, 300))]


def test_a_backlog_of_weeks_in_one_batch_is_walked_through() -> None:
    times = list(range(0, 28 * 86_400, HOUR))
    assert moved(REPLAY, Mark(0), times).mark.high_water == times[-3]


def test_a_gap_longer_than_the_jump_is_not_crossed() -> None:
    found = moved(REPLAY, Mark(0), [60, 120, 180, 13 * HOUR, 13 * HOUR + 1, 13 * HOUR + 2])
    assert found.mark == Mark(60, (120, 180))
    assert found.limit == 60 + 12 * HOUR


def test_a_signal_that_goes_on_after_a_silence_takes_the_mark_along() -> None:
    before, silence = [60 * minute for minute in range(100)], 13 * HOUR
    after = [before[-1] + silence + 60 * minute for minute in range(100)]
    assert moved(REPLAY, Mark(0), [*before, *after]).mark.high_water == after[-3]
    assert moved(REPLAY, Mark(before[-1]), after).mark.high_water == after[-3]
    assert moved(REPLAY, Mark(before[-1]), after[:29]).mark.high_water == before[-1]


def test_a_silence_of_a_year_is_crossed_by_most_of_a_batch_and_by_nothing_less() -> None:
    good, later = list(range(1_000)), [YEAR + second for second in range(1_000)]
    assert moved(REPLAY, Mark(0), [*good, *later]).mark.high_water == good[-3]
    assert moved(REPLAY, Mark(good[-1]), [*good[:100], *later]).mark.high_water == later[-3]


def test_a_common_wrong_default_does_not_move_the_mark() -> None:
    good = [10 * second for second in range(10_000)]
    assert moved(REPLAY, Mark(0), [*good, *[86 * YEAR] * 4_000]).mark.high_water == good[-3]


@pytest.mark.parametrize("size", [40, 700, 20_000])
def test_a_year_of_flights_loses_no_good_record_to_the_clock(size: int) -> None:
    """Blizzards and quiet nights included; one in a hundred records is dated up to 100 years ahead."""
    flights = read_flights()
    chance = np.random.default_rng(3)
    for frame in (flights.departures, flights.weather, flights.arrivals):
        times = frame["occurred_at"].to_numpy("datetime64[s]").astype(np.int64)
        ahead = chance.random(len(times)) < 0.01
        sent = np.where(ahead, times + chance.integers(2 * 86_400, 100 * YEAR, len(times)), times)
        mark, refused = Mark(), 0
        for start in range(0, len(sent), size):
            part = sent[start : start + size]
            step = moved(REPLAY, mark, part.tolist())
            refused += int(((part > step.limit) & ~ahead[start : start + size]).sum())
            mark = step.mark
        assert refused == 0


def test_the_first_batch_starts_in_its_middle() -> None:
    good = [1_000 * HOUR + second for second in range(100)]
    poison = [1_000 * HOUR + 40 * YEAR, 1_000 * HOUR + 50 * YEAR, 0, 1]
    assert moved(REPLAY, Mark(), [*good, *poison]).mark.high_water == good[-3]


def test_no_record_leaves_the_mark_where_it_was() -> None:
    assert moved(REPLAY, Mark(50, (60,)), []).mark == Mark(50, (60,))
    assert moved(REPLAY, Mark(), []).mark == Mark()


def test_on_a_wall_clock_what_has_happened_moves_the_mark_and_what_has_not_needs_support() -> None:
    found = moved(WALL, Mark(0), [900, 910, 1_200, 1_250, 5_000], now=1_000)
    assert found == Advance(Mark(950, (1_200, 1_250)), 1_300), "950: nothing is accepted farther ahead than the jump"
    assert moved(WALL, Mark(0), [900, 1_200, 1_250, 1_290], now=1_000).mark == Mark(1_200, (1_250, 1_290))


@given(st.lists(st.integers(-YEAR, 400), max_size=50), st.integers(-YEAR, 0))
def test_no_accepted_record_is_farther_ahead_of_the_mark_than_the_jump(offsets: list[int], before: int) -> None:
    """What keeps Spark's own watermark behind ours."""
    found = moved(WALL, Mark(before), offsets, now=0)
    accepted = [offset for offset in offsets if offset <= found.limit]
    assert max(accepted, default=before) - (found.mark.high_water or 0) <= 300


times = st.lists(st.integers(0, 10 * 86_400), min_size=1, max_size=200)


@given(times, st.lists(st.integers(0, 200), max_size=5))
def test_batches_do_not_matter_while_no_gap_is_longer_than_the_jump(steps: list[int], cuts: list[int]) -> None:
    dense = sorted({*steps, *range(0, 10 * 86_400, 6 * HOUR)})
    whole = moved(REPLAY, Mark(0), dense).mark
    mark = Mark(0)
    edges = sorted({0, len(dense), *(min(cut, len(dense)) for cut in cuts)})
    for start, end in pairwise(edges):
        mark = moved(REPLAY, mark, dense[start:end]).mark
    assert mark == whole


@given(times, st.lists(st.integers(20 * 86_400, 100 * YEAR), max_size=2))
def test_fewer_wrong_clocks_than_support_never_move_the_mark(good: list[int], wrong: list[int]) -> None:
    assert moved(REPLAY, Mark(0), [*good, *wrong]).mark.high_water == moved(REPLAY, Mark(0), good).mark.high_water


@given(times, times)
def test_the_mark_never_moves_back(earlier: list[int], later: list[int]) -> None:
    before = moved(REPLAY, Mark(0), earlier).mark
    assert (moved(REPLAY, before, later).mark.high_water or 0) >= (before.high_water or 0)
