"""Members a contract does not name become columns: what is of the column's kind is in it, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql import SparkSession

from headrace.contracts.evolve import MOST_COLUMNS, evolved, grown, new_members, with_new
from headrace.contracts.judge import judge
from headrace.contracts.model import Contract, Field, Kind, Unknown

OLD = Contract(
    id="test",
    version="0",
    event_time="t",
    fields=(Field(name="t", kind=Kind.TIMESTAMP), Field(name="gone", kind=Kind.STRING)),
)
CONTRACT = Contract(
    id="test",
    version="1",
    event_time="t",
    fields=(Field(name="t", kind=Kind.TIMESTAMP), Field(name="a", kind=Kind.INTEGER)),
    unknown=Unknown.EVOLVE,
    former=OLD,
)
COLUMNS = {"s": Kind.STRING, "i": Kind.INTEGER, "n": Kind.NUMBER, "b": Kind.BOOLEAN}
TABLE = {"t": "timestamp", "a": "bigint", "record_id": "string", "others": "map<string,string>"}


NOTHING = (None, None, None, None)
CASES: dict[str, tuple[tuple[object, ...], dict[str, str] | None]] = {
    '{"a":1}': (NOTHING, None),
    '{"s":"x\\"\\u00e9\\n","i":-7,"n":1.5,"b":false}': (('x"é\n', -7, 1.5, False), None),
    '{"s":"","i":9223372036854775807,"n":12,"b":true}': (("", 9223372036854775807, 12.0, True), None),
    '{"s":null,"i":null,"n":null,"b":null,"o":null}': (NOTHING, {"o": "null"}),
    '{"s":5,"i":1.5,"n":"1","b":1}': (NOTHING, {"s": "5", "i": "1.5", "n": '"1"', "b": "1"}),
    '{"s":true,"i":"7","n":false,"b":"true"}': (NOTHING, {"s": "true", "i": '"7"', "n": "false", "b": '"true"'}),
    '{"s":{"x":1},"i":[1],"n":{},"b":[]}': (NOTHING, {"s": '{"x":1}', "i": "[1]", "n": "{}", "b": "[]"}),
    '{"i":9223372036854775808,"n":9007199254740993}': (
        NOTHING,
        {"i": "9223372036854775808", "n": "9007199254740993"},
    ),
    '{"n":1e400,"s":"null"}': (("null", None, None, None), {"n": "1e400"}),
    '{"n":-2.5e-7,"S":"x","":"y"}': ((None, None, -2.5e-7, None), {"S": '"x"', "": '"y"'}),
}  # fmt: skip


def test_a_value_is_in_its_column_or_aside(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(payload.encode(),) for payload in CASES], "value BINARY")
    rows = evolved(judge(frame, replace(CONTRACT, former=None)), COLUMNS).collect()
    found = {row["envelope"]["value"].decode(): (tuple(row[name] for name in COLUMNS), row["others"]) for row in rows}
    assert found == CASES
    assert [row["reasons"] for row in rows] == [[]] * len(CASES)


def test_the_kinds_of_what_is_new(spark: SparkSession) -> None:
    rows = [
        ({"s": '"1"', "i": "1", "n": "1", "b": "true", "o": '{"x":1}', "l": "[1]", "mixed": "1", "z": "null"}, "1"),
        ({"s": '"2"', "i": "2", "n": "0.5", "b": "false", "mixed": '"1"', "long": "12345678901234567890"}, "1"),
        ({"s": '"3"', "not plain": "1", "d.o": "1", "": "1", "_x": "1", "KNOWN": "1", "Others": "1"}, "1"),
        ({"gone": '"x"', "A": "1", "Reasons": "1"}, "1"),
        ({"of_the_former": "1"}, "0"),
        (None, "1"),
    ]
    frame = spark.createDataFrame(rows, "others MAP<STRING, STRING>, contract_version STRING")
    found = new_members(frame, CONTRACT, {**TABLE, "known": "bigint"})
    assert found == COLUMNS
    assert next(iter(found)) == "s", "those of most records come first"


def test_a_name_is_one_column_whatever_its_case() -> None:
    sent = dict.fromkeys(("A", "x", "X", "GONE", "late_by", "Envelope", "y"), Kind.INTEGER)
    assert with_new({**TABLE, "Y": "string"}, sent, CONTRACT) == {"Y": Kind.STRING, "x": Kind.INTEGER}


def test_columns_that_are_there_are_filled_again() -> None:
    there = {**TABLE, "x": "double", "day": "date", "list": "array<bigint>", "gone": "string", "was": "boolean"}
    assert grown(there, CONTRACT) == {"x": Kind.NUMBER, "was": Kind.BOOLEAN}
    assert grown(there, replace(CONTRACT, former=None)) == {
        "x": Kind.NUMBER, "gone": Kind.STRING, "was": Kind.BOOLEAN,
    }  # fmt: skip
    named = replace(CONTRACT, fields=(*CONTRACT.fields, Field(name="X", kind=Kind.NUMBER)))
    assert grown(there, named) == {"was": Kind.BOOLEAN}
    assert grown(there, replace(CONTRACT, unknown=Unknown.KEEP)) == {}


def test_a_table_grows_so_far_and_no_farther() -> None:
    sent = {f"n{number}": Kind.STRING for number in range(MOST_COLUMNS + 5)}
    first = with_new(TABLE, sent, CONTRACT)
    assert list(first) == [f"n{number}" for number in range(MOST_COLUMNS)]
    there = {**TABLE, **dict.fromkeys(first, "string")}
    assert with_new(there, {"more": Kind.STRING}, CONTRACT) == first
