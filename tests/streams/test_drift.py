"""What a source sends beside its contract is kept, and told once, through the real flow."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

from pyspark.sql import SparkSession
from tests import flights
from tests.differences import differences

from headrace.io.lake import Lake

SIGNAL = "weather"


def test_drift_is_told_once_and_what_is_unknown_is_kept(spark: SparkSession, tmp_path: Path) -> None:
    records = flights.sent(date(2013, 1, 1), date(2013, 1, 4), share=0.0)
    flights.landed(tmp_path, records)
    first, second, third = sorted((tmp_path / "landing" / SIGNAL).iterdir())
    sent = [json.loads(line) for line in first.read_text().splitlines()]

    def rewrite(file: Path, **changes: object) -> int:
        """Every second record changed, the file as old as it was; how many."""
        stamp = file.stat()
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        file.write_text("".join(json.dumps({**row, **changes} if n % 2 else row) + "\n" for n, row in enumerate(rows)))
        os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        return len(rows) // 2

    changed = rewrite(second, station="K1", temp="warm")
    again = rewrite(third, station="K2", visib=None)
    project = flights.project(tmp_path, max_files=1)
    flights.taken(spark, project, f"ingest.{SIGNAL}", ends=False)
    lake = Lake(project.settings.storage)
    drift = lake.read(spark, "schema_drift").orderBy("kind").collect()
    told = [(row["batch_id"], row["kind"], row["field"], row["detail"], row["records"], row["policy"]) for row in drift]
    assert told == [
        (1, "changed_type", "temp", "string", changed, "rejected"),
        (1, "unknown_field", "station", "string", changed, "kept aside"),
    ]
    assert [row["record_id"] for row in drift] == [f"{SIGNAL}/{second.name}#2"] * 2
    kept = lake.read(spark, f"signals_{SIGNAL}").where("others IS NOT NULL").collect()
    assert [row["others"] for row in kept] == [{"station": '"K2"'}] * again
    assert len(sent) > 20
    assert differences(spark, project) == {}
