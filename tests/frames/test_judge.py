"""Every malformed record has a reason of its own; none is repaired, none can end the query."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests.strict_json import strictly

from headrace.contracts.judge import judge
from headrace.contracts.model import Contract, Criticality, Field, Kind, Rule

CONTRACT = Contract(
    id="test",
    version="1",
    event_time="t",
    fields=(
        Field(name="a", kind=Kind.INTEGER, minimum=-5),
        Field(name="b", kind=Kind.STRING, max_length=40, pattern="[^!]*"),
        Field(name="c", kind=Kind.NUMBER, exclusive_maximum=1e50),
        Field(name="d", kind=Kind.DECIMAL, precision=10, scale=2),
        Field(name="t", kind=Kind.TIMESTAMP),
        Field(name="f", kind=Kind.BOOLEAN),
        Field(name="g", kind=Kind.DATE),
        Field(name="e", kind=Kind.STRING, allowed=("x", "y")),
        Field(name="u", kind=Kind.STRING, format="uuid", criticality=Criticality.WARN),
        Field(name="m", kind=Kind.STRING, format="email"),
        Field(name="w", kind=Kind.TIMESTAMP, criticality=Criticality.WARN),
    ),
    rules=(
        Rule(name="a_before_c", expression="a IS NULL OR c IS NULL OR a <= c"),
        Rule(name="a_small", expression="a IS NULL OR a < 100", criticality=Criticality.WARN),
    ),
)

# Payload → code:field of each reason. The silent mis-parses of from_json are all here.
CASES: tuple[tuple[bytes | None, list[str]], ...] = (
    (b'{"a":1,"b":"x","c":1.5,"d":1.25,"t":"2013-01-01T10:00:00Z","f":true,"g":"2013-01-01","e":"x"}', []),
    (b"{}", []),
    (b'{"a":null}', []),
    (b'{"unknown":1,"a":1}', []),
    (None, ["tombstone:"]),
    (b"", ["empty:"]),
    (b"  \t ", ["empty:"]),
    (b'{"b":"' + b"y" * 2_000_000 + b'"}', ["too_large:"]),
    (b"\xff\xfe", ["foreign_format:"]),
    (b'{"b":"\xff"}', ["invalid_utf8:"]),
    (b'{"a":1', ["malformed:"]),
    (b'{"a":01}', ["malformed:"]),
    (b'{"a":1,}', ["malformed:"]),
    (b"{'a':1}", ["malformed:"]),
    (b'{"c":NaN}', ["malformed:"]),
    (b'{"c":Infinity}', ["malformed:"]),
    (b'\xef\xbb\xbf{"a":1}', []),
    (b'\xef\xbb\xbf\xef\xbb\xbf{"a":1}', ["malformed:"]),
    (b"\xef\xbb\xbf", ["empty:"]),
    (b"\x1f\x8b\x08", ["foreign_format:"]),
    ('{"a":1}'.encode("utf-16-le"), ["foreign_format:"]),
    ('{"a":1}'.encode("utf-16-be"), ["foreign_format:"]),
    (b'{"a":/**/1}', ["malformed:"]),
    (b'{"b":"\x01"}', ["malformed:"]),
    (b"null", ["not_an_object:"]),
    (b'"x"', ["not_an_object:"]),
    (b"[1]", ["not_an_object:"]),
    (b"7", ["not_an_object:"]),
    (b'{"a":1,"a":2}', ["duplicate_key:"]),
    (b'{"z":{"q":1,"q":2}}', ["duplicate_key:"]),
    (b'{"a":1}{"a":2}', ["trailing_content:"]),
    (b'{"a":1},{"a":2}', ["trailing_content:"]),
    (b'{"a":1} xyz', ["trailing_content:"]),
    (b'{"a":1}\x00', ["trailing_content:"]),
    (b'{"a":1}{', ["trailing_content:"]),
    (b'{"a":1}]', ["trailing_content:"]),
    (b'{"a":1}]}', ["trailing_content:"]),
    (b'{"a":1}],[', ["trailing_content:"]),
    (b'{"a":1},null', ["trailing_content:"]),
    (b'{"a":1},null]', ["trailing_content:"]),
    (b'{"a":1},null],{"a":2}', ["trailing_content:"]),
    (b'{"d":123456789}', ["out_of_range:d"]),
    (b'{"z":' + b"[" * 1_200 + b"]" * 1_200 + b"}", ["too_deep:"]),
    (b'{"z":' + b'{"q":' * 5_000 + b"1" + b"}" * 5_000 + b"}", ["too_deep:"]),
    (b'{"z":' + b"9" * 2_000 + b"}", ["long_number:"]),
    (b'{"b":"\\ud800"}', ["lone_surrogate:"]),
    (b'{"b":"\\udc00\\ud835"}', ["lone_surrogate:"]),
    (b'{"b":"\\ud835\\udd18"}', []),
    (b'{"b":"\\ud835\\udd18","a":1', ["malformed:"]),
    (b'{"b":"\\\\ud800","a":1', ["malformed:"]),
    (b'{"b":"\\\\\\ud800","a":1', ["lone_surrogate:", "malformed:"]),
    (b'{"b":"\\ud835\\udd18","a":1,"a":1}', ["duplicate_key:"]),
    (b'{"A":1}', ["wrong_case:a"]),
    (b'{"A":1,"a":1}', ["wrong_case:a"]),
    (b'{"a":"5"}', ["wrong_type:a"]),
    (b'{"a":5.0}', ["wrong_type:a"]),
    (b'{"a":1.5}', ["wrong_type:a"]),
    (b'{"a":true}', ["wrong_type:a"]),
    (b'{"a":99999999999999999999}', ["out_of_range:a"]),
    (b'{"a":-6}', ["out_of_range:a"]),
    (b'{"b":{"x":1}}', ["wrong_type:b"]),
    (b'{"b":5}', ["wrong_type:b"]),
    (b'{"b":["x"]}', ["wrong_type:b"]),
    (b'{"b":"' + b"y" * 41 + b'"}', ["length:b"]),
    (b'{"b":"x!"}', ["pattern:b"]),
    (b'{"b":"x\\n"}', []),
    (b'{"c":1e400}', ["non_finite:c"]),
    (b'{"c":-1e400}', ["non_finite:c"]),
    (b'{"c":-' + b"9" * 400 + b"}", ["non_finite:c"]),
    (b'{"c":"1.5"}', ["wrong_type:c"]),
    (b'{"c":"NaN"}', ["wrong_type:c"]),
    (b'{"c":"Infinity"}', ["wrong_type:c"]),
    (b'{"c":{"x":1}}', ["wrong_type:c"]),
    (b'{"c":[1]}', ["wrong_type:c"]),
    (b'{"c":true}', ["wrong_type:c"]),
    (b'{"c":123456789012345678901234567890123456789012345}', []),
    (b'{"d":1.239}', ["inexact_decimal:d"]),
    (b'{"d":1.2300}', []),
    (b'{"d":99999999.99}', []),
    (b'{"d":100000000}', ["out_of_range:d"]),
    (b'{"d":123456789012.5}', ["out_of_range:d"]),
    (b'{"d":1e400}', ["out_of_range:d"]),
    (b'{"d":-' + b"9" * 60 + b"}", ["out_of_range:d"]),
    (b'{"d":"1.2"}', ["wrong_type:d"]),
    (b'{"t":1357000000000}', ["wrong_type:t"]),
    (b'{"t":1357000000}', ["wrong_type:t"]),
    (b'{"t":"2013-01-01T10:00:00"}', ["wrong_format:t"]),
    (b'{"t":"2013-01-01"}', ["wrong_format:t"]),
    (b'{"t":"2013-02-30T00:00:00Z"}', ["wrong_format:t"]),
    (b'{"t":"0001-01-01T00:00:00Z"}', ["implausible_time:t"]),
    (b'{"t":"9999-12-31T23:59:59Z"}', ["implausible_time:t"]),
    (b'{"t":"57971-01-01T00:00:00Z"}', ["wrong_format:t"]),
    (b'{"t":"2013-01-01T10:00:00.123456+05:30"}', []),
    (b'{"t":"2013-01-01T10:00Z"}', []),
    (b'{"t":"2013-01-01t10:00:00,5z"}', []),
    (b'{"t":"2013-01-01 10:00+05:30"}', []),
    (b'{"t":"2013-01-01T10Z"}', ["wrong_format:t"]),
    (b'{"g":"0000-12-31"}', ["implausible_time:g"]),
    (b'{"g":"0001-01-01"}', []),
    (b'{"g":"9999-12-31"}', []),
    (b'{"w":"0000-12-31T00:00:00Z"}', ["implausible_time:w"]),
    (b'{"w":"9999-12-31T23:00:00-05:00"}', ["implausible_time:w"]),
    (b'{"w":"9999-12-31T23:59:59Z"}', []),
    (b'{"f":"true"}', ["wrong_type:f"]),
    (b'{"f":1}', ["wrong_type:f"]),
    (b'{"g":"2013-13-01"}', ["wrong_format:g"]),
    (b'{"g":"2013-01-01T00:00:00Z"}', ["wrong_format:g"]),
    (b'{"e":"z"}', ["not_allowed:e"]),
    (b'{"m":"a@b.c"}', []),
    (b'{"m":"a@b.c\\n"}', ["format:m"]),
    (b'{"a":5,"c":1.0}', ["rule:"]),
    (b'{"_headrace_corrupt":"x","a":1}', []),
    (b'{"a":"5","e":"z","B":1}', ["wrong_type:a", "wrong_case:b", "not_allowed:e"]),
    (b'{"a":"5","c":1e400,"e":"z","m":"x"}', ["wrong_type:a", "non_finite:c", "not_allowed:e", "format:m"]),
    (b'{"e":"z","c":1.0,"a":5}', ["not_allowed:e", "rule:"]),
    (b'{"e":"z","c":1.0,"a":"5"}', ["wrong_type:a", "not_allowed:e"]),
)


# Values of each field as JSON, good ones and such as from_json would take for good.
VALUES = {
    "a": ["1", "-5", "0", "null", '"1"', "1.0", "1e0", "true", "[1]", "99999999999999999999", "-0"],
    "b": ['"x"', '""', "null", "5", "1.50", '"\\n"', '{"x":1}', "[]", "true", '"\ufffd"', '"a\\"b"', '"}"'],
    "c": ["1.5", "2", "null", "1e3", "1e400", '"1.5"', '"NaN"', "false", '{"y":[1,1]}', "0.10", "-0.0"],
    "d": ["1.25", "3", "1.5", "null", "1.239", "1.50", '"1.2"', "1e1"],
    "t": ['"2013-01-01T10:00:00Z"', "null", "7", '"2013-01-01"', '"2013-01-01T10:00:00.5+01:00"'],
    "f": ["true", "false", "null", '"true"', "1"],
    "e": ['"x"', '"y"', "null", '"z"', "{}"],
}
DAMAGE = (
    lambda text: text + "{}",
    lambda text: text + " x",
    lambda text: text + "]",
    lambda text: text[:-1],
    lambda text: "[" + text + "]",
    lambda text: text[:-1] + ',"a":2}',
    lambda text: text[:-1] + ',"new":{"q":1,"q":2}}',
    lambda text: text[:-1] + ',"A":1}',
    lambda text: " " + text,
    lambda text: text.replace('"b"', '"b" '),
)


def _made(random: Random) -> str:
    """A record of the contract as a source might send it: fields left out, out of order, or damaged."""
    names = [name for name in VALUES if random.random() < 0.8]
    if random.random() < 0.2:
        random.shuffle(names)
    colon, comma = random.choice(((":", ","), (": ", ", "), (":", ", ")))
    good = random.random() < 0.6
    members = (f'"{name}"{colon}{VALUES[name][0] if good else random.choice(VALUES[name])}' for name in names)
    text = "{" + comma.join(members) + "}"
    return random.choice(DAMAGE)(text) if random.random() < 0.2 else text


@pytest.fixture(scope="module")
def judged(spark: SparkSession) -> dict[int, tuple[list[str], list[str]]]:
    rows = [(number, payload) for number, (payload, _) in enumerate(CASES)]
    envelopes = spark.createDataFrame(rows, "number INT, value BINARY").repartition(2)
    said = F.expr("transform(reasons, r -> concat(r.code, ':', coalesce(r.field, '')))")
    warned = F.expr("transform(warnings, r -> r.rule)")
    found = judge(envelopes, CONTRACT).select("envelope.number", said, warned).collect()
    return {number: (reasons, warnings) for number, reasons, warnings in found}


def test_every_record_keeps_exactly_one_row(judged: dict[int, object]) -> None:
    assert sorted(judged) == list(range(len(CASES)))


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: f"{n}-{(CASES[n][0] or b'null')[:30]!r}")
def test_reasons(judged: dict[int, tuple[list[str], list[str]]], number: int) -> None:
    assert judged[number][0] == CASES[number][1]


@pytest.mark.parametrize(
    ("value", "kind"), [("1", "integer"), ("1.5", "number"), ('"x"', "string"), ("[1]", "array"), ('{"q":1}', "object")]
)
def test_a_wrong_type_is_named_alike_whatever_stands_where(spark: SparkSession, value: str, kind: str) -> None:
    """The first record is read as it came, the second by the strict parser."""
    records = [f'{{"b":"x","f":{value}}}', f'{{"f":{value}, "b":"x"}}']
    frame = spark.createDataFrame([(one.encode(),) for one in records], "value BINARY")
    said = {row["message"][0] for row in judge(frame, CONTRACT).select("reasons.message").collect()}
    assert said == {f"the value was sent as another type: {kind}"}


def test_a_warning_keeps_the_record(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(b'{"a":100,"u":"no uuid"}',)], "value BINARY")
    row = judge(rows, CONTRACT).select("reasons", F.expr("transform(warnings, r -> r.rule)").alias("rules")).first()
    assert row is not None
    assert (row["reasons"], row["rules"]) == ([], ["u.format", "a_small"])


def test_required_is_asked_once_and_only_of_objects(spark: SparkSession) -> None:
    needy = Contract(id="n", version="1", event_time="t", fields=(Field(name="t", kind=Kind.TIMESTAMP, required=True),))
    rows = [(0, b"{}"), (1, b'{"t":null}'), (2, b"[]"), (3, b'{"t":7}'), (4, b'{"x":1}'), (5, b'{"t":"x"}')]
    frame = spark.createDataFrame(rows, "number INT, value BINARY")
    found = judge(frame, needy).select("envelope.number", F.expr("transform(reasons, r -> r.code)")).collect()
    assert dict(sorted((number, codes) for number, codes in found)) == {
        0: ["required"],
        1: ["required"],
        2: ["not_an_object"],
        3: ["wrong_type"],
        4: ["required"],
        5: ["wrong_format"],
    }


@pytest.mark.parametrize(
    ("sent", "instant"),
    [
        ("2013-01-01T10:00Z", "2013-01-01 10:00:00"),
        ("2013-01-01T10:00+05:30", "2013-01-01 04:30:00"),
        ("2013-01-01t10:00:00,25z", "2013-01-01 10:00:00.25"),
        ("2013-01-01T10:00:00-0130", "2013-01-01 11:30:00"),
        ("2013-01-01T10:00:00.123456789Z", "2013-01-01 10:00:00.123456"),
    ],
)
def test_a_time_may_be_written_in_the_ways_of_iso_8601(spark: SparkSession, sent: str, instant: str) -> None:
    frame = spark.createDataFrame([(f'{{"t":"{sent}"}}'.encode(),)], "value BINARY")
    row = judge(frame, CONTRACT).selectExpr("size(reasons) AS reasons", "cast(t as string) AS t").first()
    assert row is not None
    assert (row["reasons"], row["t"]) == (0, instant)


def test_values_arrive_typed_and_unrounded(spark: SparkSession) -> None:
    payload = b'{"a":-5,"b":"\\u00e9","c":0.1,"d":12.30,"t":"2013-01-01T12:00:00+02:00","f":false,"g":"2013-01-02"}'
    frame = judge(spark.createDataFrame([(payload,)], "value BINARY"), CONTRACT)
    row = frame.selectExpr("a", "b", "c", "cast(d as string)", "cast(t as string)", "f", "cast(g as string)").first()
    assert row is not None
    assert tuple(row) == (-5, "é", 0.1, "12.30", "2013-01-01 10:00:00", False, "2013-01-02")


def _is_clean(text: str) -> bool:
    """Whether Python's own parser takes the text for one object with values of the contract's types."""
    try:
        read = strictly(text)
    except ValueError:
        return False
    types: dict[str, Any] = {
        "a": int,
        "b": str,
        "c": (int, Decimal),
        "d": (int, Decimal),
        "t": str,
        "f": bool,
        "e": str,
    }
    return all(
        value is None or (isinstance(value, types[name]) and (name == "f" or not isinstance(value, bool)))
        if name in types
        else name.lower() not in types
        for name, value in read.items()
    )


def test_no_record_is_accepted_that_another_parser_does_not_take(spark: SparkSession) -> None:
    random = Random(20130101)
    rows = [(number, _made(random)) for number in range(4_000)]
    frame = spark.createDataFrame([(number, text.encode()) for number, text in rows], "number INT, value BINARY")
    found = judge(frame.repartition(2), CONTRACT).select("envelope.number", F.size("reasons") == 0).collect()
    numbers = {number for number, is_accepted in found if is_accepted}
    accepted = {text for number, text in rows if number in numbers}
    assert [text for text in accepted if not _is_clean(text)] == []
    assert len(accepted) > 500
