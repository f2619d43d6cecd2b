"""A project of one signal whose source is a folder of hostile records, and what has to become of each of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final, Literal

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.hostile.contract import CONTRACT
from tests.hostile.records import Planted, records

from headrace.config import Clock, FileSource, Registry, Settings, Signal, Storage
from headrace.flows.project import Project
from headrace.io.lake import Lake

__all__ = ["SIGNAL", "Sent", "project", "send", "wrongly_judged"]

SIGNAL: Final = "turbine"
LARGEST_FILE = 10_000
_EXPECTED: Final = "record_id STRING, reason STRING, field STRING, kind STRING"


@dataclass(frozen=True, slots=True)
class Sent:
    """What lies in the source: how many records and files, and beside it a file a file of what has to come of them."""

    rows: int
    files: int
    expected: Path


def project(home: Path, clock: Literal["wall", "replay"], *, max_files: int = 1) -> Project:
    """The project with its tables and its source under ``home``."""
    signal = Signal(
        contract=CONTRACT.id,
        source=FileSource(kind="files", path=str(home / "landing"), max_files=max_files),
        clock=Clock(kind=clock, max_jump=timedelta(hours=1)),
    )
    settings = Settings(
        project="hostile",
        storage=Storage(root=str(home / "lake")),
        registry=Registry(tracking_uri="none"),
        signals={SIGNAL: signal},
    )
    return Project(
        settings=settings, contracts={SIGNAL: CONTRACT}, feature_sets={}, models={}, root=home, environment=None
    )


def send(home: Path, rows: int, *, seed: int, start: datetime) -> Sent:
    """Lay that many records into the source, in files in the order of their events; never two files in memory."""
    landing, expected = home / "landing", home / "expected"
    landing.mkdir()
    expected.mkdir()
    stream, size, files = records(seed, start), min(max(rows // 5, 1), LARGEST_FILE), 0
    for first in range(0, rows, size):
        path = landing / f"{files:06}.jsonl"
        chunk = list(islice(stream, min(size, rows - first)))
        path.write_bytes(b"".join((record.payload or b"") + b"\n" for record in chunk))
        os.utime(path, (start.timestamp() + files, start.timestamp() + files))
        (expected / path.name).write_text("".join(_expectations(path.name, chunk)))
        files += 1
    return Sent(rows, files, expected)


def _expectations(name: str, chunk: list[Planted]) -> Iterator[str]:
    for line, record in enumerate(chunk, start=1):
        known = {"reason": record.reason, "field": record.field, "kind": record.kind}
        yield json.dumps({"record_id": f"{SIGNAL}/{name}#{line}", **known}) + "\n"


def wrongly_judged(spark: SparkSession, there: Project, sent: Sent) -> DataFrame:
    """Records that are not exactly once where they belong, or are rejected for none of the reasons planted."""
    lake = Lake(there.settings.storage)
    accepted = lake.read(spark, f"signals_{SIGNAL}").select("record_id", F.lit(None).alias("value"), _none())
    letters = lake.read(spark, "dead_letters").select(
        "record_id", "value", F.transform("reasons", lambda r: F.struct(r["code"], r["field"])).alias("reasons")
    )
    found = (
        accepted.union(letters)
        .groupBy("record_id")
        .agg(F.count("*").alias("times"), F.first("reasons").alias("reasons"), F.first("value").alias("value"))
    )
    expected = spark.read.schema(_EXPECTED).json(str(sent.expected))
    right = F.when(F.col("reason").isNull(), F.size("reasons") == 0).otherwise(
        F.exists("reasons", lambda r: (r["col1"] == F.col("reason")) & _of_field(r))
    )
    joined = expected.join(found, "record_id", "full_outer")
    return joined.where(~F.coalesce((F.col("times") == 1) & right, F.lit(False)))


def _none() -> Column:
    return F.expr("CAST(array() AS ARRAY<STRUCT<col1: STRING, col2: STRING>>)").alias("reasons")


def _of_field(reason: Column) -> Column:
    return F.col("field").isNull() | reason["col2"].eqNullSafe(F.col("field"))
