"""A small project: orders in files, a window of ten minutes, in any folder."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from threading import Event

from pyspark.sql import SparkSession
from tests.empty_tables import with_tables

from headrace.config import Clock, FileSource, Registry, Restarts, Settings, Signal, SqliteOnline, Storage
from headrace.contracts.model import Contract, Field, Kind
from headrace.features.spec import FeatureSet
from headrace.flows.project import Project
from headrace.flows.queries import queries
from headrace.flows.run import drain

CONTRACT = Contract(
    id="orders",
    version="1.0.0",
    event_time="placed_at",
    fields=(
        Field(name="placed_at", kind=Kind.TIMESTAMP, required=True),
        Field(name="number", kind=Kind.INTEGER, required=True, minimum=0),
        Field(name="kitchen", kind=Kind.STRING, required=True),
    ),
)
LOAD = FeatureSet.model_validate(
    {
        "name": "load",
        "signal": "orders",
        "description": "What a kitchen was asked for.",
        "entity": ["kitchen"],
        "window": {"length": "10 minutes", "slide": "10 minutes"},
        "delay": "5 minutes",
        "time_to_live": "2 hours",
        "features": {"orders": {"op": "count", "description": "Orders in the window."}},
    }
)


def project(home: Path, *, restarts: int = 0) -> Project:
    """The project with all that it keeps under ``home``. restarts: failures of a query that are forgiven."""
    source = FileSource(kind="files", path=str(home / "landing"), max_files=1, max_file_bytes=10_000)
    settings = Settings(
        project="orders",
        storage=Storage(root=str(home / "lake")),
        registry=Registry(tracking_uri="none"),
        restarts=Restarts(limit=restarts),
        online=SqliteOnline(kind="sqlite", path=str(home / "online.db")),
        signals={
            "orders": Signal(
                contract="orders", source=source, clock=Clock(kind="replay", max_jump=timedelta(days=1), support=1)
            )
        },
    )
    return Project(
        settings=settings,
        contracts={"orders": CONTRACT},
        feature_sets={"load": LOAD},
        models={},
        root=home,
        environment=None,
    )


def order(number: int) -> bytes:
    """One order a minute."""
    at = f"2026-05-01T{10 + number // 60:02}:{number % 60:02}:00Z"
    return json.dumps({"placed_at": at, "number": number, "kitchen": "harbour"}).encode()


def land(home: Path, name: str, content: bytes, *, at: int) -> Path:
    """Lay a file into the source. at: seconds by which files are put in order."""
    path = home / "landing" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (at, at))
    return path


def take_in(spark: SparkSession, there: Project, flows: Sequence[str] = ("ingest", "features")) -> None:
    """Run once. Raises as ``drain`` does."""
    with_tables(spark, there)
    drain(spark, there, queries(there, flows, patient=False), stop=Event(), show=lambda _: None)
