"""Tumbling windows: each is final once, however the records were cut into batches, and what is told stays bounded."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.config import Clock
from headrace.contracts.clock import Mark, advance
from headrace.contracts.tumbling import Tumbling, told

HOUR, MINUTE = 3_600, 60
HOURS = Tumbling(timedelta(hours=1), timedelta(minutes=10))
CLOCK = Clock(kind="replay", max_jump=timedelta(days=10_000), support=1)


def at(text: str) -> int:
    return int(datetime.fromisoformat(f"2026-03-01T{text}:00+00:00").timestamp())


@pytest.mark.parametrize(
    ("before", "after", "first", "starts"),
    [
        ("10:30", "11:09", "10:00", []),
        ("10:30", "11:10", "10:00", ["10:00"]),
        ("11:10", "12:09", "10:00", []),
        ("11:09", "14:10", "10:59", ["10:00", "11:00", "12:00", "13:00"]),
        ("11:09", "14:10", "12:30", ["12:00", "13:00"]),
        (None, "13:30", "11:59", ["11:00", "12:00"]),
        (None, None, None, []),
        ("11:10", "11:10", "10:00", []),
    ],
)
def test_a_window_is_final_once_the_mark_is_its_delay_past_its_end(
    before: str | None, after: str | None, first: str | None, starts: list[str]
) -> None:
    marks = (None if text is None else at(text) for text in (before, after, first))
    assert list(HOURS.final(*marks)) == [at(text) for text in starts]


def test_the_end_of_input_closes_the_newest_window_and_none_after_it() -> None:
    assert list(HOURS.final(at("12:05"), HOURS.closing(at("12:20")), at("10:00"))) == [at("11:00"), at("12:00")]
    assert list(HOURS.final(at("12:00"), HOURS.closing(at("12:00")), at("12:00"))) == [at("12:00")]


def test_records_after_the_end_go_on_where_it_left_off() -> None:
    ended = HOURS.closing(at("12:20"))
    assert list(HOURS.final(ended, at("15:10"), at("10:00"))) == [at("13:00"), at("14:00")]


def test_windows_before_1970_start_on_the_hour_and_none_is_before_1900() -> None:
    assert HOURS.start(-1) == -HOUR
    early = int(datetime(1, 1, 1, tzinfo=UTC).timestamp())
    assert HOURS.final(None, at("10:30"), early).start == int(datetime(1900, 1, 1, tzinfo=UTC).timestamp())


@st.composite
def arrivals(draw: st.DrawFn, delay: int) -> list[int]:
    """Event times as they come in, in seconds: late by less than the delay."""
    steps = draw(st.lists(st.integers(0, 900) | st.integers(0, 4 * HOUR), min_size=1, max_size=40))
    ordered = np.cumsum([1_000_000, *steps]).tolist()
    return [second - draw(st.integers(0, max(0, delay - 1))) for second in ordered]


@st.composite
def streams(draw: st.DrawFn) -> tuple[Tumbling, list[int], list[list[int]]]:
    """Windows, a stream, and the same stream cut into batches."""
    length, delay = draw(st.integers(1, 2 * HOUR)), draw(st.integers(0, 2 * HOUR))
    stream = draw(arrivals(delay))
    cuts = [0, *sorted(draw(st.sets(st.integers(1, len(stream))))), len(stream)]
    batches = [stream[begin:end] for begin, end in pairwise(cuts) if begin < end]
    return Tumbling(timedelta(seconds=length), timedelta(seconds=delay)), stream, batches


def judged(windows: Tumbling, batches: list[list[int]]) -> Counter[tuple[int, int]]:
    """How often each window was judged, with how many records it had been found to hold."""
    mark, committed, found = Mark(), list[int](), Counter[tuple[int, int]]()

    def judge(after: int | None) -> None:
        for start in windows.final(mark.high_water, after, min(committed)):
            held = sum(start <= second < start + windows.step for second in committed)
            found[start, held] += 1

    for batch in batches:
        unique, counts = np.unique(np.array(batch, dtype=np.int64), return_counts=True)
        moved = advance(CLOCK, mark, unique, counts.astype(np.int64), now=0).mark
        committed += batch
        judge(moved.high_water)
        mark = moved
    judge(windows.closing(max([mark.high_water or 0, *mark.ahead])))
    return found


@given(streams())
def test_however_a_stream_is_cut_each_window_is_judged_once_and_the_same(
    given_: tuple[Tumbling, list[int], list[list[int]]],
) -> None:
    windows, stream, batches = given_
    found = judged(windows, batches)
    first, last, step = windows.start(min(stream)), windows.start(max(stream)), windows.step
    held = Counter(windows.start(second) for second in stream)
    assert found == {(start, held[start]): 1 for start in range(first, last + step, step)}


def test_windows_are_told_one_by_one() -> None:
    assert list(told(range(0, 50, 10), [30, 10])) == [
        range(0, 10, 10), range(10, 20, 10), range(20, 30, 10), range(30, 40, 10), range(40, 50, 10),
    ]  # fmt: skip


def test_a_year_without_a_record_is_told_in_a_hundred_windows_and_one() -> None:
    year = range(0, 365 * 24 * HOUR, MINUTE)
    found = list(told(year, [0, 200 * MINUTE]))
    assert [len(each) for each in found] == [1] * 101 + [99, 1, 525_399]
    assert (found[-1][0], found[-1][-1] + MINUTE) == (201 * MINUTE, 365 * 24 * HOUR)


@given(st.integers(0, 400), st.data())
def test_every_window_is_told_once_and_in_order(windows: int, data: st.DataObject) -> None:
    filled = data.draw(st.sets(st.integers(0, windows - 1)) if windows else st.just(set()))
    found = list(told(range(windows), filled))
    assert [start for each in found for start in each] == list(range(windows))
    assert all(len(each) == 1 for each in found if each[0] in filled)
    assert len(found) <= 2 * len(filled) + 101
