"""Members a contract does not name: kept aside or rejected, never lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from headrace.contracts.drift import Drift, drifts
from headrace.contracts.judge import judge
from headrace.contracts.model import Contract, Criticality, Field, Kind, Unknown

CONTRACT = Contract(
    id="test",
    version="1",
    event_time="t",
    fields=(
        Field(name="t", kind=Kind.TIMESTAMP),
        Field(name="a", kind=Kind.INTEGER),
        Field(name="e", kind=Kind.STRING, allowed=("x", "y")),
        Field(name="w", kind=Kind.STRING, allowed=("x",), criticality=Criticality.WARN),
    ),
)


@pytest.mark.parametrize(
    ("payload", "others", "rejected_for"),
    [
        (b'{"a":1}', None, []),
        (b'{"a":1,"new":2}', {"new": "2"}, ["unknown_field:new"]),
        (
            b'{"n":null,"s":"t","o":{"p":[1, 2]},"a":1,"d.o[t]\'":1.50}',
            {"n": "null", "s": '"t"', "o": '{"p":[1, 2]}', "d.o[t]'": "1.50"},
            ["unknown_field:n", "unknown_field:s", "unknown_field:o", "unknown_field:d.o[t]'"],
        ),
        (b"[1]", None, ["not_an_object:"]),
        (b'{"new":', None, ["malformed:"]),
        (b'{"A":1}', {"A": "1"}, ["wrong_case:a", "unknown_field:A"]),
    ],
)
def test_unknown_members(
    spark: SparkSession, payload: bytes, others: dict[str, str] | None, rejected_for: list[str]
) -> None:
    frame = spark.createDataFrame([(payload,)], "value BINARY")
    row = judge(frame, CONTRACT).select("others").first()
    assert row is not None
    assert row["others"] == others
    said = F.expr("transform(reasons, r -> concat(r.code, ':', coalesce(r.field, '')))").alias("said")
    strict = judge(frame, replace(CONTRACT, unknown=Unknown.REJECT)).select(said, "reasons.rule").first()
    assert strict is not None
    assert strict["said"] == rejected_for


INNER = Field(name="inner", kind=Kind.OBJECT, members=(Field(name="x", kind=Kind.INTEGER),))
NESTED = Contract(
    id="test",
    version="1",
    event_time="t",
    fields=(
        Field(name="t", kind=Kind.TIMESTAMP),
        Field(name="o", kind=Kind.OBJECT, members=(Field(name="a", kind=Kind.INTEGER), INNER)),
        Field(name="l", kind=Kind.ARRAY, items=INNER),
    ),
)


@pytest.mark.parametrize(
    ("payload", "others", "paths"),
    [
        ('{"o":{"a":1},"l":[{"x":1},{}]}', None, []),
        ('{"o":{"a":1,"b":2}}', {"o": '{"a":1,"b":2}'}, ["o.b"]),
        ('{"o":{"inner":{"x":1,"y":[2]}},"b":3}', {"o": '{"inner":{"x":1,"y":[2]}}', "b": "3"}, ["b", "o.inner.y"]),
        ('{"l":[{"x":1},{"y":0,"z":null},{"y":2}]}', {"l": '[{"x":1},{"y":0,"z":null},{"y":2}]'}, ["l[].y", "l[].z"]),
        ('{"o.b":1,"o":{"b":2}}', {"o.b": "1", "o": '{"b":2}'}, ["o.b"]),
    ],
)  # fmt: skip
def test_what_is_unknown_in_a_field_keeps_the_whole_of_it(
    spark: SparkSession, payload: str, others: dict[str, str] | None, paths: list[str]
) -> None:
    frame = spark.createDataFrame([(payload.encode(),)], "value BINARY")
    row = judge(frame, NESTED).select("others", "reasons").first()
    assert row is not None
    assert (row["others"], row["reasons"]) == (others, [])
    strict = judge(frame, replace(NESTED, unknown=Unknown.REJECT)).select("reasons.code", "reasons.field").first()
    assert strict is not None
    assert sorted(set(strict["field"])) == paths
    assert set(strict["code"]) <= {"unknown_field"}


def test_drift_is_what_reasons_warnings_and_members_say(spark: SparkSession) -> None:
    payloads = [
        b'{"a":1,"e":"x"}',
        b'{"a":"1","e":"z"}',
        b'{"a":2,"e":"z: no"}',
        b'{"a":1.5,"new":1}',
        b'{"a":true,"new":2}',
        b'{"a":3,"new":{"b":1},"w":"q"}',
        b"{",
    ]
    source = "named_struct('arrived_at', now(), 'name', 'f', 'partition', CAST(NULL AS INT), 'position', number)"
    numbered = spark.createDataFrame(list(enumerate(payloads)), "number BIGINT, value BINARY")
    frame = numbered.selectExpr("value", f"{source} AS source", "concat('f#', number) AS record_id")
    found = sorted(
        (one.kind, one.field, one.detail, one.records, one.record_id)
        for one in drifts(judge(frame, CONTRACT), CONTRACT)
    )
    assert found == [
        ("changed_type", "a", "boolean", 1, "f#4"),
        ("changed_type", "a", "number", 1, "f#3"),
        ("changed_type", "a", "string", 1, "f#1"),
        ("new_value", "e", "z", 1, "f#1"),
        ("new_value", "e", "z: no", 1, "f#2"),
        ("new_value", "w", "q", 1, "f#5"),
        ("unknown_field", "new", "number", 2, "f#3"),
        ("unknown_field", "new", "object", 1, "f#5"),
    ]
    assert all(isinstance(one, Drift) for one in drifts(judge(frame, CONTRACT), CONTRACT))
