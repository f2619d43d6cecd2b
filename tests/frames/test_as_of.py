"""The as-of join: the newest window ended by then, never one that ended later, none past its time to live."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession

from headrace.features.as_of import as_of, newest
from headrace.features.feature import Feature, Op
from headrace.features.spec import FeatureSet
from headrace.features.window import Window

SET = FeatureSet(
    name="s",
    signal="x",
    entity=("airport",),
    window=Window(length=(timedelta(hours=1),)),
    delay=timedelta(0),
    time_to_live=timedelta(hours=2),
    features={"n": Feature(op=Op.COUNT)},
)
LOG = "airport STRING, window_end TIMESTAMP, n BIGINT, query_id STRING, batch_id BIGINT"
ROWS = "row INT, origin STRING, event_time TIMESTAMP"


def at(hour: float) -> datetime:
    return datetime(2013, 1, 1, tzinfo=UTC) + timedelta(hours=hour)


def test_literal_rows(spark: SparkSession) -> None:
    log = spark.createDataFrame(
        [
            ("A", at(1), 10, "q", 0),
            ("A", at(1), 11, "q", 1),
            ("A", at(1), 99, "q", 2),
            ("A", at(2), 20, "q", 1),
            ("A", at(3), 30, "q", 2),
            ("B", at(1), 77, "q", 0),
            ("A", at(2), 66, "other", 0),
        ],
        LOG,
    )
    rows = spark.createDataFrame(
        [
            (0, "A", at(0.5)),
            (1, "A", at(1)),
            (2, "A", at(1.99)),
            (3, "A", at(2)),
            (4, "A", at(3.5)),
            (5, "A", at(4)),
            (6, "A", at(4.01)),
            (7, "B", at(1.5)),
            (8, "C", at(1.5)),
            (9, None, at(1.5)),
            (10, "A", None),
        ],
        ROWS,
    )
    values = newest(log, SET, cut={"q": 1})
    joined = as_of(rows, values, SET, by={"airport": "origin"}, take=("n",))
    assert joined.columns == ["row", "origin", "event_time", "s_n", "s_end"]
    found = {row["row"]: row["s_n"] for row in joined.collect()}
    assert found == {0: None, 1: 11, 2: 11, 3: 20, 4: 20, 5: 20, 6: None, 7: 77, 8: None, 9: None, 10: None}


def test_random_rows_against_a_search_of_all(spark: SparkSession) -> None:
    chance = np.random.default_rng(5)
    log = pd.DataFrame(
        {
            "airport": chance.choice(["A", "B", "C"], 400),
            "window_end": [at(int(hour)) for hour in chance.integers(0, 100, 400)],
            "n": chance.integers(0, 10**6, 400),
            "query_id": "q",
            "batch_id": chance.integers(0, 20, 400),
        }
    ).drop_duplicates(["airport", "window_end", "batch_id"])
    rows = pd.DataFrame(
        {
            "row": range(500),
            "origin": chance.choice(["A", "B", "C", "D"], 500),
            "event_time": [at(float(hour)) for hour in chance.uniform(0, 104, 500).round(1)],
        }
    )
    values = newest(spark.createDataFrame(log, LOG), SET, cut={"q": 12})
    joined = as_of(spark.createDataFrame(rows, ROWS), values, SET, by={"airport": "origin"}, take=("n",))
    found = {row["row"]: row["s_n"] for row in joined.collect()}
    for number, origin, when in zip(rows["row"], rows["origin"], rows["event_time"], strict=True):
        known = log[(log["batch_id"] <= 12) & (log["airport"] == origin) & (log["window_end"] <= when)]
        known = known[known["window_end"] >= when - timedelta(hours=2)]
        best = known.sort_values(["window_end", "batch_id"])["n"].iloc[-1] if len(known) else None
        assert found[number] == best, (number, origin, when)
