"""Two versions of a contract side by side, record by record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pyspark.sql import SparkSession

from headrace.contracts.drift import drifts
from headrace.contracts.judge import judge
from headrace.contracts.misfits import misfits
from headrace.contracts.model import Contract, Field, Kind

OLD = Contract(
    id="orders",
    version="1.0.0",
    event_time="sent",
    fields=(
        Field(name="sent", kind=Kind.TIMESTAMP, required=True),
        Field(name="order", kind=Kind.INTEGER, required=True, primary_key=1),
        Field(name="price", kind=Kind.STRING),
        Field(name="shop", kind=Kind.STRING, required=True),
    ),
)
NEW = Contract(
    id="orders",
    version="2.0.0",
    event_time="at",
    former=OLD,
    fields=(
        Field(name="at", kind=Kind.TIMESTAMP, required=True),
        Field(name="order", kind=Kind.INTEGER, required=True, primary_key=1),
        Field(name="amount", kind=Kind.DECIMAL, precision=10, scale=2, required=True),
        Field(name="shop", kind=Kind.STRING, required=True, max_length=4),
    ),
)
AT, SENT = '"at":"2026-01-02T00:00:00Z"', '"sent":"2026-01-01T00:00:00Z"'


@pytest.mark.parametrize(
    ("payload", "version", "values", "others", "reasons"),
    [
        (f'{{{AT},"order":1,"amount":2.50,"shop":"oslo"}}', "2.0.0", ("02", 1, "2.50", "oslo"), None, []),
        (f'{{{SENT},"order":2,"price":"2 kr","shop":"bergen"}}', "1.0.0", ("01", 2, None, "bergen"),
         {"sent": '"2026-01-01T00:00:00Z"', "price": '"2 kr"'}, []),
        (f'{{{SENT},"order":3,"shop":"oslo","new":1}}', "1.0.0", ("01", 3, None, "oslo"),
         {"sent": '"2026-01-01T00:00:00Z"', "new": "1"}, []),
        (f'{{{SENT},"order":5,"shop":"oslo","amount":"12.50 EUR","new":1}}', "1.0.0", ("01", 5, None, "oslo"),
         {"sent": '"2026-01-01T00:00:00Z"', "amount": '"12.50 EUR"', "new": "1"}, []),
        (f'{{{SENT},"order":"4","shop":"oslo"}}', "2.0.0", (None, None, None, "oslo"),
         {"sent": '"2026-01-01T00:00:00Z"'}, ["order.wrong_type", "at.required", "amount.required"]),
        ("{", "2.0.0", (None, None, None, None), None, ["malformed"]),
    ],
)  # fmt: skip
def test_what_the_contract_rejects_the_former_may_accept(
    spark: SparkSession,
    payload: str,
    version: str,
    values: tuple[str | None, int | None, str | None, str | None],
    others: dict[str, str] | None,
    reasons: list[str],
) -> None:
    frame = spark.createDataFrame([(payload.encode(), "one")], "value BINARY, record_id STRING")
    row = judge(frame, NEW).first()
    assert row is not None
    assert set(row.asDict()) == {
        "envelope", "at", "order", "amount", "shop", "event_time", "reasons", "warnings", "others", "contract_version",
    }  # fmt: skip
    assert row["envelope"].asDict() == {"value": payload.encode(), "record_id": "one"}
    assert row["contract_version"] == version
    day = None if row["event_time"] is None else f"{row['event_time']:%d}"
    amount = None if row["amount"] is None else str(row["amount"])
    assert (day, row["order"], amount, row["shop"]) == values
    assert row["others"] == others
    assert sorted(each["rule"] for each in row["reasons"]) == sorted(reasons)


def test_the_event_time_may_move_into_an_envelope(spark: SparkSession) -> None:
    members = (Field(name="ts_ms", kind=Kind.TIMESTAMP, format="epoch_millis", required=True),)
    payload = Field(name="payload", kind=Kind.OBJECT, required=True, members=members)
    number = Field(name="ts", kind=Kind.TIMESTAMP, format="epoch_second", required=True)
    old = Contract(id="moves", version="1", event_time="ts", fields=(number,))
    text = replace(number, format=None)
    new = Contract(id="moves", version="2", event_time="payload.ts_ms", fields=(payload, replace(text, required=False)))
    assert list(misfits(new, old)) == []
    payloads = (
        '{"payload":{"ts_ms":1388534400000},"ts":"2014-01-01T00:00:00Z"}',
        '{"ts":1388534401}',
        '{"payload":null,"ts":"2014-01-01T00:00:00Z"}',
    )
    frame = spark.createDataFrame([(text.encode(),) for text in payloads], "value BINARY")
    rows = judge(frame, replace(new, former=old)).selectExpr(
        "contract_version", "unix_millis(event_time)", "unix_seconds(ts)", "payload.ts_ms IS NULL", "reasons.rule"
    )
    assert [tuple(row) for row in rows.collect()] == [
        ("2", 1_388_534_400_000, 1_388_534_400, False, []),
        ("1", 1_388_534_401_000, 1_388_534_401, True, []),
        ("2", None, 1_388_534_400, True, ["payload.required"]),
    ]


def test_what_the_former_contract_accepted_is_no_drift(spark: SparkSession) -> None:
    payloads = [
        f'{{{SENT},"order":2,"price":"2 kr","shop":"oslo"}}',
        f'{{{AT},"order":1,"amount":2,"shop":"x","new":1}}',
    ]
    columns = (
        "value BINARY, record_id STRING, source STRUCT<arrived_at: STRING, name: STRING, partition: INT, position: INT>"
    )
    frame = spark.createDataFrame([(text.encode(), text, None) for text in payloads], columns)
    assert [(one.kind, one.field) for one in drifts(judge(frame, NEW), NEW)] == [("unknown_field", "new")]


def test_what_cannot_share_a_table() -> None:
    assert list(misfits(NEW, OLD)) == []
    other = replace(
        OLD,
        version="2.0.0",
        fields=(*OLD.fields[:1], Field(name="Shop", kind=Kind.STRING), Field(name="amount", kind=Kind.NUMBER)),
    )
    assert list(misfits(NEW, other)) == [
        "has version 2.0.0 too: rows could not tell which accepted them",
        "has Shop, which differs from shop only in upper and lower case",
        "has amount as number, not decimal(10,2): give the new field another name",
        "has no order, which is in the primary key",
    ]


def test_a_former_contract_decides_too() -> None:
    alone = replace(NEW, former=None)
    assert NEW.fingerprint != alone.fingerprint
    assert replace(NEW, former=replace(OLD, description="said otherwise")).fingerprint == NEW.fingerprint
    assert replace(NEW, former=replace(OLD, max_bytes=5)).fingerprint != NEW.fingerprint
