"""A sample of what a batch accepted, judged while the query runs: measured, and never worth the query."""

from __future__ import annotations

from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import pytest
from pyspark.sql import SparkSession
from tests import flights

from headrace.config import Quality
from headrace.flows.project import Project
from headrace.io import data_docs
from headrace.io.lake import Lake

pytestmark = pytest.mark.long


def audited(home: Path, quality: Quality | None) -> Project:
    """Three days of weather, a day a batch, of which samples are judged."""
    project = flights.project(home)
    weather = project.settings.signals["weather"].model_copy(update={"quality": quality})
    sent = flights.sent(date(2013, 1, 1), date(2013, 1, 4), share=0.0)
    flights.landed(home, [record for record in sent if record.signal == "weather"])
    return flights.with_settings(project, signals={**project.settings.signals, "weather": weather})


def measured(spark: SparkSession, project: Project) -> list[Any]:
    rows = Lake(project.settings.storage).read(spark, "measurements")
    return rows.orderBy("batch_id", "metric", "segment").collect()


@pytest.mark.skipif(find_spec("great_expectations") is None, reason="needs the extra quality")
def test_the_first_of_every_two_batches_is_sampled(spark: SparkSession, tmp_path: Path) -> None:
    project = audited(tmp_path, Quality(every=2, rows=50))

    flights.taken(spark, project, "ingest.weather")

    found = measured(spark, project)
    assert {row["batch_id"] for row in found} == {0, 2}
    assert {(row["metric"], row["subject"], row["value"], row["records"]) for row in found} == {
        ("sample_unexpected_share", "weather", 0.0, 50)
    }
    assert len(found) == 2 * 23
    assert [row["details"] for row in found if row["segment"] == "wind_speed.out_of_range"] == [
        {"severity": "warn", "broken": ""}
    ] * 2
    assert len(list((tmp_path / "tables/data_docs/pages/validations/weather").glob("batch */*/*.html"))) == 2


def test_a_sample_that_cannot_be_judged_is_measured_and_the_query_goes_on(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> NoReturn:
        raise RuntimeError("no suite today")

    monkeypatch.setattr(data_docs, "run", broken)
    project = audited(tmp_path, Quality(every=1, rows=50))

    flights.taken(spark, project, "ingest.weather")

    found = [(row["batch_id"], row["metric"], row["value"], row["details"]) for row in measured(spark, project)]
    assert found == [(batch_id, "samples_not_judged", 1.0, {"error": "no suite today"}) for batch_id in range(3)]
    book = Lake(project.settings.storage).read(spark, "ledger").where("rows_in > 0")
    assert sorted(row["batch_id"] for row in book.collect()) == [0, 1, 2]


def test_nothing_is_sampled_unasked(spark: SparkSession, tmp_path: Path) -> None:
    project = audited(tmp_path, None)

    flights.taken(spark, project, "ingest.weather")

    assert measured(spark, project) == []
