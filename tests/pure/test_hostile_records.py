"""The stream of hostile records itself: seeded, bounded, and in the shares it promises."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from itertools import islice

from tests.hostile.contract import CONTRACT, LARGEST
from tests.hostile.records import KINDS, records

from headrace.contracts.reasons import Reason

START = datetime(2026, 1, 1, tzinfo=UTC)
MANY = 10_000


def test_the_same_seed_gives_the_same_records() -> None:
    assert list(islice(records(1, START), 300)) == list(islice(records(1, START), 300))
    assert list(islice(records(1, START), 300)) != list(islice(records(2, START), 300))


def test_shares_and_kinds() -> None:
    found = Counter(record.kind for record in islice(records(1, START), MANY))
    assert 0.79 < found[""] / MANY < 0.81
    assert 0.008 < found["ahead of its time"] / MANY < 0.012
    assert found.keys() - {""} == KINDS


def test_a_record_is_a_line_and_a_planted_reason_one_there_is() -> None:
    for record in islice(records(2, START), MANY):
        assert record.payload is not None
        assert b"\n" not in record.payload
        assert record.reason is None or (Reason(record.reason) and record.kind)


def test_good_records_are_json_objects_of_the_contract_by_another_parser_too() -> None:
    required = {field.name for field in CONTRACT.fields if field.required}
    for record in islice(records(3, START, lines=False), MANY):
        if record.reason is None:
            assert record.payload is not None
            assert len(record.payload) <= LARGEST
            assert required <= json.loads(record.payload).keys()


def test_what_no_line_can_hold_comes_elsewhere() -> None:
    kinds = Counter(record.kind for record in islice(records(4, START, lines=False), MANY))
    assert {"tombstone", "two lines", "blank lines", "raw line break in a text"} <= kinds.keys()
    assert any(record.payload is None for record in islice(records(4, START, lines=False), MANY))
