"""What is nested in a record is judged as strictly as the record, and every reason names the path."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F
from tests.strict_json import strictly

from headrace.contracts.column_types import column_type
from headrace.contracts.judge import judge
from headrace.contracts.model import Contract, Criticality, Field, Kind, Rule
from headrace.expressions import compile_condition

GEO = (
    Field(name="lat", kind=Kind.NUMBER, required=True, minimum=-90, maximum=90),
    Field(name="lon", kind=Kind.NUMBER),
)
ADDRESS = (
    Field(name="zip", kind=Kind.STRING, required=True, pattern=r"\d{5}"),
    Field(name="city", kind=Kind.STRING, max_length=10),
    Field(name="geo", kind=Kind.OBJECT, members=GEO),
)
LINE = (
    Field(name="price", kind=Kind.DECIMAL, precision=6, scale=2, required=True, minimum=Decimal(0)),
    Field(name="count", kind=Kind.INTEGER, allowed=(1, 2, 3)),
    Field(name="at", kind=Kind.TIMESTAMP),
    Field(name="marks", kind=Kind.ARRAY, items=Field(name="", kind=Kind.STRING)),
)
FIELDS = (
    Field(name="id", kind=Kind.INTEGER),
    Field(name="address", kind=Kind.OBJECT, members=ADDRESS),
    Field(
        name="tags",
        kind=Kind.ARRAY,
        min_items=1,
        max_items=3,
        unique_items=True,
        items=Field(name="", kind=Kind.STRING, min_length=1),
    ),
    Field(name="lines", kind=Kind.ARRAY, items=Field(name="", kind=Kind.OBJECT, members=LINE, required=True)),
    Field(
        name="grid",
        kind=Kind.ARRAY,
        items=Field(name="", kind=Kind.ARRAY, items=Field(name="", kind=Kind.INTEGER, maximum=9)),
    ),
    Field(name="sizes", kind=Kind.ARRAY, items=Field(name="", kind=Kind.NUMBER)),
    Field(name="days", kind=Kind.ARRAY, items=Field(name="", kind=Kind.DATE)),
    Field(
        name="pair",
        kind=Kind.OBJECT,
        min_properties=1,
        max_properties=1,
        members=(Field(name="a", kind=Kind.BOOLEAN), Field(name="b", kind=Kind.BOOLEAN)),
    ),
    Field(
        name="seen",
        kind=Kind.ARRAY,
        unique_items=True,
        items=Field(
            name="",
            kind=Kind.OBJECT,
            members=(Field(name="x", kind=Kind.INTEGER, maximum=5, criticality=Criticality.WARN),),
        ),
    ),
)  # fmt: skip
RULE = "address.geo.lat IS NULL OR address.geo.lon IS NOT NULL"
KINDS = Contract(id="n", version="1", event_time="id", fields=FIELDS).kinds
CONTRACT = Contract(
    id="nested",
    version="1",
    event_time="id",
    fields=FIELDS,
    rules=(Rule(name="both", expression=compile_condition(RULE, KINDS), criticality=Criticality.WARN),),
)

# Payload → code:field of each reason.
CASES: tuple[tuple[str, list[str]], ...] = (
    ('{"id":1,"address":{"zip":"01234","city":"x","geo":{"lat":1.5,"lon":2}},"tags":["a","b"]}', []),
    ('{"id":1,"lines":[{"price":1.25,"count":2,"at":"2026-01-31T00:00:00Z","marks":["m",null]},{"price":3}]}', []),
    ("{}", []),
    ('{"address":null,"tags":null,"lines":null,"pair":null}', []),
    ('{"lines":[],"grid":[],"days":[]}', []),
    ('{ "address" : { "city":"x", "zip" : "01234" } }', []),
    ('{"address":{"zip":"01234","new":{"deep":[1,"x"]}}}', []),
    ('{"lines":[{"price":1,"new":1},{"count":1,"price":2}]}', []),
    ('{"grid":[[1,2],[],null,[null]]}', []),
    ('{"sizes":[1,2.5,1e3,null]}', []),
    ('{"address":{"zip":"0123\\u0034"}}', []),
    ('{"id":1,"address":"x"}', ["wrong_type:address"]),
    ('{"address":[]}', ["wrong_type:address"]),
    ('{"address":[{"zip":"01234"}]}', ["wrong_type:address"]),
    ('{"address":""}', ["wrong_type:address"]),
    ('{"address":7}', ["wrong_type:address"]),
    ('{"address":{}}', ["required:address.zip"]),
    ('{"address":{"zip":null}}', ["required:address.zip"]),
    ('{"address":{"zip":1234}}', ["wrong_type:address.zip"]),
    ('{"address":{"zip":"123"}}', ["pattern:address.zip"]),
    ('{"address":{"zip":"01234","city":"01234567890"}}', ["length:address.city"]),
    ('{"address":{"zip":"01234","City":"x"}}', ["wrong_case:address.city"]),
    ('{"address":{"ZIP":"01234"}}', ["wrong_case:address.zip", "required:address.zip"]),
    ('{"address":{"zip":"01234","zip":"56789"}}', ["duplicate_key:"]),
    ('{"address":{"zip":"01234","new":{"a":1,"a":1}}}', ["duplicate_key:"]),
    ('{"address":{"zip":1,"zip":2}}', ["duplicate_key:"]),
    ('{"id":"1","address":{"zip":"a","zip":"a"}}', ["duplicate_key:"]),
    ('{"address":{"zip":"01234","geo":{"lat":"1.5"}}}', ["wrong_type:address.geo.lat"]),
    ('{"address":{"zip":"01234","geo":{"lat":90.5,"lon":1}}}', ["out_of_range:address.geo.lat"]),
    ('{"address":{"zip":"01234","geo":{"lat":1e400,"lon":1}}}', ["non_finite:address.geo.lat"]),
    ('{"address":{"zip":"01234","geo":{"lon":1}}}', ["required:address.geo.lat"]),
    ('{"address":{"zip":"01234","geo":[1,2]}}', ["wrong_type:address.geo"]),
    ('{"address":{"zip":"x","geo":{"lat":91,"lon":1}}}', ["pattern:address.zip", "out_of_range:address.geo.lat"]),
    ('{"tags":"a"}', ["wrong_type:tags"]),
    ('{"tags":{}}', ["wrong_type:tags"]),
    ('{"tags":["a",1]}', ["wrong_type:tags[]"]),
    ('{"tags":["a",{"x":"y"}]}', ["wrong_type:tags[]"]),
    ('{"tags":["a",["b"]]}', ["wrong_type:tags[]"]),
    ('{"tags":[true]}', ["wrong_type:tags[]"]),
    ('{"tags":["a",""]}', ["length:tags[]"]),
    ('{"tags":[]}', ["item_count:tags"]),
    ('{"tags":["a","b","c","d"]}', ["item_count:tags"]),
    ('{"tags":["a","b","a"]}', ["repeated_item:tags"]),
    ('{"tags":[null,null]}', ["repeated_item:tags"]),
    ('{"tags":["a"', ["malformed:"]),
    ('{"tags":["a"]}]', ["trailing_content:"]),
    ('{"tags":["\\ud800"]}', ["lone_surrogate:"]),
    ('{"lines":[null]}', ["required:lines[]"]),
    ('{"lines":[{"price":1},null]}', ["required:lines[]"]),
    ('{"lines":{"price":1}}', ["wrong_type:lines"]),
    ('{"lines":[{"price":1},"x"]}', ["wrong_type:lines[]"]),
    ('{"lines":[{"price":1},{}]}', ["required:lines[].price"]),
    ('{"lines":[{"price":"1"}]}', ["wrong_type:lines[].price"]),
    ('{"lines":[{"price":1.25},{"price":1.255}]}', ["inexact_decimal:lines[].price"]),
    ('{"lines":[{"price":10000}]}', ["out_of_range:lines[].price"]),
    ('{"lines":[{"price":-1}]}', ["out_of_range:lines[].price"]),
    ('{"lines":[{"price":1,"count":4}]}', ["not_allowed:lines[].count"]),
    ('{"lines":[{"price":1,"count":"2"},{"price":1,"count":2}]}', ["wrong_type:lines[].count"]),
    ('{"lines":[{"price":1,"count":2.0}]}', ["wrong_type:lines[].count"]),
    ('{"lines":[{"price":1,"count":99999999999999999999}]}', ["out_of_range:lines[].count"]),
    ('{"lines":[{"price":1,"Count":2}]}', ["wrong_case:lines[].count"]),
    ('{"lines":[{"price":1,"at":"2026-02-30T00:00:00Z"}]}', ["wrong_format:lines[].at"]),
    ('{"lines":[{"price":1,"at":"2026-01-31"}]}', ["wrong_format:lines[].at"]),
    ('{"lines":[{"price":1,"at":1769817600}]}', ["wrong_type:lines[].at"]),
    ('{"lines":[{"price":1,"at":"1800-01-01T00:00:00Z"}]}', ["implausible_time:lines[].at"]),
    ('{"lines":[{"price":1,"marks":["m",7]}]}', ["wrong_type:lines[].marks[]"]),
    ('{"lines":[{"price":1,"price":2}]}', ["duplicate_key:"]),
    ('{"grid":[[1,2],[3,10]]}', ["out_of_range:grid[][]"]),
    ('{"grid":[[1],2]}', ["wrong_type:grid[]"]),
    ('{"grid":[[1],["2"]]}', ["wrong_type:grid[][]"]),
    ('{"grid":[[1,2.0]]}', ["wrong_type:grid[][]"]),
    ('{"sizes":[1,"2"]}', ["wrong_type:sizes[]"]),
    ('{"sizes":[1,1e400]}', ["non_finite:sizes[]"]),
    ('{"sizes":[{"x":1}]}', ["wrong_type:sizes[]"]),
    ('{"days":["2026-01-31","2026-02-30"]}', ["wrong_format:days[]"]),
    ('{"days":[20260131]}', ["wrong_type:days[]"]),
    ('{"pair":{}}', ["member_count:pair"]),
    ('{"pair":{"a":null}}', ["member_count:pair"]),
    ('{"pair":{"a":true}}', []),
    ('{"pair":{"a":true,"b":false}}', ["member_count:pair"]),
    ('{"seen":[{"x":1},{"x":2}]}', []),
    ('{"seen":[{"x":1},{"x":1}]}', ["repeated_item:seen"]),
    ('{"tags":["a","a"],"lines":[{"price":-1}],"address":{"zip":"x"}}',
     ["pattern:address.zip", "repeated_item:tags", "out_of_range:lines[].price"]),
)  # fmt: skip

WARNED = (
    ('{"seen":[{"x":6},{"x":2}]}', ["seen[].x.out_of_range"]),
    ('{"address":{"zip":"01234","geo":{"lat":1}}}', ["both"]),
)


def judged(spark: SparkSession, payloads: list[str], contract: Contract) -> list[Row]:
    """The record of each payload, in their order, with its reasons and warnings as texts."""
    rows = [(number, payload.encode()) for number, payload in enumerate(payloads)]
    frame = judge(spark.createDataFrame(rows, "number INT, value BINARY").repartition(2), contract)
    said = F.expr("transform(reasons, r -> concat(r.code, ':', coalesce(r.field, '')))")
    warned = F.expr("transform(warnings, r -> r.rule)")
    found = frame.select("envelope.number", said.alias("said"), warned.alias("warned"), *contract.names).collect()
    assert sorted(row["number"] for row in found) == list(range(len(payloads)))
    return sorted(found, key=lambda row: int(row["number"]))


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> list[Row]:
    return judged(spark, [payload for payload, _ in (*CASES, *WARNED)], CONTRACT)


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: CASES[n][0][:60])
def test_reasons(rows: list[Row], number: int) -> None:
    assert rows[number]["said"] == CASES[number][1]


@pytest.mark.parametrize("number", range(len(WARNED)), ids=lambda n: WARNED[n][0])
def test_warnings_keep_the_record(rows: list[Row], number: int) -> None:
    row = rows[len(CASES) + number]
    assert (row["said"], row["warned"]) == ([], WARNED[number][1])


def test_types_of_columns() -> None:
    assert [column_type(field) for field in FIELDS[1:5]] == [
        "STRUCT<`zip`: STRING, `city`: STRING, `geo`: STRUCT<`lat`: DOUBLE, `lon`: DOUBLE>>",
        "ARRAY<STRING>",
        "ARRAY<STRUCT<`price`: DECIMAL(6,2), `count`: BIGINT, `at`: TIMESTAMP, `marks`: ARRAY<STRING>>>",
        "ARRAY<ARRAY<BIGINT>>",
    ]


# Values of each field as JSON: good ones, and such as from_json would take for good.
VALUES = {
    "id": ["1", "2", "null"],
    "address": [
        '{"zip":"01234"}', '{"zip":"01234","city":null,"geo":{"lat":1.5,"lon":-0.25}}', "null", '{"city":"x"}', "{}",
        '{"zip":"01234","city":"a\\"b"}', '{"zip":"01234","zip":"01235"}', '{"zip":"01234","Zip":"1"}', '"x"', "[]",
        '{"zip":"01234","geo":{"lat":"1"}}', '{"zip":"01234","geo":{"lat":1e3}}', '{"geo":{"lat":1},"zip":"01234"}',
        '{"zip":"01234","new":[{"q":1}]}',
    ],
    "tags": [
        '["a"]', '["a","b","c"]', "null", "[]", '["a","a"]', '["a",1]', '"a"', '["a","\\u00e9"]', '["]"]',
        '{}',
    ],
    "lines": [
        '[{"price":1.5}]', '[{"price":1,"count":2},{"price":0.1,"marks":["x"]}]', "[]", "null", "[null]",
        '[{"price":"1"}]',
        '[{"price":1},{"price":1.239}]', '[{"price":1.10}]', '[{"price":1,"at":"2013-01-01T10:00:00Z"}]',
        '[{"count":1}]',
        '[{"price":1,"count":1.0}]', '[{"price":1,"marks":[null,1]}]', '[{"price":1},[]]', '[{"price":99999}]',
    ],
    "grid": ["[[1,2],[3]]", "[[]]", "[]", "null", "[[1,null],null]", '[["1"]]', "[1]", "[[1.0]]", "[[10]]"],
    "sizes": ["[1,2.5]", "[]", "[1e3]", "[null,0.10]", '["1"]', "[1e999]", "[true]", "[[1]]", "[-0.0,1.0]"],
    "pair": ['{"a":true}', '{"a":false,"b":null}', "{}", "null", '{"a":1}', '{"a":"true"}'],
}  # fmt: skip


def made(random: Random) -> str:
    names = [name for name in VALUES if random.random() < 0.7]
    if random.random() < 0.2:
        random.shuffle(names)
    colon, comma = random.choice(((":", ","), (": ", ", ")))
    reach = random.choice((1, 2, 3, 99))
    text = comma.join(f'"{name}"{colon}{random.choice(VALUES[name][:reach])}' for name in names)
    text = "{" + (text.replace('":', '": ').replace(",", ", ") if random.random() < 0.1 else text) + "}"
    return text[:-1] + random.choice(("}", "}", "}", "}{}", "", ',"new":{"a":1,"a":1}}'))


def expected(field: Field, value: Any) -> Any:
    """The value a strict reader has for a field; ValueError where it is not of the field's kind."""
    if value is None:
        if field.required:
            raise ValueError(f"{field.name} is required")
        return None
    match field.kind:
        case Kind.OBJECT if isinstance(value, dict):
            if any(key.lower() == member.name and key != member.name for key in value for member in field.members):
                raise ValueError("wrong case")
            return {member.name: expected(member, value.get(member.name)) for member in field.members}
        case Kind.ARRAY if isinstance(value, list) and field.items:
            return [expected(field.items, one) for one in value]
        case Kind.INTEGER if type(value) is int:
            return value
        case Kind.BOOLEAN if type(value) is bool:
            return value
        case Kind.NUMBER if type(value) in (int, Decimal) and abs(float(value)) < float("inf"):
            return float(value)
        case Kind.DECIMAL if type(value) in (int, Decimal) and value == round(value, field.scale):
            return Decimal(value)
        case Kind.STRING | Kind.TIMESTAMP | Kind.DATE if isinstance(value, str):
            return value
    raise ValueError(f"{value!r} is not of kind {field.kind}")


