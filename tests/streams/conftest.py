"""A few days of flights, taken in once and looked at by many tests."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests import flights

from headrace.demo.feed import Record
from headrace.flows.project import Project
from headrace.io.jars.lock import exclusive
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
    """Three days, a day a batch, ingest and features. One for all processes of a run: to be read, or copied."""
    home = _folder_of_run(tmp_path_factory) / "day_by_day"
    project, sent = flights.project(home, max_files=1), flights.sent(*DAYS)
    with exclusive(home.with_suffix(".lock")):
        if not (home / "whole").exists():
            flights.landed(home, sent)
            flights.taken(spark, project)
            (home / "whole").touch()
    return Taken(project, home, sent)


def _folder_of_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which each process of a run has one of its own."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
