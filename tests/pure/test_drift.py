"""A drift is told once, in the batch it first occurs in, whatever the batches are."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from headrace.contracts.drift import MISSED, MOST_A_BATCH, MOST_KNOWN, Drift, Known, learned


def drift(name: str, detail: str = "string", records: int = 1) -> Drift:
    return Drift(kind="unknown_field", field=name, detail=detail, records=records, record_id=f"{name}#1")


def names(found: list[Drift]) -> list[tuple[str, str]]:
    return [(one.kind, one.field) for one in found]


def test_what_was_told_is_not_told_again_but_another_type_of_it_is() -> None:
    known, new = learned(Known(), [drift("a")], {}, 10)
    assert names(new) == [("unknown_field", "a")]
    known, new = learned(known, [drift("a"), drift("a", "number")], {}, 10)
    assert [(one.field, one.detail) for one in new] == [("a", "number")]


def test_a_field_is_missed_once_and_again_after_it_was_there() -> None:
    known, new = learned(Known(), [], {"gust": 50, "rare": 1}, 100)
    assert new == []
    known, new = learned(known, [], {"gust": 0, "rare": 0}, 2 * MISSED - 1)
    assert new == [], "by chance so few records may be without it"
    known, new = learned(known, [], {"gust": 0, "rare": 0}, 100)
    assert names(new) == [("vanished_field", "gust")]
    known, new = learned(known, [], {"gust": 0, "rare": 0}, 100)
    assert new == []
    known, new = learned(known, [], {"gust": 90, "rare": 0}, 100)
    assert new == []
    known, new = learned(known, [], {"gust": 0, "rare": 0}, 200)
    assert names(new) == [("vanished_field", "gust")]


def test_a_source_that_makes_up_names_fills_no_memory() -> None:
    known = Known()
    told = 0
    for batch in range(30):
        known, new = learned(known, [drift(f"n{batch}_{place}") for place in range(500)], {}, 500)
        told += sum(1 for one in new if one.kind == "unknown_field")
        assert len(new) <= MOST_A_BATCH + 1
        assert [one.kind for one in new].count("too_many") == (1 if batch == 0 else 0)
    assert told <= MOST_KNOWN
    assert len(known.told) <= MOST_KNOWN + 1


@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=4, unique=True), max_size=8))
def test_each_is_told_in_the_first_batch_that_has_it_whatever_is_stored_between(batches: list[list[str]]) -> None:
    known, seen = Known(), set[str]()
    for batch in batches:
        known, new = learned(known, [drift(name) for name in batch], {}, 10)
        assert {one.field for one in new} == set(batch) - seen
        seen |= set(batch)
        known = Known.from_json(json.loads(json.dumps(known.to_json())))