def plain(field: Field, value: Any) -> Any:
    """A judged value as ``expected`` gives it; times are left to the literal cases."""
    if value is None:
        return None
    match field.kind:
        case Kind.OBJECT:
            return {member.name: plain(member, value[member.name]) for member in field.members}
        case Kind.ARRAY if field.items:
            return [plain(field.items, one) for one in value]
        case Kind.TIMESTAMP:
            return f"{value:%Y-%m-%dT%H:%M:%SZ}"
        case _:
            return value


def test_whatever_is_accepted_is_what_a_strict_reader_has(spark: SparkSession) -> None:
    random = Random(20260131)
    payloads = [made(random) for _ in range(4_000)]
    record = Field(name="", kind=Kind.OBJECT, members=FIELDS)
    accepted = 0
    for payload, row in zip(payloads, judged(spark, payloads, CONTRACT), strict=True):
        if not row["said"]:
            accepted += 1
            assert plain(record, row) == expected(record, strictly(payload)), payload
    assert 800 < accepted < 3_200


def test_what_a_strict_reader_refuses_has_a_reason_of_its_own(spark: SparkSession) -> None:
    """Read by itself each value is refused by both, or by the judge alone where a check of values says so."""
    values = [(field, value) for field in FIELDS for value in VALUES.get(field.name, ())]
    rows = judged(spark, [f'{{"{field.name}":{value}}}' for field, value in values], CONTRACT)
    checks = {"pattern", "length", "item_count", "repeated_item", "member_count", "out_of_range", "not_allowed"}
    for (field, value), row in zip(values, rows, strict=True):
        try:
            expected(field, strictly(f'{{"v":{value}}}')["v"])
        except ValueError:
            assert row["said"], value
        else:
            assert {said.split(":")[0] for said in row["said"]} <= checks, value


