"""Rejected records in a row: by slice, in the order of the source, going on where the last batch ended."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.contracts.runs import Run, runs
from headrace.io.ledger import source_slice


def judged(spark: SparkSession, slices: Mapping[str, str]) -> DataFrame:
    """A record for each letter, ``x`` a rejected one, at positions 10, 11, …; the rows in no order."""
    rows = [
        f"SELECT '{name}' AS name, {10 + place} AS position, {str(letter == 'x').lower()} AS bad"
        for name, letters in slices.items()
        for place, letter in enumerate(letters)
    ]
    flat = spark.sql(" UNION ALL ".join(reversed(rows)))
    source = F.struct(
        "name", F.lit(None).cast("int").alias("partition"), F.col("position").cast("bigint").alias("position")
    )
    return flat.select(F.struct(source.alias("source")).alias("envelope"), "bad")


@pytest.mark.parametrize(
    ("slices", "before", "expected"),
    [
        ({"a": "......"}, {}, {}),
        ({"a": "x.xxx."}, {}, {"a": Run(longest=3, position=12, tail=0)}),
        ({"a": "..xx"}, {}, {"a": Run(longest=2, position=12, tail=2)}),
        ({"a": "xxxx"}, {}, {"a": Run(longest=4, position=10, tail=4)}),
        ({"a": "xx.x", "b": ".x.."}, {}, {"a": Run(2, 10, 1), "b": Run(1, 11, 0)}),
        ({"a": "xx.x"}, {"a": 5}, {"a": Run(7, 10, 1)}),
        ({"a": ".xx"}, {"a": 5}, {"a": Run(2, 11, 2)}),
        ({"a": "xxx"}, {"a": 5, "b": 9}, {"a": Run(8, 10, 8)}),
        ({"a": "x."}, {"b": 9}, {"a": Run(1, 10, 0)}),
    ],
)
def test_runs(
    spark: SparkSession, slices: Mapping[str, str], before: Mapping[str, int], expected: Mapping[str, Run]
) -> None:
    found = runs(judged(spark, slices), F.col("bad"), source_slice("envelope.source"), before)
    assert found == expected
