"""Hostile records through the whole of ingest: none ends the query, none is lost, each is judged as it deserves.

``HEADRACE_FUZZ_RECORDS`` is how many there are on each clock; memory does not grow with it, nor does a batch.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Literal

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests.differences import differences
from tests.empty_tables import with_tables
from tests.hostile.project import SIGNAL, project, send, wrongly_judged
from tests.hostile.records import FUTURE_REASON, STEP

from headrace.flows.queries import queries
from headrace.flows.run import drain
from headrace.flows.watched import Watched
from headrace.io.lake import Lake

MANY = int(os.environ.get("HEADRACE_FUZZ_RECORDS", "10000"))
MAX_FILES = 2
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Progress:
    """Says which batches are done, and fails at the first failure: a restart would hide it."""

    def __init__(self) -> None:
        self._done = -1

    def __call__(self, watched: Sequence[Watched]) -> None:
        failed = [one.error for one in watched if one.error]
        assert not failed, failed
        for query in (one.running for one in watched if one.running is not None):
            last = query.lastProgress
            if last is not None and last.batchId > self._done:
                self._done = last.batchId
                print(f"  batch {self._done} is done: {last.batchDuration / 1000:.0f} s", flush=True)


@pytest.mark.parametrize(
    ("clock", "start"),
    [
        pytest.param("replay", LONG_AGO, id="replay"),
        pytest.param("wall", datetime.now(UTC) - MANY * STEP - timedelta(minutes=1), id="wall", marks=pytest.mark.long),
    ],
)
def test_each_record_is_once_where_it_belongs(
    spark: SparkSession, tmp_path: Path, clock: Literal["wall", "replay"], start: datetime
) -> None:
    sent = send(tmp_path, MANY, seed=7, start=start)
    print(f"{sent.rows:,} records in {sent.files} files, {MAX_FILES} a batch", flush=True)
    there = project(tmp_path, clock, max_files=MAX_FILES)
    with_tables(spark, there)
    drain(spark, there, queries(there, ("ingest",)), stop=Event(), show=Progress())

    wrong = wrongly_judged(spark, there, sent).limit(20).collect()
    assert [row.asDict() for row in wrong] == []
    lake = Lake(there.settings.storage)
    letters = lake.read(spark, "dead_letters").select(F.explode("reasons.code").alias("code"))
    codes = Counter({row["code"]: row["count"] for row in letters.groupBy("code").count().collect()})
    assert 0.008 < codes[FUTURE_REASON] / MANY < 0.012
    assert 0.79 < lake.read(spark, f"signals_{SIGNAL}").count() / MANY < 0.81
    assert differences(spark, there) == {}


def test_every_dead_letter_can_be_read_in_python(spark: SparkSession, tmp_path: Path) -> None:
    """Whatever year a record claims: a client that fetches the letters must not fail for one of them."""
    there = project(tmp_path, "replay")
    (tmp_path / "landing").mkdir()
    years = ("0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2100-01-01T00:00:00Z")
    lines = [f'{{"occurred_at":"{year}"}}\n' for year in years]
    (tmp_path / "landing" / "far.jsonl").write_text("".join(lines))
    with_tables(spark, there)
    drain(spark, there, queries(there, ("ingest",)), stop=Event(), show=Progress())
    letters = Lake(there.settings.storage).read(spark, "dead_letters").orderBy("source.position").collect()
    known = [row["event_time"] and row["event_time"].year for row in letters]
    assert known == [None, None, None, 2100]
