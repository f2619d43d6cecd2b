"""The repository's own project on a few days of flights, in a folder of the test's."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from threading import Event

from pyspark.sql import SparkSession
from tests.empty_tables import with_tables

from headrace.config import FileSource
from headrace.demo.faults import FaultMix
from headrace.demo.feed import Landing, Record, land, records
from headrace.demo.flights import read_flights
from headrace.flows.project import Project, load
from headrace.flows.queries import queries
from headrace.flows.run import drain
from headrace.flows.watched import Watched

CONF = Path(__file__).parent.parent / "conf"


def project(home: Path, *, max_files: int = 1, start: datetime | None = None) -> Project:
    """The project with its tables and landing folders under ``home``."""
    loaded = load(CONF, "local", {"HEADRACE_HOME": str(home)})
    signals = {
        name: signal.model_copy(update={"source": _paced(signal.source, max_files)})
        for name, signal in loaded.settings.signals.items()
    }
    models = {name: model.model_copy(update={"start": start}) for name, model in loaded.models.items()}
    settings = loaded.settings.model_copy(update={"signals": signals, "upstream_batches": max_files})
    return replace(loaded, settings=settings, models=models)


def with_settings(loaded: Project, **changed: object) -> Project:
    """The project with some of its settings changed."""
    return replace(loaded, settings=loaded.settings.model_copy(update=changed))


def _paced(source: object, max_files: int) -> FileSource:
    assert isinstance(source, FileSource)
    return source.model_copy(update={"max_files": max_files})


def sent(first: date, end: date, *, share: float = 0.03) -> Sequence[Record]:
    """The records of some days, planted ones among them."""
    return list(records(read_flights().between(first, end), FaultMix(share=share, late_days=1)))


def landed(home: Path, records_: Sequence[Record]) -> Landing:
    """The records as a file a day and signal."""
    return land(home / "landing", records_, since=time.time())


def taken(spark: SparkSession, loaded: Project, *flows: str, ends: bool = True) -> None:
    """Take in what is there."""
    with_tables(spark, loaded)
    chosen = queries(loaded, flows or ("ingest", "features"), patient=False)
    drain(spark, loaded, chosen, stop=Event(), show=_raise, ends=ends)


def _raise(watched: Sequence[Watched]) -> None:
    """A test wants the first failure, not a restart that hides it."""
    failed = [one.error for one in watched if one.error]
    assert not failed, failed
