"""What a rule over many records counts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pyspark.sql import DataFrame, SparkSession

from headrace.contracts.aggregates import Aggregate, Metric, Must, Operator
from headrace.contracts.counts import counts, counts_by_window

ANY = Must(Operator.BE, (0.0,))
LONG = "12345678901234567.89"
ROWS = (
    "VALUES (1, 'a', CAST(1.5 AS DECIMAL(4,2)), -99.9D, CAST('12345678901234567.88' AS DECIMAL(20,2))), "
    f"(1, 'a', 2.5, 7D, CAST('{LONG}' AS DECIMAL(20,2))), (2, 'b', 2.5, 7.5D, NULL), (3, '', 2.5, NULL, NULL), "
    "(CAST(NULL AS BIGINT), 'n/a', NULL, NULL, NULL), (NULL, NULL, NULL, NULL, NULL) AS rows(n, s, d, f, w)"
)


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> DataFrame:
    return spark.sql(f"SELECT CAST(n AS BIGINT) AS n, s, d, f, w FROM {ROWS}")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Aggregate(name="r", metric=Metric.ROW_COUNT, must=ANY), 6),
        (Aggregate(name="r", metric=Metric.NULL_VALUES, must=ANY, fields=("n",)), 2),
        (Aggregate(name="r", metric=Metric.MISSING_VALUES, must=ANY, fields=("s",), missing=("", "n/a")), 3),
        (Aggregate(name="r", metric=Metric.INVALID_VALUES, must=ANY, fields=("n",), allowed=(1, 2)), 1),
        (Aggregate(name="r", metric=Metric.INVALID_VALUES, must=ANY, fields=("d",), allowed=(Decimal("2.5"),)), 1),
        (Aggregate(name="r", metric=Metric.MISSING_VALUES, must=ANY, fields=("f",), missing=(-99.9, 7)), 5),
        (Aggregate(name="r", metric=Metric.MISSING_VALUES, must=ANY, fields=("w",), missing=(Decimal(LONG),)), 5),
        (Aggregate(name="r", metric=Metric.INVALID_VALUES, must=ANY, fields=("s",), pattern="[a-z]"), 2),
        (Aggregate(name="r", metric=Metric.DUPLICATE_VALUES, must=ANY, fields=("n",)), 1),
        (Aggregate(name="r", metric=Metric.DUPLICATE_VALUES, must=ANY, fields=("n", "s")), 1),
        (Aggregate(name="r", metric=Metric.DUPLICATE_VALUES, must=ANY, fields=("d",)), 2),
    ],
    ids=lambda each: f"{each.metric}-{'-'.join(each.fields)}" if isinstance(each, Aggregate) else "",
)
def test_counts(rows: DataFrame, rule: Aggregate, expected: int) -> None:
    row = rows.agg(*counts([rule])).first()
    assert row is not None
    assert row[0] == expected


def test_no_row_is_counted_as_none(rows: DataFrame) -> None:
    rules = [
        Aggregate(name="a", metric=Metric.ROW_COUNT, must=ANY),
        Aggregate(name="b", metric=Metric.DUPLICATE_VALUES, must=ANY, fields=("n",)),
        Aggregate(name="c", metric=Metric.NULL_VALUES, must=ANY, fields=("n",)),
    ]
    row = rows.where("false").agg(*[one.alias(str(place)) for place, one in enumerate(counts(rules))]).first()
    assert row is not None
    assert tuple(row) == (0, 0, 0)


def test_each_window_is_counted_by_itself_and_no_other_time(spark: SparkSession) -> None:
    times = ("1969-12-31 23:59:59.5", "1970-01-01 00:00:00", "1970-01-01 00:59:59.9", "1970-01-01 01:00:00",
             "1970-01-01 02:30:00", "1970-01-01 03:00:00")  # fmt: skip
    values = ", ".join(f"('{at}')" for at in times)
    rows = spark.sql(f"SELECT TIMESTAMP(at) AS at, 1 AS n FROM VALUES {values} AS rows(at)")
    rules = [
        Aggregate(name="a", metric=Metric.ROW_COUNT, must=ANY),
        Aggregate(name="b", metric=Metric.DUPLICATE_VALUES, must=ANY, fields=("n",)),
    ]
    windows = {range(-3_600, 3_600, 3_600), range(7_200, 10_800, 3_600)}
    found = counts_by_window(rows, rules, windows, "at").collect()
    assert sorted(tuple(row) for row in found) == [(-3_600, 1, 1, 0), (0, 2, 2, 1), (7_200, 1, 1, 0)]
