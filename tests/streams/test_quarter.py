"""A quarter of flights: a stream, one that crashes twenty times, a backfill, a later generation and DuckDB agree."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from delta.tables import DeltaTable
from deltalake import DeltaTable as Table_
from pyspark.sql import SparkSession
from tests import flights
from tests.differences import differences
from tests.streams.conftest import Taken
from tests.streams.test_features import final
from tests.writes import Write, around_writes

from headrace.features.spec import FeatureSet
from headrace.flows.backfill import backfill
from headrace.flows.feature_check import check as compare
from headrace.flows.project import Project, load
from headrace.flows.renew import renew

pytestmark = pytest.mark.long

FIRST, END = date(2013, 1, 1), date(2013, 4, 1)
CRASHES = 20
COMMON = {"delay": "30 minutes", "time_to_live": "1 day"}
SETS: dict[str, dict[str, Any]] = {
    # Sliding windows of three lengths.
    "origin_departures": {
        "signal": "departures",
        "entity": ["origin"],
        "window": {"length": ["1 hour", "3 hours", "1 day"], "slide": "30 minutes"},
        "features": {
            "flights": {"op": "count"},
            "left": {"op": "count", "of": "dep_delay"},
            "mean": {"op": "mean", "of": "dep_delay"},
            "spread": {"op": "stddev", "of": "dep_delay", "over": ["1 day"]},
            "most": {"op": "max", "of": "dep_delay", "over": ["1 hour", "1 day"]},
            "late": {"op": "share", "of": "dep_delay > 15"},
            "median": {"op": "approx_quantile", "of": "dep_delay", "at": 0.5},
            "far": {"op": "rate", "per": "1 hour", "where": "distance > 1000"},
            "quiet": {"op": "since_last", "of": "dep_delay", "over": ["3 hours"]},
        },
        "derived": {"busy": {"expression": "flights_1h * 24 / flights_1d"}},
    },
    # Tumbling windows of two entity columns, under a condition.
    "origin_arrivals": {
        "signal": "arrivals",
        "entity": ["origin", "dest"],
        "where": "arr_delay IS NOT NULL",
        "window": {"length": "1 day"},
        "features": {
            "landed": {"op": "count"},
            "sum": {"op": "sum", "of": "arr_delay"},
            "least": {"op": "min", "of": "arr_delay"},
            "first": {"op": "first", "of": "arr_delay"},
            "last": {"op": "last", "of": "arr_delay"},
            "squares": {"op": "mean", "of": "arr_delay * arr_delay"},
        },
    },
    # Sessions.
    "airport_weather": {
        "signal": "weather",
        "entity": ["origin"],
        "where": "wind_speed > 12",
        "window": {"gap": "3 hours"},
        "features": {
            "hours": {"op": "count"},
            "mean": {"op": "mean", "of": "wind_speed"},
            "gust": {"op": "max", "of": "wind_gust"},
            "per_hour": {"op": "rate", "per": "1 hour"},
        },
    },
}

IN_DUCKDB = {
    "origin_departures": """
        WITH ends AS (
            SELECT *, epoch(event_time)::BIGINT AS sec, (epoch(event_time)::BIGINT // 1800 + k) * 1800 AS stop
            FROM signal, range(1, 49) AS steps(k)
        )
        SELECT origin, to_timestamp(stop) AS window_end, count(*) AS records,
            count(*) FILTER (sec >= stop - 3600) AS flights_1h, count(*) FILTER (sec >= stop - 10800) AS flights_3h,
            count(*) AS flights_1d, count(dep_delay) FILTER (sec >= stop - 3600) AS left_1h,
            count(dep_delay) FILTER (sec >= stop - 10800) AS left_3h, count(dep_delay) AS left_1d,
            avg(dep_delay) FILTER (sec >= stop - 3600) AS mean_1h,
            avg(dep_delay) FILTER (sec >= stop - 10800) AS mean_3h,
            avg(dep_delay) AS mean_1d, stddev_samp(dep_delay) AS spread_1d,
            max(dep_delay) FILTER (sec >= stop - 3600) AS most_1h, max(dep_delay) AS most_1d,
            avg(coalesce(dep_delay > 15, false)::INT) FILTER (sec >= stop - 3600) AS late_1h,
            avg(coalesce(dep_delay > 15, false)::INT) FILTER (sec >= stop - 10800) AS late_3h,
            avg(coalesce(dep_delay > 15, false)::INT) AS late_1d,
            quantile_disc(dep_delay, 0.5) FILTER (sec >= stop - 3600) AS median_1h,
            quantile_disc(dep_delay, 0.5) FILTER (sec >= stop - 10800) AS median_3h,
            quantile_disc(dep_delay, 0.5) AS median_1d,
            count(*) FILTER (sec >= stop - 3600 AND distance > 1000)::DOUBLE AS far_1h,
            count(*) FILTER (sec >= stop - 10800 AND distance > 1000) / 3 AS far_3h,
            count(*) FILTER (distance > 1000) / 24 AS far_1d,
            stop - max(epoch(event_time)) FILTER (sec >= stop - 10800 AND dep_delay IS NOT NULL) AS quiet_3h,
            flights_1h * 24 / flights_1d AS busy
        FROM ends GROUP BY origin, stop""",
    "origin_arrivals": """
        SELECT origin, dest, to_timestamp((epoch(event_time)::BIGINT // 86400 + 1) * 86400) AS window_end,
            count(*) AS records, count(*) AS landed, sum(arr_delay) AS sum, min(arr_delay) AS least,
            arg_min(arr_delay, (event_time, record_id)) AS first, arg_max(arr_delay, (event_time, record_id)) AS last,
            avg(arr_delay * arr_delay) AS squares
        FROM signal WHERE arr_delay IS NOT NULL GROUP BY ALL""",
    "airport_weather": """
        WITH windy AS (SELECT * FROM signal WHERE wind_speed > 12),
        begun AS (
            SELECT *, coalesce(event_time > lag(event_time) OVER (PARTITION BY origin ORDER BY event_time)
                + INTERVAL 3 HOUR, true) AS begins FROM windy
        ),
        numbered AS (
            SELECT *, sum(begins::INT) OVER (PARTITION BY origin ORDER BY event_time) AS session FROM begun
        )
        SELECT origin, max(event_time) + INTERVAL 3 HOUR AS window_end, count(*) AS records, count(*) AS hours,
            avg(wind_speed) AS mean, max(wind_gust) AS gust,
            count(*) / (epoch(max(event_time) + INTERVAL 3 HOUR - min(event_time)) / 3600) AS per_hour
        FROM numbered GROUP BY origin, session""",
}


@pytest.fixture(scope="module")
def ingested(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Taken:
    """The quarter's records, a week a batch, none planted; features not begun."""
    home = tmp_path_factory.mktemp("quarter")
    taken = Taken(_project(home), home, flights.sent(FIRST, END, share=0.0))
    flights.landed(home, taken.sent)
    flights.taken(spark, taken.project, "ingest")
    return taken


def _project(home: Path) -> Project:
    return with_sets(flights.project(home, max_files=7), SETS)


def with_sets(project: Project, sets: dict[str, dict[str, Any]]) -> Project:
    """The project with other feature sets under the names of its own, read as from files."""
    conf = Path(project.settings.storage.root or "").parent / "conf"
    if not conf.exists():
        shutil.copytree(flights.CONF, conf)
        for name, declared in sets.items():
            (conf / f"features/{name}.yml").write_text(json.dumps({"name": name, **COMMON, **declared}))
        for model in (conf / "models").iterdir():
            model.unlink()
    loaded = load(conf, "local", {"HEADRACE_HOME": str(conf.parent)})
    return replace(project, feature_sets=loaded.feature_sets, models={})


def _copied(taken: Taken, home: Path) -> Taken:
    shutil.copytree(taken.home, home)
    return Taken(_project(home), home, taken.sent)


def _all_final(taken: Taken) -> dict[str, pd.DataFrame]:
    return {name: final(taken, feature_set) for name, feature_set in taken.project.feature_sets.items()}


def _equal(ours: pd.DataFrame, theirs: pd.DataFrame, feature_set: FeatureSet) -> None:
    assert ours.index.equals(theirs.index)
    for column in ("records", *feature_set.columns):
        np.testing.assert_allclose(
            ours[column].to_numpy(float), theirs[column].to_numpy(float), rtol=1e-9, atol=1e-12, err_msg=column
        )


@contextmanager
def _crashing(times: int) -> Iterator[list[str]]:
    """Writes of the features flow fail now and then, some before and some after they took effect."""
    crashed, chance = list[str](), random.Random(5)

    def failing(write: Write) -> None:
        due = len(crashed) < times and chance.random() < 0.35
        if due and chance.random() < 0.5:
            crashed.append(f"before {write.table.name}")
            raise RuntimeError("planted crash")
        write.make()
        if due:
            crashed.append(f"after {write.table.name}")
            raise RuntimeError("planted crash")

    with around_writes(failing):
        yield crashed


def test_a_quarter(spark: SparkSession, ingested: Taken, tmp_path: Path) -> None:
    streamed = _copied(ingested, tmp_path / "streamed")
    flights.taken(spark, streamed.project, "features")
    wanted = _all_final(streamed)
    assert {name: len(frame) > 100 for name, frame in wanted.items()} == dict.fromkeys(SETS, True)

    for name, feature_set in streamed.project.feature_sets.items():
        _equal(wanted[name], _by_duckdb(streamed, feature_set), feature_set)

    crashed = _copied(ingested, tmp_path / "crashed")
    with _crashing(CRASHES) as crashes:
        while len(crashes) < CRASHES:
            with pytest.raises(AssertionError, match="planted crash"):
                flights.taken(spark, crashed.project, "features", ends=False)
    flights.taken(spark, crashed.project, "features")
    for name, frame in _all_final(crashed).items():
        _equal(frame, wanted[name], crashed.project.feature_sets[name])

    for name in SETS:
        filled = list(backfill(spark, streamed.project, name))
        assert sum(one.windows for one in filled) == len(wanted[name])
        assert sum(one.changed for one in filled) == 0

    for signal in streamed.project.contracts:
        table = DeltaTable.forPath(spark, f"{streamed.home}/tables/signals_{signal}")
        table.optimize().executeCompaction()
    later = {name: {**declared, "generation": 2} for name, declared in SETS.items()}
    shutil.rmtree(streamed.home / "conf")
    renewed = Taken(with_sets(streamed.project, later), streamed.home, streamed.sent)
    for name in SETS:
        assert sum(one.windows for one in renew(spark, renewed.project, name)) == len(wanted[name])
    flights.taken(spark, renewed.project, "features")
    for name, frame in _all_final(renewed).items():
        _equal(frame, wanted[name], renewed.project.feature_sets[name])
    for taken in (crashed, renewed):
        assert differences(spark, taken.project) == {}
        assert [one for name in SETS for one in compare(spark, taken.project, name) if one.differ] == []


def _by_duckdb(taken: Taken, feature_set: FeatureSet) -> pd.DataFrame:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    path = f"{taken.home}/tables/signals_{feature_set.signal}"
    connection.register("signal", Table_(path).to_pyarrow_table())
    frame = connection.execute(IN_DUCKDB[feature_set.name]).df()
    frame["window_end"] = frame["window_end"].dt.tz_convert("UTC").dt.tz_localize(None)
    return frame.set_index([*feature_set.entity, "window_end"]).sort_index()
