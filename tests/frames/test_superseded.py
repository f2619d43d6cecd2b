"""A value that was replaced may go, unless a cut that counts was made while it was the newest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from pyspark.sql import SparkSession

from headrace.features.superseded import superseded

KEY = ("origin", "window_start", "query_id", "batch_id")
LOG = [
    ("EWR", 10, "q", 1, 0.1),
    ("EWR", 10, "q", 5, 0.5),
    ("EWR", 10, "q", 9, 0.9),
    ("EWR", 20, "q", 5, 0.5),
    ("JFK", 10, "q", 9, 0.9),
    (None, 10, "q", 1, 0.1),
    (None, 10, "q", 2, 0.2),
    ("EWR", 10, "other", 1, 0.1),
]


@pytest.mark.parametrize(
    ("cuts", "gone"),
    [
        ({}, {("EWR", 1), ("EWR", 5), (None, 1)}),
        ({"q": [0]}, {("EWR", 1), ("EWR", 5), (None, 1)}),
        ({"q": [1]}, {("EWR", 5)}),
        ({"q": [4]}, {("EWR", 5), (None, 1)}),
        ({"q": [5]}, {("EWR", 1), (None, 1)}),
        ({"q": [3, 8]}, {(None, 1)}),
        ({"q": [9]}, {("EWR", 1), ("EWR", 5), (None, 1)}),
        ({"other": [1, 5]}, {("EWR", 1), ("EWR", 5), (None, 1)}),
    ],
)
def test_what_a_cut_sees_stays(
    spark: SparkSession, cuts: Mapping[str, Sequence[int]], gone: set[tuple[str | None, int]]
) -> None:
    log = spark.createDataFrame(
        LOG, "origin STRING, window_start BIGINT, query_id STRING, batch_id BIGINT, mean_delay DOUBLE"
    )
    found = superseded(log, KEY, cuts)
    assert found.columns == log.columns
    rows = found.collect()
    assert {row["query_id"] for row in rows} == {"q"}
    assert {(row["origin"], row["batch_id"]) for row in rows} == gone
    assert all(row["mean_delay"] == row["batch_id"] / 10 for row in rows)
