"""A question to a table has one answer, whoever reads the table."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pyspark.sql import SparkSession

from headrace.config import Storage
from headrace.flows.plans.features import FeaturesPlan
from headrace.flows.plans.score import ScorePlan
from headrace.flows.sources import Cause, paused
from headrace.io.lake import Lake, Writer, local_rows
from headrace.io.ledger import Entry, ended_at, last_batches, record, record_end
from headrace.io.plans import plan_of, planned, withdraw
from headrace.tables import BATCH_PLANS, LEDGER, SOURCE_LOG

AT = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


@pytest.fixture(scope="module", params=["tables", "tables%41 [1]"], ids=["without Spark", "by Spark"])
def lake(request: pytest.FixtureRequest, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(Storage(root=str(tmp_path_factory.mktemp("query") / request.param)))
    for table in (SOURCE_LOG, LEDGER, BATCH_PLANS):
        lake.create(spark, table)
    return lake


def test_paused_sources_are_those_whose_newest_transition_says_so(spark: SparkSession, lake: Lake) -> None:
    assert paused(spark, lake) == frozenset()
    states = (("a", 1, "paused"), ("a", 2, "running"), ("b", 1, "running"), ("b", 2, "paused"), ("c", 1, "paused"))
    rows = [
        {"signal": signal, "sequence": sequence, "state": state, "cause": Cause.OPERATOR, "note": "", "changed_at": AT}
        for signal, sequence, state in states
    ]
    lake.append(local_rows(spark, SOURCE_LOG, rows), SOURCE_LOG, Writer("s", 0))
    assert paused(spark, lake) == {"b", "c"}


def test_the_ledger_says_how_far_each_query_is_and_where_its_input_ended(spark: SparkSession, lake: Lake) -> None:
    assert last_batches(spark, lake, ("ingest",), "a") == {}
    assert ended_at(spark, lake, "q") is None
    for query_id, batch_id, flow, subject in (
        ("q", 0, "ingest", "a"), ("q", 1, "ingest", "a"), ("r", 4, "replay", "a"), ("x", 7, "ingest", "it's"),
    ):  # fmt: skip
        entry = Entry(flow=flow, subject=subject, slice="f", rows_in=1, outcomes={"accepted": 1}, batch_time=AT)
        record(spark, lake, [entry], Writer(query_id, batch_id))
    end = Entry(
        flow="ingest", subject="a", slice="end", rows_in=0, outcomes={}, batch_time=AT, high_water=AT, end_of_input=True
    )
    record_end(spark, lake, end, Writer("q", 1))

    assert last_batches(spark, lake, ("ingest",), "a") == {"q": 1}
    assert last_batches(spark, lake, ("ingest", "replay"), "a") == {"q": 1, "r": 4}
    assert last_batches(spark, lake, ("ingest",), "it's") == {"x": 7}
    assert ended_at(spark, lake, "q") == 1772366400
    assert ended_at(spark, lake, "r") is None
    assert ended_at(spark, lake, None) is None


def test_a_plan_is_found_again_and_one_that_was_withdrawn_is_none(
    spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (
        FeaturesPlan(definition=name, read=("q/1",), high_water=1, watermark=None) for name in ("first", "second")
    )
    planned(spark, lake, FeaturesPlan, "a", Writer("p", 0), at=AT, choose=lambda: first)
    planned(spark, lake, FeaturesPlan, "a", Writer("p", 1), at=AT, choose=lambda: second)
    withdraw(spark, lake, FeaturesPlan, "a", Writer("p", 1), at=AT)
    monkeypatch.setattr("headrace.io.plans._newest", {})

    assert plan_of(spark, lake, FeaturesPlan, "a", Writer("p", 0)) == first
    assert plan_of(spark, lake, FeaturesPlan, "a", Writer("p", 1)) is None
    assert plan_of(spark, lake, FeaturesPlan, "a", Writer("p", 2)) is None
    assert plan_of(spark, lake, ScorePlan, "a", Writer("p", 0)) is None
