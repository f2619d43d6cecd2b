"""A few days of flights, taken in once and looked at by many tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests import flights

from headrace.demo.feed import Record
from headrace.flows.project import Project
from headrace.io.lake import Lake

DAYS = (date(2013, 1, 1), date(2013, 1, 4))


@dataclass(frozen=True)
class Taken:
    """A project whose tables hold what was sent."""

    project: Project
    home: Path
    sent: Sequence[Record]

    @property
    def lake(self) -> Lake:
        return Lake(self.project.settings.storage)


@pytest.fixture(scope="session")
def day_by_day(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Taken:
    """Three days, a day a batch, ingest and features."""
    home = tmp_path_factory.mktemp("day_by_day")
    project, sent = flights.project(home, max_files=1), flights.sent(*DAYS)
    flights.landed(home, sent)
    flights.taken(spark, project)
    return Taken(project, home, sent)
