"""A crash before or after any write of any flow: the next attempt leaves what one would have left."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from pyspark.sql import SparkSession
from tests import flights
from tests.differences import differences
from tests.empty_tables import with_tables
from tests.services.projects import registered
from tests.streams.conftest import Taken
from tests.streams.test_features import SETS, by_pandas, final
from tests.writes import Write, around_writes

from headrace.config import Restarts
from headrace.flows.project import Project
from headrace.flows.queries import queries
from headrace.flows.run import drain

pytestmark = pytest.mark.long

CRASHES = 24


class Crashes:
    """Fails some writes, before or after they are committed; each write at most once a side."""

    def __init__(self, seed: int, share: float) -> None:
        self._chance, self._share, self.made = random.Random(seed), share, Counter[str]()

    def around(self, write: Write) -> None:
        self._maybe(f"before {write.table.name}")
        write.make()
        self._maybe(f"after {write.table.name}")

    def _maybe(self, where: str) -> None:
        if self.made.total() < CRASHES and self._chance.random() < self._share:
            self.made[where] += 1
            raise RuntimeError(f"planted crash {where}")


@pytest.fixture
def crashes() -> Iterator[Crashes]:
    planted = Crashes(seed=7, share=0.25)
    with around_writes(planted.around):
        yield planted


def patient(project: Project) -> Project:
    """The same project, its queries restarted soon however often they fail."""
    restarts = Restarts(first_wait=timedelta(milliseconds=100), longest_wait=timedelta(milliseconds=100), limit=1_000)
    return flights.with_settings(project, restarts=restarts)


def test_crashes_at_every_kind_of_write(spark: SparkSession, crashes: Crashes, tmp_path: Path) -> None:
    project = patient(flights.project(tmp_path, max_files=1))
    records = flights.sent(date(2013, 1, 1), date(2013, 1, 4))
    flights.landed(tmp_path, records)
    registered(project)
    with_tables(spark, project)
    failed = set[str]()
    drain(
        spark,
        project,
        queries(project, patient=False),
        stop=Event(),
        show=lambda watched: failed.update(one.error for one in watched if one.error),
    )
    assert [each for each in failed if "planted crash" not in each] == [], "a retried batch fails for nothing else"
    assert crashes.made.total() == CRASHES, crashes.made
    assert len(crashes.made) >= 8, crashes.made
    taken = Taken(project, tmp_path, records)
    assert differences(spark, project) == {}
    for name in SETS:
        feature_set = project.feature_sets[name]
        ours, theirs = final(taken, feature_set), by_pandas(spark, taken, feature_set)
        assert len(ours) == len(theirs)
        for column in ("records", *feature_set.features):
            np.testing.assert_allclose(
                ours[column].to_numpy(float), theirs.loc[ours.index, column].to_numpy(float), rtol=1e-9
            )
    asked = taken.lake.read(spark, "signals_departures").where("status = 'departed'")
    decided = taken.lake.read(spark, "predictions_arrives_late")
    assert asked.count() == decided.count() == decided.select("record_id").distinct().count()
