"""What is usual is learned from batches, and moved by no outlier of its own."""

from __future__ import annotations

import json

from headrace.contracts.model import Contract, Field, Kind
from headrace.contracts.outliers import BATCHES, Quartiles, UsualValues, bounds, trailing

CONTRACT = Contract(
    id="c",
    version="1",
    event_time="t",
    fields=(
        Field(name="t", kind=Kind.TIMESTAMP, required=True),
        Field(name="a", kind=Kind.NUMBER, outlier=2.0),
        Field(name="b", kind=Kind.NUMBER),
    ),
)


def batch(records: int, low: float, median: float, high: float) -> dict[str, Quartiles]:
    return {"a": Quartiles(records=records, low=low, median=median, high=high)}


def test_bounds_are_so_many_robust_sigmas_around_the_median() -> None:
    known = trailing({}, batch(100, 10 - 1.349 / 2, 10, 10 + 1.349 / 2))
    (low, high) = bounds(CONTRACT, known)["a"]
    assert (round(low, 9), round(high, 9)) == (8, 12)


def test_too_little_says_nothing_and_nor_does_a_constant() -> None:
    assert bounds(CONTRACT, {}) == {}
    assert bounds(CONTRACT, trailing({}, batch(99, 1, 2, 3))) == {}
    assert bounds(CONTRACT, trailing({}, batch(1_000, 2, 2, 2))) == {}


def test_one_odd_batch_moves_nothing_and_old_ones_are_forgotten() -> None:
    known: dict[str, tuple[Quartiles, ...]] = {}
    for _ in range(10):
        known = trailing(known, batch(100, 9, 10, 11))
    usual = bounds(CONTRACT, known)
    assert bounds(CONTRACT, trailing(known, batch(100, 9_000, 10_000, 11_000))) == usual
    for _ in range(2 * BATCHES):
        known = trailing(known, batch(100, 90, 100, 110))
    assert len(known["a"]) == BATCHES
    stored = UsualValues.from_json(json.loads(json.dumps(UsualValues(trailing=known).to_json())))
    low, high = bounds(CONTRACT, stored.trailing)["a"]
    assert 60 < low < high < 140
