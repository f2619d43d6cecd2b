"""The cuts of feature sets, asked at first of the whole ledger and then of what came to it since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from headrace.config import Storage
from headrace.io import cuts as module
from headrace.io.cut import NOTHING, Cut
from headrace.io.cuts import cuts
from headrace.io.lake import Lake, Writer
from headrace.io.ledger import Entry, record
from headrace.tables import LEDGER

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", ["data", "data [1]"])
def test_cuts_follow_the_ledger(
    spark: SparkSession, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(Storage(root=str(tmp_path / name)))
    lake.create(spark, LEDGER)

    def write(flow: str, subject: str, query_id: str, batch_id: int, hours: float | None) -> None:
        mark = BEGIN + timedelta(hours=hours) if hours is not None else None
        at = BEGIN + timedelta(days=1, seconds=batch_id, hours=len(query_id))
        entry = Entry(flow=flow, subject=subject, slice="*", rows_in=0, outcomes={}, batch_time=at, high_water=mark)
        record(spark, lake, [entry], Writer(query_id, batch_id))

    def asked() -> dict[str, Cut]:
        found = cuts(spark, lake, ["a", "b"])
        monkeypatch.setattr(module, "_books", {})
        assert cuts(spark, lake, ["a", "b"]) == found, "as the whole ledger has it"
        return found

    assert asked() == {"a": NOTHING, "b": NOTHING}
    write("features", "a", "q", 0, None)
    write("ingest", "a", "i", 9, 5)
    assert cuts(spark, lake, ["a"]) == {"a": Cut("q", 0, None)}
    second = int(BEGIN.timestamp())
    write("features", "a", "q", 1, 1.5)
    write("features", "b", "r", 4, 2)
    assert cuts(spark, lake, ["a", "b"]) == {"a": Cut("q", 1, second + 5_400), "b": Cut("r", 4, second + 7_200)}
    write("features", "a", "q", 2, 1)
    write("backfill", "a", "q.backfill", 3, None)
    write("history", "b", "r.history", 6, None)
    expected = {
        "a": Cut("q", 2, second + 5_400, backfill_id="q.backfill", backfilled=3),
        "b": Cut("r", 4, second + 7_200, history=6),
    }
    assert asked() == expected
    DeltaTable.forPath(spark, f"{lake.storage.root}/ledger").optimize().executeCompaction()
    assert asked() == expected
    write("features", "a", "q.later", 0, 3)
    assert asked()["a"] == Cut("q.later", 0, second + 10_800), "a newer generation takes over"
    DeltaTable.forPath(spark, f"{lake.storage.root}/ledger").delete("query_id = 'q.later'")
    assert asked() == expected
