"""Options of fields that are not nested: multiples, bits, times of day, formats and zones of times, coercion."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession
from tests.frames.test_judge_nested import judged

from headrace.contracts.model import Contract, Criticality, Field, Kind

BERLIN = "Europe/Berlin"
START = datetime(2014, 1, 1, tzinfo=UTC)
FIELDS = (
    Field(name="step", kind=Kind.INTEGER, multiple_of=5),
    Field(name="half", kind=Kind.NUMBER, multiple_of=0.5),
    Field(name="cap", kind=Kind.NUMBER, minimum=-0.5, maximum=60.5),
    Field(name="open_cap", kind=Kind.NUMBER, exclusive_minimum=0.1, exclusive_maximum=1e3),
    Field(name="ratio", kind=Kind.NUMBER, allowed=(0, 0.5, 1.0)),
    Field(name="price", kind=Kind.DECIMAL, precision=20, scale=2, allowed=(Decimal("0.5"), Decimal("1E+3"))),
    Field(name="cent", kind=Kind.DECIMAL, precision=10, scale=2, multiple_of=Decimal("0.05")),
    Field(name="i8", kind=Kind.INTEGER, format="i8"),
    Field(name="u32", kind=Kind.INTEGER, format="u32"),
    Field(name="f32", kind=Kind.NUMBER, format="f32"),
    Field(name="byte", kind=Kind.STRING, format="byte"),
    Field(name="mail", kind=Kind.STRING, format="email"),
    Field(name="open", kind=Kind.TIME, minimum=time(8), exclusive_maximum=time(18, 30, 0, 500_000)),
    Field(name="hm", kind=Kind.TIME, format="HH:mm"),
    Field(name="day", kind=Kind.DATE, format="dd.MM.yyyy"),
    Field(name="zoned", kind=Kind.TIMESTAMP, format="yyyy-MM-dd'T'HH:mm:ssXXX"),
    Field(name="packed", kind=Kind.TIMESTAMP, format="yyyyMMddHHmmssSSS", default_timezone=BERLIN),
    Field(name="local", kind=Kind.TIMESTAMP, default_timezone=BERLIN),
    Field(name="seconds", kind=Kind.TIMESTAMP, format="epoch_second"),
    Field(name="millis", kind=Kind.TIMESTAMP, format="epoch_millis"),
    Field(name="micros", kind=Kind.TIMESTAMP, format="epoch_micros", coerce=True, minimum=START),
    Field(name="ticks", kind=Kind.ARRAY, items=Field(name="", kind=Kind.TIMESTAMP, format="epoch_millis")),
    Field(name="marked", kind=Kind.TIMESTAMP, format="epoch_millis", criticality=Criticality.WARN),
    Field(name="n", kind=Kind.INTEGER, coerce=True, maximum=9),
    Field(name="x", kind=Kind.NUMBER, coerce=True),
    Field(name="d", kind=Kind.DECIMAL, precision=6, scale=2, coerce=True),
    Field(name="b", kind=Kind.BOOLEAN, coerce=True),
    Field(name="ns", kind=Kind.ARRAY, items=Field(name="", kind=Kind.INTEGER, coerce=True)),
)
CONTRACT = Contract(id="o", version="1", event_time="zoned", fields=FIELDS)

# A value as JSON of a field → what it is read as, or the code of its reason.
CASES: tuple[tuple[str, str, Any], ...] = (
    ("step", "10", 10),
    ("step", "-5", -5),
    ("step", "0", 0),
    ("step", "12", "not_a_multiple"),
    ("step", "-9223372036854775808", "not_a_multiple"),
    ("half", "1.5", 1.5),
    ("half", "1e300", 1e300),
    ("half", "0.75", "not_a_multiple"),
    ("cap", "60.5", 60.5),
    ("cap", "60.50000000000001", "out_of_range"),
    ("cap", "-5e-1", -0.5),
    ("cap", "-0.5000000000000001", "out_of_range"),
    ("open_cap", "0.1", "out_of_range"),
    ("open_cap", "0.10000000000000002", 0.10000000000000002),
    ("open_cap", "999.9999999999999", 999.9999999999999),
    ("open_cap", "1e3", "out_of_range"),
    ("ratio", "0.5", 0.5),
    ("ratio", "-0.0", 0.0),
    ("ratio", "1", 1.0),
    ("ratio", "0.25", "not_allowed"),
    ("price", "0.50", Decimal("0.50")),
    ("price", "1000", Decimal("1000.00")),
    ("price", "1000.01", "not_allowed"),
    ("cent", "12.35", Decimal("12.35")),
    ("cent", "12.36", "not_a_multiple"),
    ("cent", "99999999.95", Decimal("99999999.95")),
    ("cent", "100000000", "out_of_range"),
    ("i8", "-128", -128),
    ("i8", "128", "out_of_range"),
    ("u32", "4294967295", 2**32 - 1),
    ("u32", "-1", "out_of_range"),
    ("f32", "3.4e38", 3.4e38),
    ("f32", "3.5e38", "out_of_range"),
    ("byte", '"aGVhZHJhY2U="', "aGVhZHJhY2U="),
    ("byte", '"aGVhZHJhY2U"', "format"),
    ("byte", '"' + "QUJD" * 100_000 + '"', "QUJD" * 100_000),
    ("mail", '"a@b.c"', "a@b.c"),
    ("mail", '"a@b' + ".c" * 200_000 + '"', "a@b" + ".c" * 200_000),
    ("mail", '"a@b' + ".c" * 200_000 + '."', "format"),
    ("open", '"08:00:00"', "08:00:00"),
    ("open", '"18:30:00.49"', "18:30:00.49"),
    ("open", '"07:59:59.999"', "implausible_time"),
    ("open", '"18:30:00.50"', "implausible_time"),
    ("open", '"24:00:00"', "wrong_format"),
    ("open", '"08:00"', "wrong_format"),
    ("open", '"08:00:00Z"', "wrong_format"),
    ("open", "80000", "wrong_type"),
    ("hm", '"23:59"', "23:59:00"),
    ("hm", '"24:00"', "wrong_format"),
    ("hm", '"23:59:00"', "wrong_format"),
    ("day", '"31.01.2026"', date(2026, 1, 31)),
    ("day", '"29.02.2026"', "wrong_format"),
    ("day", '"2026-01-31"', "wrong_format"),
    ("day", '"31x01x2026"', "wrong_format"),
    ("zoned", '"2026-01-31T10:00:00+02:00"', datetime(2026, 1, 31, 8, tzinfo=UTC)),
    ("zoned", '"2026-01-31T10:00:00Z"', datetime(2026, 1, 31, 10, tzinfo=UTC)),
    ("zoned", '"2026-01-31T10:00:00"', "wrong_format"),
    ("zoned", '"2026-01-31T10:00:00.5Z"', "wrong_format"),
    ("packed", '"20260131100000250"', datetime(2026, 1, 31, 9, 0, 0, 250_000, tzinfo=UTC)),
    ("packed", '"20260131250000250"', "wrong_format"),
    ("local", '"2026-07-01T12:00:00"', datetime(2026, 7, 1, 10, tzinfo=UTC)),
    ("local", '"2026-01-01 12:00:00.5"', datetime(2026, 1, 1, 11, 0, 0, 500_000, tzinfo=UTC)),
    ("local", '"2026-07-01T12:00:00Z"', "wrong_format"),
    ("local", '"2026-03-29T02:30:00"', "wrong_format"),
    ("local", '"2026-10-25T02:30:00"', datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ("seconds", "1388534400", START),
    ("seconds", "-1", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ("seconds", "1388534400000", "implausible_time"),
    ("millis", "1388534400000", START),
    ("millis", "1388534400001", START.replace(microsecond=1_000)),
    ("millis", "-2208988800000", datetime(1900, 1, 1, tzinfo=UTC)),
    ("millis", "-2208988800001", "implausible_time"),
    ("millis", "7258118400000", datetime(2200, 1, 1, tzinfo=UTC)),
    ("millis", "7258118400001", "implausible_time"),
    ("millis", "1388534400000000", "implausible_time"),
    ("millis", "9223372036854775807", "implausible_time"),
    ("millis", "-9223372036854775808", "implausible_time"),
    ("millis", "99999999999999999999", "out_of_range"),
    ("millis", "1388534400000.0", "wrong_type"),
    ("millis", "1.3885344e12", "wrong_type"),
    ("millis", '"1388534400000"', "wrong_type"),
    ("millis", '"2014-01-01T00:00:00Z"', "wrong_type"),
    ("millis", "true", "wrong_type"),
    ("micros", "1388534400000001", START.replace(microsecond=1)),
    ("micros", "1388534399999999", "implausible_time"),
    ("micros", '"1388534400000000"', START),
    ("micros", '"2014-01-01T00:00:00Z"', "wrong_type"),
    ("ticks", "[1388534400000,null]", [START.replace(tzinfo=None), None]),
    ("ticks", "[9223372036854775807]", "implausible_time"),
    ("marked", "7258118400001", datetime(2200, 1, 1, 0, 0, 0, 1_000, tzinfo=UTC)),
    ("marked", "253402300799999", datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)),
    ("marked", "253402300800000", "implausible_time"),
    ("n", '"7"', 7),
    ("n", "7", 7),
    ("n", '"-0"', 0),
    ("n", '"10"', "out_of_range"),
    ("n", '"99999999999999999999"', "out_of_range"),
    ("n", '"7.0"', "wrong_type"),
    ("n", "7.0", "wrong_type"),
    ("n", '" 7"', "wrong_type"),
    ("n", '"07"', "wrong_type"),
    ("n", '""', "wrong_type"),
    ("n", '"x"', "wrong_type"),
    ("n", "true", "wrong_type"),
    ("n", "[7]", "wrong_type"),
    ("n", '{"n":7}', "wrong_type"),
    ("x", '"1.5"', 1.5),
    ("x", '"-1e3"', -1000.0),
    ("x", "1.50", 1.5),
    ("x", '"1e400"', "non_finite"),
    ("x", "1e400", "non_finite"),
    ("x", '"NaN"', "wrong_type"),
    ("x", '"Infinity"', "wrong_type"),
    ("x", '"1d"', "wrong_type"),
    ("x", "false", "wrong_type"),
    ("d", '"12.30"', Decimal("12.30")),
    ("d", '"12.3"', Decimal("12.30")),
    ("d", '"12"', Decimal("12.00")),
    ("d", "12.3", Decimal("12.30")),
    ("d", '"12.300"', Decimal("12.30")),
    ("d", '"12.345"', "inexact_decimal"),
    ("d", "12.345", "inexact_decimal"),
    ("d", '"1e1"', Decimal("10.00")),
    ("d", '"10000"', "out_of_range"),
    ("d", "10000", "out_of_range"),
    ("d", '"1,000.5"', "wrong_type"),
    ("d", '"12."', "wrong_type"),
    ("d", '""', "wrong_type"),
    ("d", "true", "wrong_type"),
    ("b", '"true"', True),
    ("b", "false", False),
    ("b", '"TRUE"', "wrong_type"),
    ("b", '"1"', "wrong_type"),
    ("b", "1", "wrong_type"),
    ("ns", '["1",2,null,"-3"]', [1, 2, None, -3]),
    ("ns", '["1","x"]', "wrong_type"),
    ("ns", '["99999999999999999999"]', "out_of_range"),
)  # fmt: skip


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> list[Row]:
    return judged(spark, [f'{{"{name}":{value}}}' for name, value, _ in CASES], CONTRACT)


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: f"{CASES[n][0]}-{CASES[n][1][:30]}")
def test_a_value_is_read_or_has_its_reason(rows: list[Row], number: int) -> None:
    name, _, expected = CASES[number]
    said = [reason.removesuffix("[]") for reason in rows[number]["said"]]
    if said:
        assert said == [f"{expected}:{name}"]
    else:
        found = rows[number][name]
        # Spark gives times of the session's zone, without it.
        assert (found.replace(tzinfo=UTC) if isinstance(found, datetime) else found) == expected


def test_quoted_and_unquoted_in_one_record(spark: SparkSession) -> None:
    payloads = ['{"n":"1","x":"2.5","d":"3.10","b":"false"}', '{"b":true,"n":1,"x":"2.5","d":3.1,"new":1}']
    found = judged(spark, payloads, CONTRACT)
    assert [tuple(row[name] for name in ("n", "x", "d", "b")) for row in found] == [
        (1, 2.5, Decimal("3.10"), False),
        (1, 2.5, Decimal("3.10"), True),
    ]
    assert [row["said"] for row in found] == [[], []]
