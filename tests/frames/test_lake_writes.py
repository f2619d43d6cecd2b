"""One batch writes once to a table, however often it is tried, and what it wrote can be read back by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from headrace.config import Storage
from headrace.errors import InfrastructureError
from headrace.io import ledger
from headrace.io.lake import Lake, Writer, local_rows
from headrace.io.table_rows import append_rows
from headrace.tables import LEDGER, MEASUREMENTS, SOURCE_LOG, VERDICTS, Column, Table

AT = datetime(2026, 1, 31, 23, 59, 59, 123456, tzinfo=UTC)
VALUES = Table(
    name="values",
    grain="one",
    key=(),
    columns=(
        Column("day", "DATE"),
        Column("n", "INT"),
        Column("at", "TIMESTAMP"),
        Column("query_id", "STRING"),
        Column("batch_id", "BIGINT"),
    ),
    partitioned_by=("day",),
)
ENTRY = {
    "flow": "ingest",
    "subject": "orders",
    "slice": "orders/0",
    "slice_from": 3,
    "slice_to": 7,
    "rows_in": 4,
    "digest_in": "4:12345678901234567890",
    "outcomes": {"accepted": 3, "rejected": 1},
    "digests": {"signals_orders": "3:1", "dead_letters": "1:2"},
    "high_water": AT,
    "batch_time": AT,
    "durations": {},
    "end_of_input": False,
}
VERDICT = {"subject": "orders", "objective": "n", "verdict": "breach", "value": 0.5, "rows_in": 2, "judged_at": AT}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Storage(root=str(tmp_path / "data [1]")))


def write(spark: SparkSession, lake: Lake, batch_id: int, days: Sequence[int], after: int | None) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        {"day": f"2026-01-{day:02}", "n": day, "at": begin + timedelta(days=day), "query_id": "q", "batch_id": batch_id}
        for day in days
    ]
    lake.append(local_rows(spark, VALUES, rows), VALUES, Writer("q", batch_id), after=after)


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (LEDGER, ENTRY),
        (VERDICTS, {**VERDICT, "evidence": {"slice": "orders/0", "from": "3"}}),
        (MEASUREMENTS, {"metric": "rule", "subject": "orders", "value": 2.0, "details": {"rule": "n > 1"}}),
        (SOURCE_LOG, {"signal": "orders", "sequence": 1, "state": "paused", "note": "é", "changed_at": AT}),
    ],
    ids=lambda value: value.name if isinstance(value, Table) else "",
)
def test_plain_rows_are_those_that_spark_would_write(
    spark: SparkSession, tmp_path: Path, table: Table, row: dict[str, object]
) -> None:
    digests = []
    for name in ("plain", "spark"):
        lake, writer = Lake(Storage(root=str(tmp_path / name))), Writer("q", 7)
        lake.create(spark, table)
        rows = [{**row, "query_id": "q", "batch_id": 7}, {}]
        for _ in range(2):
            if name == "plain":
                lake.append_rows(spark, rows, table, writer)
            else:
                lake.append(local_rows(spark, table, rows), table, writer)
        assert lake.read(spark, table.name).count() == 2, "the second attempt is left out"
        written = lake.read(spark, table.name)
        digests.append((written.schema.simpleString(), written.agg(ledger.digest(written, written.columns)).collect()))
    assert digests[0] == digests[1]


def test_plain_rows_of_another_output_are_others(spark: SparkSession, lake: Lake) -> None:
    lake.create(spark, LEDGER)
    for output in (None, "end_of_input", None, "end_of_input"):
        lake.append_rows(spark, [ENTRY], LEDGER, Writer("q", 7), output=output)
    assert lake.read(spark, LEDGER.name).count() == 2
    assert {commit.writer for commit in lake.commits(spark, LEDGER.name)} == {Writer("q", 7)}


def test_a_batch_that_is_tried_again_finds_its_commit_behind_others(spark: SparkSession, lake: Lake) -> None:
    lake.create(spark, VALUES)
    after = lake.versions([VALUES])[VALUES.name]
    write(spark, lake, 0, [1], after)
    write(spark, lake, 1, [2, 3], after)
    DeltaTable.forPath(spark, f"{lake.storage.root}/{VALUES.name}").optimize().executeCompaction()
    for batch_id in (0, 1):
        write(spark, lake, batch_id, [9], after)
    assert sorted(row["n"] for row in lake.read(spark, VALUES.name).collect()) == [1, 2, 3]
    write(spark, lake, 2, [4], lake.versions([VALUES])[VALUES.name])
    assert lake.read(spark, VALUES.name).count() == 4


def test_a_batch_is_read_back_from_the_files_its_commit_names(spark: SparkSession, lake: Lake) -> None:
    lake.create(spark, VALUES)
    after = lake.versions([VALUES])[VALUES.name]
    for batch_id, days in enumerate(([1, 2], [2, 3], [3])):
        write(spark, lake, batch_id, days, after)
    lake.widen(spark, Table(name="values", grain="one", key=(), columns=(*VALUES.columns, Column("more", "STRING"))))
    whole = F.lit(ledger.WHOLE)
    for batch_id in range(3):
        writer = Writer("q", batch_id)
        by_files = ledger.committed(spark, lake, [VALUES], writer, whole, {VALUES.name: after})
        assert by_files == ledger.committed(spark, lake, [VALUES], writer, whole)
    rows = lake.committed(spark, VALUES.name, Writer("q", 1), after)
    assert rows is not None
    assert rows.columns == ["day", "n", "at", "query_id", "batch_id", "more"]
    assert sorted((str(row["day"]), row["n"]) for row in rows.collect()) == [("2026-01-02", 2), ("2026-01-03", 3)]
    assert lake.committed(spark, VALUES.name, Writer("q", 3), after) is None


def test_only_the_files_that_can_hold_a_time_are_read(spark: SparkSession, lake: Lake) -> None:
    lake.create(spark, VALUES)
    for batch_id, day in enumerate(range(1, 6)):
        write(spark, lake, batch_id, [day], None)
    first, last = datetime(2026, 1, 3, tzinfo=UTC), datetime(2026, 1, 4, 12, tzinfo=UTC)
    near = lake.between(spark, VALUES.name, "at", int(first.timestamp()), int(last.timestamp()))
    assert sorted(row["n"] for row in near.collect()) == [2, 3]
    assert len(near.inputFiles()) == 2
    later = int(datetime(2030, 1, 1, tzinfo=UTC).timestamp())
    none = lake.between(spark, VALUES.name, "at", later, later)
    assert (none.collect(), none.inputFiles(), none.columns) == ([], [], near.columns)


def test_the_log_and_the_history_tell_the_same(
    spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.create(spark, VALUES)
    for batch_id, days in enumerate(([1, 2], [2], [3])):
        write(spark, lake, batch_id, days, None)
    by_log = [(one.version, one.writer, one.rows) for one in lake.commits(spark, VALUES.name, 0, 2)]
    monkeypatch.setattr("headrace.io.lake.read_commit", lambda *_: None)
    by_history = [(one.version, one.writer, one.rows) for one in lake.commits(spark, VALUES.name, 0, 2)]
    assert by_log == by_history == [(1, Writer("q", 0), 2), (2, Writer("q", 1), 1)]


EVERY_TYPE = Table(
    name="every_type",
    grain="one",
    key=(),
    columns=(
        Column("day", "DATE"),
        Column("text", "STRING"),
        Column("small", "INT"),
        Column("big", "BIGINT"),
        Column("exact", "DECIMAL(38,6)"),
        Column("real", "DOUBLE"),
        Column("yes", "BOOLEAN"),
        Column("bytes", "BINARY"),
        Column("at", "TIMESTAMP"),
        Column("list", "ARRAY<STRUCT<code: STRING, n: DECIMAL(10,2)>>"),
        Column("map", "MAP<STRING, BIGINT>"),
        Column("deep", "STRUCT<a: STRUCT<b: ARRAY<TIMESTAMP>>, c: DATE>"),
        Column("query_id", "STRING"),
        Column("batch_id", "BIGINT"),
    ),
    partitioned_by=("text",),
)
VALUES_OF_EVERY_TYPE = """
    SELECT date'0001-01-01' AS day, text, 1 AS small, -9223372036854775808 AS big,
      CAST('12345678901234567890.123456' AS DECIMAL(38,6)) AS exact, double('NaN') AS real, true AS yes,
      X'FF00' AS bytes, timestamp'9999-12-31 23:59:59.999999' AS at,
      array(named_struct('code', 'x', 'n', CAST(1.50 AS DECIMAL(10,2))), null) AS list, map('k', 1L, 'l', null) AS map,
      named_struct('a', named_struct('b', array(timestamp'1677-01-01 00:00:00.000001')), 'c', null) AS deep,
      'q' AS query_id, 0L AS batch_id
    FROM VALUES ('é /%= [1]'), (''), (null) AS texts(text)
    UNION ALL
    SELECT null, null, null, null, null, double('-Infinity'), null, null, null, null, null, null, 'q', 0L
