"""The as-of join: the newest window ended by then, never one that ended later, none past its time to live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.features.as_of import Values, as_of
from headrace.features.feature import Feature, Op
from headrace.features.spec import FeatureSet
from headrace.features.window import Window

LOG = "airport STRING, window_end TIMESTAMP, n BIGINT, query_id STRING, batch_id BIGINT"
ROWS = "row INT, origin STRING, event_time TIMESTAMP"


def feature_set(name: str, *entity: str, live: timedelta = timedelta(hours=2)) -> FeatureSet:
    return FeatureSet(
        name=name,
        signal="x",
        entity=entity,
        window=Window(length=(timedelta(hours=1),)),
        delay=timedelta(0),
        time_to_live=live,
        features={"n": Feature(op=Op.COUNT)},
    )


def at(hour: float) -> datetime:
    return datetime(2013, 1, 1, tzinfo=UTC) + timedelta(hours=hour)


def of_airports(
    log: DataFrame, cut: Mapping[str, int], backfill: str | None = None, prefix: str = "s", field: str = "origin"
) -> Values:
    return Values(
        feature_set=feature_set("s", "airport"),
        prefix=prefix,
        log=log,
        cut=cut,
        backfill=backfill,
        by={"airport": field},
        take=("n",),
    )


def found(joined: DataFrame) -> dict[int, int | None]:
    return {row["row"]: row["s_n"] for row in joined.collect()}


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
            (None, at(1), 55, "q", 0),
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
    joined = as_of(rows, [of_airports(log, {"q": 1})])
    assert joined.columns == ["row", "origin", "event_time", "s_n", "s_end"]
    assert found(joined) == {0: None, 1: 11, 2: 11, 3: 20, 4: 20, 5: 20, 6: None, 7: 77, 8: None, 9: None, 10: None}


def test_a_backfill_counts_before_any_batch_of_the_stream_as_far_as_the_cut_knows_it(spark: SparkSession) -> None:
    values = [("A", at(1), 10, "q", 7), ("A", at(1), 1, "filled", 0), ("A", at(1), 2, "filled", 1)]
    log, rows = spark.createDataFrame(values, LOG), spark.createDataFrame([(0, "A", at(1.5))], ROWS)
    known = {last: found(as_of(rows, [of_airports(log, {"q": 7, "filled": last}, "filled")])) for last in (-1, 0, 1)}
    assert known == {-1: {0: 10}, 0: {0: 1}, 1: {0: 2}}


def test_a_row_that_comes_twice_stays_twice(spark: SparkSession) -> None:
    log = spark.createDataFrame([("A", at(1), 10, "q", 0)], LOG)
    rows = spark.createDataFrame([(0, "A", at(1.5)), (0, "A", at(1.5)), (1, None, None), (1, None, None)], ROWS)
    joined = as_of(rows, [of_airports(log, {"q": 0})])
    assert sorted((row["row"], row["s_n"]) for row in joined.collect()) == [(0, 10), (0, 10), (1, None), (1, None)]


def test_an_entity_is_of_any_plain_types_and_known_only_as_a_whole(spark: SparkSession) -> None:
    parts: dict[str, tuple[str, Any, Any]] = {
        "a": ("STRING", "A", "a"),
        "b": ("BIGINT", 2**60, 2**60 + 1),
        "c": ("DOUBLE", 0.0, 0.1),
        "d": ("DECIMAL(10,2)", Decimal("1.10"), Decimal("1.11")),
        "e": ("BOOLEAN", True, False),
        "f": ("DATE", date(2013, 1, 1), date(2013, 1, 2)),
        "g": ("TIMESTAMP", at(1), at(2)),
        "h": ("BINARY", b"\x00", b"\x01"),
    }
    columns = ", ".join(f"{name} {kind}" for name, (kind, _, _) in parts.items())
    same = [value for _, value, _ in parts.values()]
    log = spark.createDataFrame([(*same, at(1), 10, "q", 0)], f"{columns}, {LOG.split(', ', 1)[1]}")
    rows = [(0, *same, at(1))]
    for place, (_, _, other) in enumerate(parts.values()):
        rows += [(1, *same[:place], wrong, *same[place + 1 :], at(1)) for wrong in (other, None)]
    left = spark.createDataFrame(rows, f"row INT, {columns}, event_time TIMESTAMP")
    by = {name: name for name in parts}
    values = Values(feature_set=feature_set("s", *parts), prefix="s", log=log, cut={"q": 0}, by=by, take=("n",))
    answers = [(row["row"], row["s_n"]) for row in as_of(left, [values]).collect()]
    assert sorted(answers) == [(0, 10), *[(1, None)] * 16]


def test_one_set_is_asked_about_both_ends_of_a_flight(spark: SparkSession) -> None:
    log = spark.createDataFrame([("A", at(1), 10, "q", 0), ("B", at(1), 20, "q", 0), ("B", at(2), 21, "q", 0)], LOG)
    rows = spark.createDataFrame(
        [(0, "A", "B", at(1)), (1, "B", "A", at(2)), (2, "A", None, at(1)), (3, "C", "B", at(1.5))],
        "row INT, origin STRING, dest STRING, event_time TIMESTAMP",
    )
    ends = [of_airports(log, {"q": 0}), of_airports(log, {"q": 0}, prefix="there", field="dest")]
    joined = as_of(rows, ends)
    assert joined.columns == [*rows.columns, "s_n", "s_end", "there_n", "there_end"]
    assert sorted((row["row"], row["s_n"], row["there_n"]) for row in joined.collect()) == [
        (0, 10, 20),
        (1, 21, 10),
        (2, 10, None),
        (3, None, 20),
    ]


def test_only_files_that_can_hold_a_value_are_read(spark: SparkSession, tmp_path: Path) -> None:
    place = str(tmp_path / "log")
    values = [("A", at(24 * day + hour), day, "q", day) for day in range(4) for hour in (1, 23)]
    dated = spark.createDataFrame(values, LOG).withColumn("window_date", F.to_date("window_end")).coalesce(1)
    dated.write.format("delta").partitionBy("window_date").save(place)
    log = spark.read.format("delta").load(place)
    rows = spark.createDataFrame([(0, "A", at(24 * 2 + 0.5)), (1, "A", at(24 * 2 + 1.999))], ROWS)
    seconds = (int(at(24 * 2 + 0.5).timestamp()), int(at(24 * 2 + 1.999).timestamp()))
    joined = as_of(rows, [of_airports(log, {"q": 9})], between=seconds)
    assert found(joined) == {0: 1, 1: 2}
    assert len(joined.inputFiles()) == 2
    assert len(as_of(rows, [of_airports(log, {"q": 9})]).inputFiles()) == 4
    ancient = spark.sql("SELECT 0 AS row, 'A' AS origin, TIMESTAMP '0001-01-01 00:00:00Z' AS event_time")
    missed = as_of(ancient, [of_airports(log, {"q": 9})], between=(-62135596800, -62135596800))
    assert missed.where("s_n IS NULL").count() == 1


# Three sets in one call: two that are asked by the same columns, under other names and in another order, and one more.
GRID, TICK = timedelta(minutes=30), timedelta(microseconds=1)
SETS = {
    "hour": (feature_set("hour", "case", "airport", live=timedelta(hours=1)), {"case": "case", "airport": "origin"}),
    "now": (feature_set("now", "place", "case", live=timedelta(0)), {"place": "origin", "case": "case"}),
    "gate": (feature_set("gate", "case", "gate", "airport"), {"case": "case", "gate": "gate", "airport": "origin"}),
}
FILLED, FILLED_UNTIL = "filled", 1


@dataclass(frozen=True)
class Value:
    """One row of a set's log. Its value is like no other's, so it tells where it came from."""

    set: str
    case: int
    origin: str
    gate: int
    end: datetime
    query_id: str
    batch_id: int
    n: int = 0


@dataclass(frozen=True)
class Row:
    case: int
    origin: str | None
    gate: int | None
    event_time: datetime | None


@dataclass(frozen=True)
class Case:
    """A few rows and values; what ``stream`` had committed after batch ``until`` was not known."""

    until: int
    values: Sequence[Value]
    rows: Sequence[Row] = field(default=())

    def expected(self, row: Row, name: str) -> int | None:
        """By a search of all."""
        live = SETS[name][0].time_to_live
        own = [value for value in self.values if value.set == name and value.origin == row.origin]
        seen = [
            value
            for value in own
            if row.event_time is not None
            and (name != "gate" or value.gate == row.gate)
            and value.end <= row.event_time <= value.end + live
            and value.batch_id <= {"stream": self.until, FILLED: FILLED_UNTIL}.get(value.query_id, -1)
        ]
        counting = max(seen, key=lambda value: (value.end, value.query_id == FILLED, value.batch_id), default=None)
        return None if counting is None else counting.n


VALUES = [
    Value(name, 0, origin, gate, at(0) + step * GRID, query_id, batch_id)
    for name in SETS
    for origin in "AB"
    for gate in ((0, 1) if name == "gate" else (0,))
    for step in range(5)
    for query_id in ("stream", FILLED, "older")
    for batch_id in range(4)
]
TIMES = [at(0) + step * GRID + ticks * TICK for step in range(8) for ticks in (-1, 0, 0, 1)]
ASKING = [
    Row(0, origin, gate, event_time)
    for origin in (*"AAABBB", None)
    for gate in (0, 0, 1, 1, None)
    for event_time in (*TIMES, None)
]
CASES = st.builds(
    Case,
    until=st.integers(-1, 3),
    values=st.lists(st.sampled_from(VALUES), min_size=20, max_size=30, unique=True),
    rows=st.lists(st.sampled_from(ASKING), min_size=4, max_size=6),
)


def drawn(count: int) -> list[Case]:
    """Random cases, numbered; drawn first and joined together, for a job of Spark each would take hours."""
    cases: list[Case] = []

    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(CASES)
    def draw(case: Case) -> None:
        number = len(cases)
        values = [replace(value, case=number, n=100 * number + place) for place, value in enumerate(case.values)]
        cases.append(Case(case.until, values, [replace(row, case=number) for row in case.rows]))

    draw()
    return cases


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return drawn(1_000)


def frames(spark: SparkSession, cases: Sequence[Case]) -> tuple[DataFrame, list[Values]]:
    """All cases in one: the number is a part of every entity, and of the query's name where the cut is the case's."""
    rows = pd.DataFrame([vars(row) for case in cases for row in case.rows])
    left = spark.createDataFrame(
        rows.assign(row=range(len(rows)), gate=rows["gate"].astype("Int64")),
        "case BIGINT, origin STRING, gate BIGINT, event_time TIMESTAMP, row BIGINT",
    )
    log = spark.createDataFrame(
        pd.DataFrame([vars(value) for case in cases for value in case.values]),
        "set STRING, case BIGINT, origin STRING, gate BIGINT, end TIMESTAMP, query_id STRING, batch_id BIGINT, n INT",
    ).select(
        *["set", "case", "gate", "batch_id", "n"],
        F.col("origin").alias("airport"),
        F.col("origin").alias("place"),
        F.col("end").alias("window_end"),
        F.expr(f"IF(query_id = '{FILLED}', query_id, concat(query_id, case))").alias("query_id"),
    )
    cut = {f"stream{number}": case.until for number, case in enumerate(cases)} | {FILLED: FILLED_UNTIL}
    return left, [
        Values(
            feature_set=one,
            prefix=name,
            log=log.where(F.col("set") == name),
            cut=cut,
            backfill=FILLED,
            by=by,
            take=("n",),
        )
        for name, (one, by) in SETS.items()
    ]


def test_random_cases_against_a_search_of_all(spark: SparkSession, cases: list[Case]) -> None:
    left, sets = frames(spark, cases)
    joined = as_of(left, sets)
    assert joined.columns == [*left.columns, "hour_n", "hour_end", "now_n", "now_end", "gate_n", "gate_end"]
    answers = {row["row"]: row for row in joined.collect()}
    rows = [(case, row) for case in cases for row in case.rows]
    assert sorted(answers) == list(range(len(rows)))
    wrong = [
        (len(case.values), name, row, case, answers[place][f"{name}_n"])
        for place, (case, row) in enumerate(rows)
        for name in SETS
        if answers[place][f"{name}_n"] != case.expected(row, name)
    ]
    assert min(wrong, key=lambda each: each[0], default=None) is None, f"{len(wrong)} wrong, this the smallest"
    given_one = sum(answer[f"{name}_n"] is not None for answer in answers.values() for name in SETS)
    assert given_one > len(rows) / 10, "the cases hardly meet"


def test_a_known_range_of_time_changes_nothing(spark: SparkSession, cases: list[Case]) -> None:
    left, sets = frames(spark, cases[:400])
    late = left.where(F.col("event_time").between(F.lit(at(1)), F.lit(at(2)) + F.lit(TICK)))
    whole, part = as_of(late, sets), as_of(late, sets, between=(int(at(1).timestamp()), int(at(2).timestamp())))
    assert part.exceptAll(whole).isEmpty()
    assert whole.count() == part.count() > 100


@dataclass(frozen=True)
class World:
    """Values of three queries, each value its own number, and rows at any times."""

    log: pd.DataFrame
    rows: pd.DataFrame


def shifted(chance: np.random.Generator, size: int) -> World:
    log = pd.DataFrame(
        {
            "airport": chance.choice(["A", "B", "C"], size),
            "window_end": [at(int(hour)) for hour in chance.integers(0, 100, size)],
            "n": range(size),
            "query_id": chance.choice(["q", "older", "filled"], size),
            "batch_id": chance.integers(0, 20, size),
        }
    )
    known = log.sample(size, replace=True, random_state=1).reset_index(drop=True)
    away = pd.to_timedelta(chance.integers(-(10**11), 10**11, size) * chance.integers(0, 2, size), unit="us")
    rows = pd.DataFrame({"row": range(size), "origin": known["airport"], "event_time": known["window_end"] + away})
    return World(log, rows)


@pytest.mark.parametrize("seed", [1, 2])
def test_however_times_are_shifted_nothing_leaks(spark: SparkSession, seed: int) -> None:
    """From where a value was written follows that the row could know it, whatever the join does to find it."""
    world = shifted(np.random.default_rng(seed), 5_000)
    log, rows = spark.createDataFrame(world.log, LOG), spark.createDataFrame(world.rows, ROWS)
    joined = as_of(rows, [of_airports(log, {"q": 11, "filled": 3}, "filled")]).toPandas()
    both = joined.dropna(subset=["s_n"]).merge(world.log, left_on="s_n", right_on="n")
    assert len(joined) == 5_000
    assert len(both) > 1_000
    ended = both["window_end"].dt.tz_localize(None)
    assert (ended == both["s_end"]).all()
    assert (ended <= both["event_time"]).all()
    assert (both["event_time"] - ended <= timedelta(hours=2)).all()
    assert (both["airport"] == both["origin"]).all()
    assert set(both["query_id"]) == {"q", "filled"}
    assert (both["batch_id"] <= both["query_id"].map({"q": 11, "filled": 3})).all()