def test_what_is_nested_stands_in_the_table(spark: SparkSession, tmp_path: Path) -> None:
    """As ingest creates and fills it, read by another engine."""
    columns = ", ".join(f"`{field.name}` {column_type(field)}" for field in FIELDS)
    spark.sql(f"CREATE TABLE delta.`{tmp_path}` ({columns}) USING DELTA")
    payload = (
        '{"address":{"zip":"01234","geo":{"lat":1,"lon":2.5}},"grid":[[1,2],[]],"days":["2026-01-31"],'
        '"lines":[{"price":1.5,"at":"2026-01-31T10:00:00Z","marks":["m"]},{"price":2}]}'
    )
    rows = judge(spark.createDataFrame([(payload.encode(),)], "value BINARY"), CONTRACT)
    rows.select(*CONTRACT.names).write.format("delta").mode("append").save(str(tmp_path))

    (found,) = DeltaTable(str(tmp_path)).to_pyarrow_table().to_pylist()
    assert found == {
        "id": None,
        "address": {"zip": "01234", "city": None, "geo": {"lat": 1.0, "lon": 2.5}},
        "tags": None,
        "lines": [
            {
                "price": Decimal("1.50"),
                "count": None,
                "at": datetime(2026, 1, 31, 10, tzinfo=UTC),
                "marks": ["m"],
            },
            {"price": Decimal("2.00"), "count": None, "at": None, "marks": None},
        ],
        "grid": [[1, 2], []],
        "sizes": None,
        "days": [date(2026, 1, 31)],
        "pair": None,
        "seen": None,
    }


def test_an_array_of_any_length_is_judged(spark: SparkSession) -> None:
    many = ",".join(f'{{"x":{number % 6}}}' for number in range(60_000))
    (row,) = judged(spark, [f'{{"seen":[{many}]}}'], CONTRACT)
    assert row["said"] == ["repeated_item:seen"]


def test_eight_levels(spark: SparkSession) -> None:
    def level(number: int) -> Field:
        if number == 8:
            return Field(name="l8", kind=Kind.INTEGER)
        return Field(name=f"l{number}", kind=Kind.OBJECT, members=(level(number + 1),))

    contract = Contract(id="deep", version="1", event_time="l1", fields=(level(1),))
    opening = "".join(f'{{"l{number}":' for number in range(1, 9))
    rows = judged(spark, [opening + "1" + "}" * 8, opening + '"1"' + "}" * 8], contract)
    assert rows[0]["said"] == []
    assert rows[0]["l1"].asDict(recursive=True) == {"l2": {"l3": {"l4": {"l5": {"l6": {"l7": {"l8": 1}}}}}}}
    assert rows[1]["said"] == ["wrong_type:l1.l2.l3.l4.l5.l6.l7.l8"]
