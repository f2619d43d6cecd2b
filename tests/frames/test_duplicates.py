"""Which records repeat a key, in the order they came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from headrace.contracts.duplicates import duplicates

HORIZON = timedelta(hours=24)


def keyed(key: str | None) -> str:
    return "CAST(NULL AS STRING)" if key is None else f"'{key}'"


@pytest.mark.parametrize(
    ("before", "came", "expected"),
    [
        ([], [("a", 0), ("b", 0)], []),
        ([], [("a", 0), ("a", 0)], [1]),
        ([], [("a", 0), ("a", 24), ("a", 25)], [1]),
        # 30 is within the horizon of 20, but that is a duplicate itself; 20 is one of 0.
        ([], [("a", 0), ("a", 20), ("a", 30), ("a", 40)], [1, 3]),
        ([], [("a", 10), ("a", 0)], [1]),
        ([("a", 0)], [("a", 1), ("b", 1)], [0]),
        ([("a", 0)], [("a", 25), ("a", 26)], [1]),
        ([("a", 30)], [("a", 5)], []),
        ([], [(None, 0), (None, 0)], []),
        ([("a", -20), ("a", 60)], [("a", 20), ("a", 40), ("a", 61)], [1, 2]),
    ],
)
def test_duplicates(
    spark: SparkSession,
    before: Sequence[tuple[str, int]],
    came: Sequence[tuple[str | None, int]],
    expected: Sequence[int],
) -> None:
    noon = "TIMESTAMP'2013-01-01T12:00:00Z'"
    row = "SELECT {} AS k, 1 AS n, {} AS event_time"
    times = [f"{noon} + INTERVAL '{hour}' HOUR" for _, hour in (*before, *came)]
    earlier = [
        f"SELECT {keyed(key)} AS k, 1 AS n, {at} AS event_time" for (key, _), at in zip(before, times, strict=False)
    ]
    there = spark.sql(" UNION ALL ".join(earlier or [f"{row.format(keyed(None), noon)} WHERE false"]))
    rows = [
        f"{row.format(keyed(key), at)}, named_struct('record_id', '{place}', 'source', "
        f"named_struct('name', 'f', 'partition', CAST(NULL AS INT), 'position', {place}, "
        f"'arrived_at', {noon})) AS envelope"
        for place, ((key, _), at) in enumerate(zip(came, times[len(before) :], strict=True))
    ]
    batch = spark.sql(" UNION ALL ".join(reversed(rows)))
    found = duplicates(batch, there, ["k", "n"], HORIZON)
    assert sorted(int(row["record_id"]) for row in found.collect()) == list(expected)
    assert found.count() == found.select(F.countDistinct("record_id")).collect()[0][0]
