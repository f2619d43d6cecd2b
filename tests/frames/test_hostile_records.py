"""Thousands of hostile records before the judge, those no file of lines can hold among them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests.hostile.contract import CONTRACT
from tests.hostile.records import FUTURE_REASON, Planted, records

from headrace.contracts.judge import judge
from headrace.contracts.model import Kind

START = datetime(2026, 1, 1, tzinfo=UTC)
MANY = 4_000

Judged = Mapping[int, tuple[Planted, Mapping[str, Any]]]


@pytest.fixture(scope="module")
def judged(spark: SparkSession) -> Judged:
    """Each record with its row: fields, times as text, and ``reasons`` as pairs of code and field."""
    sent = dict(enumerate(islice(records(20260101, START, lines=False), MANY)))
    rows = [(number, record.payload) for number, record in sent.items()]
    frame = judge(spark.createDataFrame(rows, "number INT, value BINARY").repartition(2), CONTRACT)
    times = [field.name for field in CONTRACT.fields if field.kind in (Kind.TIMESTAMP, Kind.DATE)]
    found = frame.select(
        "envelope.number",
        *[F.col(name).cast("string").alias(name) if name in times else F.col(name) for name in CONTRACT.names],
        F.expr("transform(reasons, r -> struct(r.code, r.field))").alias("reasons"),
    ).collect()
    assert sorted(row["number"] for row in found) == sorted(sent)
    return {row["number"]: (sent[row["number"]], row.asDict()) for row in found}


def test_no_good_record_is_rejected(judged: Judged) -> None:
    refused = [
        (record.payload, row["reasons"])
        for record, row in judged.values()
        if record.reason in (None, FUTURE_REASON) and row["reasons"]
    ]
    assert refused == []


def test_every_planted_reason_is_found_and_names_its_field(judged: Judged) -> None:
    missed = [
        (record.kind, record.payload and record.payload[:2_000], record.reason, row["reasons"])
        for record, row in judged.values()
        if record.reason not in (None, FUTURE_REASON) and not _found(record, row["reasons"])
    ]
    assert missed == []


def _found(record: Planted, reasons: list[tuple[str, str | None]]) -> bool:
    return any(code == record.reason and record.field in (None, field) for code, field in reasons)


def test_what_is_accepted_is_what_another_parser_reads(judged: Judged) -> None:
    """No value is rounded, cut, cast or lost on its way into a column."""
    differing = []
    for record, row in judged.values():
        if record.reason is None:
            assert record.payload is not None
            there = json.loads(record.payload, parse_float=Decimal)
            differing += [
                (field.name, there.get(field.name), row[field.name])
                for field in CONTRACT.fields
                if field.kind not in (Kind.TIMESTAMP, Kind.DATE)
                and not _same(field.kind, there.get(field.name), row[field.name])
            ]
    assert differing == []


def _same(kind: Kind, sent: Any, kept: Any) -> bool:
    if sent is None or kept is None:
        return sent is kept
    if kind is Kind.NUMBER:
        return bool(float(sent) == kept)
    return bool(Decimal(sent) == kept) if kind is Kind.DECIMAL else bool(sent == kept)