"""


def test_rows_written_from_here_are_those_that_spark_would_write(spark: SparkSession, tmp_path: Path) -> None:
    found = []
    for few in (True, False):
        lake, writer = Lake(Storage(root=str(tmp_path / str(few)))), Writer("q", 0)
        lake.create(spark, EVERY_TYPE)
        after = lake.versions([EVERY_TYPE])[EVERY_TYPE.name]
        for _ in range(2):
            lake.append(spark.sql(VALUES_OF_EVERY_TYPE), EVERY_TYPE, writer, after=after, few=few)
        rows = lake.committed(spark, EVERY_TYPE.name, writer, after)
        assert rows is not None
        assert rows.count() == lake.read(spark, EVERY_TYPE.name).count() == 4
        (commit,) = lake.commits(spark, EVERY_TYPE.name, after + 1, after + 1)
        digest = rows.agg(ledger.digest(rows, rows.columns)).collect()
        found.append((digest, commit.rows, sorted(map(str, rows.drop("bytes").collect()))))
    assert found[0] == found[1]


def test_members_in_another_order_are_left_to_spark(spark: SparkSession, lake: Lake) -> None:
    columns = (
        Column("pair", "STRUCT<a: STRING, b: STRING>"),
        Column("query_id", "STRING"),
        Column("batch_id", "BIGINT"),
    )
    table = Table(name="pairs", grain="one", key=(), columns=columns)
    lake.create(spark, table)
    rows = spark.sql("SELECT named_struct('b', 'second', 'a', 'first') AS pair, 'q' AS query_id, 0L AS batch_id")
    lake.append(rows, table, Writer("q", 0), after=lake.versions([table])["pairs"], few=True)
    assert lake.read(spark, "pairs").select("pair.a", "pair.b").collect() == [("first", "second")]


def test_what_cannot_be_written_from_here_is_written_by_spark(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(Storage(root=str(tmp_path)))
    lake.create(spark, LEDGER)
    lake.create(spark, VALUES)
    after = lake.versions([VALUES])[VALUES.name]

    def after_its_commit(*given: Any, **named: Any) -> None:
        append_rows(*given, **named)
        raise InfrastructureError("the connection broke")

    def before_it(*_: Any, **__: Any) -> None:
        raise InfrastructureError("no links on this volume")

    row = {"day": "2026-01-02", "n": 2, "at": AT, "query_id": "q", "batch_id": 0}
    for batch_id, failing in enumerate((after_its_commit, before_it)):
        monkeypatch.setattr("headrace.io.lake.append_rows", failing)
        for _ in range(2):
            lake.append_rows(spark, [ENTRY], LEDGER, Writer("q", batch_id))
            rows = local_rows(spark, VALUES, [row])
            lake.append(rows, VALUES, Writer("q", batch_id), after=after, few=True)
    assert lake.read(spark, LEDGER.name).count() == 2
    assert lake.read(spark, VALUES.name).count() == 2
