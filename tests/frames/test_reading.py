"""The reader beside Python's own parser: what it takes, it takes alike; what it refuses is refused there too."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.strict_json import strictly

from headrace.contracts import reading
from headrace.contracts.model import Contract, Field, Kind
from headrace.contracts.reading import provide, read
from headrace.errors import InfrastructureError

CONTRACT = Contract(
    id="c",
    version="1",
    event_time="t",
    fields=(
        Field(name="a", kind=Kind.INTEGER),
        Field(name="b", kind=Kind.STRING),
        Field(name="c", kind=Kind.NUMBER),
        Field(name="d", kind=Kind.DECIMAL, precision=12, scale=3),
        Field(name="f", kind=Kind.BOOLEAN),
        Field(
            name="n",
            kind=Kind.OBJECT,
            members=(
                Field(name="x", kind=Kind.INTEGER, required=True),
                Field(name="y", kind=Kind.ARRAY, items=Field(name="", kind=Kind.STRING)),
            ),
        ),
        Field(name="l", kind=Kind.ARRAY, items=Field(name="", kind=Kind.NUMBER)),
    ),
)
GOOD = (
    '{"a":1,"b":"é\\u00e9\\n\\ud835\\udd18","c":1.5e-3,"d":-12.340,"f":true,"n":{"x":-7,"y":["p","q\\"",""]},"l":[0.1,-0,3]}',
    '{"l": [], "n": {"y": null, "x": 9007199254740993}, "f" :false, "d": 1e2, "c": 123456789012, "b":"\U0001d518" }',
    '{"z":{"q":[1,{"r":null}],"s":"\\/"},"c":0.1,"a":-9223372036854775808,"b":"","z2":1e400}',
    "{}",
)  # fmt: skip


def parsed(value: bytes) -> Any:
    """What Python reads, None where it reads no object: no repeated keys, and no half of a surrogate pair."""
    try:
        found = strictly(value.decode())
        json.dumps(found, ensure_ascii=False, default=str).encode()
    except ValueError:
        return None
    return found


def damaged(random: Random, text: str) -> bytes:
    """A record with some of its bytes changed, taken out, repeated or put elsewhere."""
    value = bytearray(text.encode())
    for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
        if not value:
            break
        place = random.randrange(len(value))
        match random.randrange(5):
            case 0:
                value[place] = random.randrange(256)
            case 1:
                del value[place]
            case 2:
                value[place:place] = random.choice(b'{}[]",:\\ 0e.-nut\n\x00\xc3').to_bytes(1, "big")
            case 3:
                end = place + random.randrange(12)
                value[place:place] = value[place:end]
            case _:
                del value[place : place + random.randrange(12)]
    return bytes(value)


def readings(spark: SparkSession, values: list[bytes], contract: Contract = CONTRACT) -> DataFrame:
    frame = spark.createDataFrame(list(enumerate(values)), "number INT, value BINARY").repartition(2)
    provide(spark, contract)
    return frame.select("number", read(contract, F.col("value")).alias("r"))


def test_any_bytes_are_read_as_another_parser_reads_them(spark: SparkSession) -> None:
    random = Random(20130101)
    values = [damaged(random, random.choice(GOOD)) for _ in range(6_000)]
    rows = readings(spark, values).select("number", "r.sent", "r.others", "r.reasons").collect()
    read_ones = 0
    for number, sent, others, reasons in rows:
        value, expected = values[number], parsed(values[number])
        assert (sent is None) == (expected is None), (value, reasons)
        if expected is None:
            continue
        read_ones += 1
        unknown = {name: one for name, one in expected.items() if name not in CONTRACT.names}
        kept = {name: json.loads(text) for name, text in (others or {}).items() if name not in CONTRACT.names}
        assert plain(kept) == plain(unknown), value
        if reasons is None:
            # A field with unknown members in it is among the others, whole.
            names = [name for name in CONTRACT.names if name not in (others or {})]
            got = sent.asDict(recursive=True)
            assert plain({name: got[name] for name in names}) == plain({n: expected.get(n) for n in names}), value
    assert 1_000 < read_ones < 5_000


def plain(value: Any) -> Any:
    """Numbers as the nearest double, a missing member as null."""
    match value:
        case bool() | None | str():
            return value
        case dict():
            return {name: plain(one) for name, one in value.items() if one is not None}
        case list():
            return [plain(one) for one in value]
        case _:
            return float(value)


QUOTED = (
    "",
    " ",
    "1",
    " 1",
    "1 ",
    "-",
    "1e5",
    "1e",
    "0x1",
    "true",
    "null",
    "NaN",
    "[1]",
    "{",
    "é",
    "9" * 30,
    "9" * 1_001,
)


def test_no_text_in_quotes_can_end_the_query(spark: SparkSession) -> None:
    """Fields that may be sent in quotes, at any depth, with any text there; and the same damaged."""
    kinds = (Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL, Kind.BOOLEAN)
    plain_ones = tuple(Field(name=kind.value, kind=kind, coerce=True, precision=9, scale=2) for kind in kinds)
    inner = Field(name="", kind=Kind.OBJECT, members=plain_ones, required=True)
    contract = replace(CONTRACT, fields=(*plain_ones, Field(name="l", kind=Kind.ARRAY, items=inner)))
    texts = [json.dumps({kind.value: text for kind in kinds}) for text in QUOTED]
    records = [f'{text[:-1]}, "l": [{other}, null]}}' for text in texts for other in texts]
    random = Random(20130101)
    values = [record.encode() for record in records] + [damaged(random, record) for record in records * 10]
    rows = readings(spark, values, contract).select("number", "r.sent", "r.reasons.rule").collect()
    assert [values[number] for number, sent, _ in rows if (sent is None) != (parsed(values[number]) is None)] == []
    found = {values[number].decode(): rules for number, _, rules in rows if number < len(records)}
    ones = json.dumps({kind.value: "1" for kind in kinds})
    assert found[f'{ones[:-1]}, "l": [{ones}, null]}}'] == [
        "boolean.wrong_type",
        "l[].boolean.wrong_type",
        "l[].required",
    ]


@pytest.mark.parametrize(
    ("value", "codes"),
    [
        (b'{"a":1,"a":2', ["duplicate_key", "malformed"]),
        (b'{"b":"\\ud800"} x', ["lone_surrogate", "trailing_content"]),
        (b'{"n":{"x":1,"x":2},"z":{"q":1,"q":1}}', ["duplicate_key"]),
        (b'{"a":' + b"1" * 2_000 + b"}", ["long_number"]),
        (b'{"z":' + b"[" * 998 + b"]" * 998 + b"}", None),
        (b'{"z":' + b"[" * 999 + b"]" * 999 + b"}", ["too_deep"]),
        (b'{"a":"x","f":1,"n":{"x":"1","y":[1]},"l":["x",null]}', ["wrong_type"] * 5),
        (b'{"d":1.0005}', ["inexact_decimal"]),
        (b'{"d":1000000000}', ["out_of_range"]),
        (b'{"d":0e-99999999999}', ["out_of_range"]),
        (b'{"d":999999999.999,"c":-0.0}', None),
        (b'{"d":15e-1}', None),
        (b'{"A":1}', ["wrong_case"]),
        (b'{"n":{"X":1}}', ["wrong_case", "required"]),
    ],
)
def test_all_that_is_wrong_is_told(spark: SparkSession, value: bytes, codes: list[str] | None) -> None:
    row = readings(spark, [value]).select("r.reasons.code").first()
    assert row is not None
    assert row["code"] == codes


def test_a_session_without_the_reader_says_what_to_give_it(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_CLASS", "headrace.NotThere")
    with pytest.raises(InfrastructureError, match=r"^Spark has no class headrace\.NotThere: .* 'headrace jars' prints"):
        provide(spark, CONTRACT)
