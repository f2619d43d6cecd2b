"""The online view gives what the as-of join gives, at any instant that no record is too far ahead of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from headrace.features.as_of import Values, as_of
from headrace.features.online import kept, newest_windows
from headrace.features.spec import FeatureSet
from headrace.flows.online import OnlineView
from headrace.io.cut import Cut
from headrace.io.online import Held
from headrace.io.online.codec import Codec
from headrace.io.online.in_sqlite import SqliteStore
from headrace.tables import Column

TYPES = {
    "n": "BIGINT",
    "mean": "DOUBLE",
    "total": "DECIMAL(38,6)",
    "word": "STRING",
    "flag": "BOOLEAN",
    "seen": "TIMESTAMP",
    "day": "DATE",
}
SET = FeatureSet.model_validate(
    {
        "name": "s",
        "signal": "x",
        "entity": ["airport", "gate"],
        "window": {"length": "2 hours", "slide": "1 hour"},
        "delay": "0 seconds",
        "time_to_live": "6 hours",
        "features": {name: {"op": "max", "of": name} for name in TYPES},
    }
)
LEEWAY = timedelta(hours=3)
CODEC = Codec(
    (Column("airport", "STRING"), Column("gate", "BIGINT")),
    tuple(Column(name, type_) for name, type_ in TYPES.items()),
)
LOG = (
    "airport STRING, gate BIGINT, window_end TIMESTAMP, computed_at TIMESTAMP, query_id STRING, batch_id BIGINT, "
    + ", ".join(f"{name} {type_}" for name, type_ in TYPES.items())
)


def at(hour: float) -> datetime:
    return datetime(2013, 1, 1, tzinfo=UTC) + timedelta(hours=hour)


def test_answers_are_those_of_the_as_of_join_however_the_log_was_folded_in(spark: SparkSession, tmp_path: Path) -> None:
    chance = np.random.default_rng(11)
    entities = [("a", 1), ("a", 2), ('b"|', 1), ("ü", -7)]
    logged = {}
    for _ in range(600):
        airport, gate = entities[chance.integers(len(entities))]
        query, batch = ("fill", int(chance.integers(3))) if chance.random() < 0.2 else ("q", int(chance.integers(12)))
        n = int(chance.integers(-(2**62), 2**62))
        values = (n, n / 7, Decimal(n) / 4, f"né{n}", n % 2 == 0, at(n % 999), at(n % 999).date())
        some = tuple(None if chance.random() < 0.1 else value for value in values)
        end = at(int(chance.integers(0, 40)))
        logged[(airport, gate, end, query, batch)] = (airport, gate, end, at(batch), query, batch, *some)
    log = spark.createDataFrame(list(logged.values()), LOG).persist()
    instants = [37 + place / 4 for place in range(60)]
    asked = spark.createDataFrame(
        [(*each, at(hour)) for each in entities for hour in instants], "a STRING, g BIGINT, event_time TIMESTAMP"
    )

    by = {"airport": "a", "gate": "g"}
    counting = Values(
        feature_set=SET, prefix=SET.name, log=log, cut={"q": 9, "fill": 1}, backfill="fill", by=by, take=SET.columns
    )
    joined = as_of(asked, [counting])
    expected = {(row["a"], row["g"], row["event_time"].timestamp()): row for row in joined.collect()}

    keep, cut = kept(SET, LEEWAY), Cut("q", 9, None, "fill", 1)
    with SqliteStore(str(tmp_path / "online.db")) as store:
        for condition in ("batch_id > 4", "batch_id <= 4", "batch_id > 4"):
            known = log.where("query_id = 'q' AND batch_id <= 9 OR batch_id <= 1").where(condition)
            part = newest_windows(known, SET, keep=keep, backfill="fill")
            store.put("s", "space", CODEC.rows(part.toArrow()), keep)
        assert store.swap("s", None, Held(space="space", definition=SET.fingerprint, cut=cut))
        view = OnlineView(SET, CODEC, store)
        some_answers = 0
        for hour in instants:
            for answer in view.get([{"airport": airport, "gate": gate} for airport, gate in entities], at(hour)):
                row = expected[(answer.entity["airport"], answer.entity["gate"], at(hour).timestamp())]
                assert dict(answer.values) == told(row)
                assert answer.alive == (row["s_end"] is not None)
                some_answers += answer.alive
    assert some_answers > 50
    log.unpersist()


def told(row: Row) -> dict[str, object]:
    """The values of a joined row, its times as they are and not as this machine's zone tells them."""
    values = {name: row[f"s_{name}"] for name in SET.columns}
    seen = values["seen"]
    return {**values, "seen": seen and seen.astimezone(UTC)}


def test_of_an_entity_only_the_newest_windows_leave_spark(spark: SparkSession) -> None:
    rows = [("a", 1, at(hour), at(0), "q", batch, batch, *[None] * 6) for hour in range(9) for batch in (1, 2)]
    newest_of = newest_windows(spark.createDataFrame(rows, LOG), SET, keep=3, backfill=None)
    found = newest_of.select(F.unix_seconds("window_end"), "backfilled", "batch_id", "n").collect()
    assert sorted(tuple(row) for row in found) == [(int(at(hour).timestamp()), 0, 2, 2) for hour in (6, 7, 8)]
