"""Thousands of rules by chance over the nastiest values there are: none may end the query that asks them.

``HEADRACE_FUZZ_RULES`` is how many there are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from random import Random

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.hostile.contract import CONTRACT
from tests.hostile.rules import condition

from headrace.contracts.column_types import column_type
from headrace.contracts.model import Kind
from headrace.expressions import compile_condition

MANY, TOGETHER = int(os.environ.get("HEADRACE_FUZZ_RULES", "300")), 100
FAMILIES = {
    "text": (Kind.STRING,),
    "number": (Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL),
    "time": (Kind.TIMESTAMP, Kind.DATE),
    "condition": (Kind.BOOLEAN,),
}
COLUMNS = {
    family: tuple(field.name for field in CONTRACT.fields if field.kind in kinds) for family, kinds in FAMILIES.items()
}
# Each row has one of these in every field of its kind; times as far off as a record can claim.
NASTY = {
    "STRING": (
        "NULL",
        "''",
        "repeat('9', 401)",
        "'-9223372036854775809'",
        "'+5881580-07-11'",
        "'-290308-12-21 20:00:00'",
        "decode(unhex('00'), 'UTF-8')",
    ),
    "BIGINT": ("NULL", "0", "9223372036854775807", "-9223372036854775807 - 1", "-1", "1", "2147483648"),
    "DOUBLE": (
        "NULL",
        "0",
        "double('NaN')",
        "double('Infinity')",
        "double('-Infinity')",
        "1.7976931348623157E308",
        "-0.0D",
    ),
    "DECIMAL(10,2)": ("NULL", "0", "99999999.99", "-99999999.99", "0.01", "-0.01", "1"),
    "DECIMAL(38,0)": ("NULL", "0", "9" * 38, "-" + "9" * 38, "1", "-1", "2"),
    "TIMESTAMP": (
        "NULL",
        "timestamp_micros(0)",
        "TIMESTAMP '9999-12-31 23:59:59' + INTERVAL 18 HOURS",
        "TIMESTAMP '0000-01-01 00:00:00' - INTERVAL 18 HOURS",
        "TIMESTAMP '9999-12-31 23:59:59'",
        "TIMESTAMP '0001-01-01 00:00:00'",
        "timestamp_micros(1)",
    ),
    "DATE": (
        "NULL",
        "date_from_unix_date(0)",
        "DATE '0000-01-01'",
        "DATE '1582-10-10'",
        "DATE '9999-12-31'",
        "DATE '0001-01-01'",
        "date_from_unix_date(1)",
    ),
    "BOOLEAN": ("NULL", "TRUE", "FALSE", "TRUE", "FALSE", "NULL", "TRUE"),
}


@pytest.fixture(scope="module")
def nasty(spark: SparkSession) -> DataFrame:
    """A row for each nasty value; read from memory, so that no rule is worked out while the query is planned."""
    rows = range(len(NASTY["STRING"]))
    types = {field.name: column_type(field) for field in CONTRACT.fields}
    selects = (
        ", ".join(f"CAST({NASTY[kind][row]} AS {kind}) AS `{name}`" for name, kind in types.items()) for row in rows
    )
    frame = spark.sql(" UNION ALL ".join(f"SELECT {each}" for each in selects)).persist()
    assert frame.count() == len(rows)
    return frame


def rules(seed: int, count: int) -> Iterator[str]:
    """That many rules as Spark gets them. What the compiler refuses, a text that is no date or so, is passed over."""
    random, kinds = Random(seed), {field.name: field.kind.value for field in CONTRACT.fields}
    made = 0
    for _ in range(2 * count):
        with suppress(ValueError):
            if made < count:
                yield compile_condition(condition(random, COLUMNS), kinds)
                made += 1
    assert made == count


@pytest.mark.parametrize("first", range(0, MANY, TOGETHER))
def test_no_rule_ends_the_query(nasty: DataFrame, first: int) -> None:
    made = rules(first, min(TOGETHER, MANY - first))
    asked = nasty.select(*[F.expr(rule).alias(f"rule_{number}") for number, rule in enumerate(made)])
    answers = asked.collect()
    assert len(answers) == len(NASTY["STRING"])
    assert all(answer in (True, False, None) for row in answers for answer in row)
