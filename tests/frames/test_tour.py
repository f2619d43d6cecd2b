"""The analysts' tour says the same wherever it runs: by Spark in a catalog or over folders, and by DuckDB."""

from __future__ import annotations

import base64
import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests import flights

from headrace.flows.catalog import tables
from headrace.flows.project import Project, load
from headrace.flows.queries import create_tables
from headrace.io.lake import Lake, Writer

TOUR = flights.CONF.parent / "notebooks" / "tour.py"
SCHEMA = "spark_catalog.tour"
OVERLAY = "storage: {root: null, catalog: spark_catalog, schema: tour, checkpoints: none}\n"
NINE, TEN, ELEVEN = (f"2013-01-01T{hour}:00:00Z" for hour in ("09", "10", "11"))
BAD_BYTES = b'{"origin": "\xff"}'


def ledger_row(flow: str, subject: str, **counts: int) -> dict[str, object]:
    row = {"flow": flow, "subject": subject, "slice": "s", "rows_in": sum(counts.values()), "outcomes": counts}
    return {**row, "high_water": TEN, "watermark": TEN, "batch_time": TEN, "query_id": f"{flow}.{subject}"}


def window(origin: str, end: str, **values: float) -> dict[str, object]:
    row = {"origin": origin, "window_start": NINE, "window_end": end, "window_date": "2013-01-01", "records": 2}
    return {**row, **values, "computed_at": TEN, "query_id": "features.origin_departures"}


def decision(number: int, probability: float, ages: dict[str, int], behind: list[str]) -> dict[str, object]:
    row = {"record_id": f"d{number}", "model_version": "1", "signal_query_id": "ingest.departures", "query_id": "s"}
    return {**row, "probability_late": probability, "feature_ages": ages, "behind": behind}


ROWS: dict[str, list[dict[str, object]]] = {
    "ledger": [
        ledger_row("ingest", "departures", accepted=2, rejected=1),
        ledger_row("ingest", "arrivals", accepted=3, rejected=0),
        ledger_row("features", "origin_departures", windowed=2),
        ledger_row("score", "arrives_late", predicted=1, skipped=0) | {"rows_in": 2},
    ],
    "dead_letters": [
        {
            "record_id": "d9",
            "signal": "departures",
            "reasons": [{"code": "invalid_utf8", "rule": "utf8", "field": None, "message": "m"}],
            "value": base64.b64encode(BAD_BYTES).decode(),
        }
    ],
    "features_origin_departures_log": [
        window("EWR", TEN, flights=2, mean_dep_delay=3.25, max_dep_delay=5),
        window("EWR", ELEVEN, flights=1, mean_dep_delay=4.0, max_dep_delay=4) | {"window_start": TEN},
        window("JFK", TEN, flights=1, mean_dep_delay=-1.0, max_dep_delay=-1),
    ],
    "signals_departures": [
        {"record_id": f"d{number}", "flight_id": f"f{number}", "query_id": "ingest.departures"} for number in (1, 2)
    ],
    "signals_arrivals": [
        {"record_id": "a1", "flight_id": "f1", "event_time": TEN, "arr_delay": 40},
        {"record_id": "a2", "flight_id": "f1", "event_time": ELEVEN, "arr_delay": 0},  # a duplicate: the first counts
        {"record_id": "a3", "flight_id": "f2", "event_time": TEN, "arr_delay": 2},
    ],
    "predictions_arrives_late": [
        decision(1, 0.75, {"origin_departures": 60_000, "airport_weather": 90_000}, []),
        decision(2, 0.125, {"origin_departures": 180_000}, ["airport_weather"]),
    ],
}

SHOWN = {
    "What arrived": [
        "signal arrived accepted rejected reached",
        "arrivals 3 3 0 2013-01-01 10:00:00",
        "departures 3 2 1 2013-01-01 10:00:00",
    ],
    "What was rejected, and why": [
        "signal code rule records example",
        r"""departures invalid_utf8 utf8 1 b'{"origin": "\xff"}'""",
    ],
    "What is known now: departures of the last hour": [
        "origin window_start window_end flights mean_dep_delay max_dep_delay",
        "EWR 2013-01-01 10:00:00 2013-01-01 11:00:00 1 4.0 4",
        "JFK 2013-01-01 09:00:00 2013-01-01 10:00:00 1 -1.0 -1",
    ],
    "Final windows": [
        "feature_set windows newest",
        "origin_departures 2 2013-01-01 10:00:00",
        "origin_arrivals 0 NaT",
        "airport_weather 0 NaT",
    ],
    "How the decisions turned out": [
        "version from_probability decisions said_late were_late",
        "1 0.0 1 0.125 0.0",
        "1 0.6 1 0.750 1.0",
    ],
    "How old the inputs were": [
        "feature_set with_value without_value mean_minutes oldest_minutes behind",
        "origin_departures 2 0 2.0 3.0 0",
        "origin_arrivals 0 2 NaN NaN 0",
        "airport_weather 1 1 1.5 1.5 1",
    ],
    "Does the ledger balance?": [
        "flow subject batches rows_in accounted_for",
        "features origin_departures 1 2 2",
        "ingest arrivals 1 3 3",
        "ingest departures 1 3 3",
        "score arrives_late 1 2 1",
    ],
    "It does not balance:": [
        "flow subject batches rows_in accounted_for",
        "3 score arrives_late 1 2 1",
    ],
}


@pytest.fixture
def named(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Tables and views in a catalog, whose folders lie where environment ``local`` has its own."""
    home, conf = tmp_path / "home", tmp_path / "conf"
    shutil.copytree(flights.CONF, conf)
    (conf / "catalog").mkdir()
    (conf / "catalog" / "headrace.yml").write_text(OVERLAY)
    monkeypatch.setenv("HEADRACE_HOME", str(home))
    monkeypatch.setenv("HEADRACE_CONF", str(conf))
    spark.sql(f"CREATE SCHEMA {SCHEMA} LOCATION '{home}/tables'")
    project = load(conf, "catalog", {"HEADRACE_HOME": str(home)})
    create_tables(spark, project)
    lake = Lake(project.settings.storage)
    for table in tables(project):
        if rows := [{"batch_id": 0, **row} for row in ROWS.get(table.name, ())]:
            lake.append_rows(spark, rows, table, Writer("q", 0))
    yield project
    for view in spark.catalog.listTables():
        if view.isTemporary:
            spark.catalog.dropTempView(view.name)
    spark.sql("USE spark_catalog.default")
    spark.sql(f"DROP SCHEMA {SCHEMA} CASCADE")


def shown(capsys: pytest.CaptureFixture[str], **given: object) -> dict[str, list[str]]:
    """The lines under each title. With a session given, the tour is run as a notebook runs it."""
    capsys.readouterr()
    runpy.run_path(str(TOUR), init_globals={**given, "display": lambda frame: print(frame.to_string(index=False))})
    parts = capsys.readouterr().out.replace("balance:\n", "balance:\n\n").strip().split("\n\n")
    return {
        title: [" ".join(line.split()) for line in lines.splitlines()]
        for title, lines in zip(parts[::2], parts[1::2], strict=True)
    }


@pytest.mark.usefixtures("named")
def test_the_tour_says_the_same_in_spark_and_in_duckdb(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADRACE_ENV", "catalog")
    assert shown(capsys, spark=spark) == SHOWN
    monkeypatch.setenv("HEADRACE_ENV", "local")
    assert shown(capsys, spark=spark) == SHOWN
    assert shown(capsys) == SHOWN
