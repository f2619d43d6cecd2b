"""A changed definition is refused on what the old one left; its next generation is as if it had always been there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from tests import flights
from tests.differences import differences
from tests.streams.conftest import Taken
from tests.streams.test_features import final
from tests.writes import Write, around_writes

from headrace.errors import ConfigError
from headrace.features.spec import FeatureSet
from headrace.features.windows import windowed
from headrace.flows.backfill import backfill
from headrace.flows.ledger_check import check
from headrace.flows.project import Project
from headrace.flows.renew import renew
from headrace.io.cuts import cuts

SIGNAL, SET = "weather", "airport_weather"


def changed(project: Project, **more: Any) -> Project:
    declared = project.feature_sets[SET].model_dump(exclude={"derived"}) | more
    return replace(project, feature_sets={**project.feature_sets, SET: FeatureSet.model_validate(declared)})


def land(home: Path, first: date, end: date) -> None:
    flights.landed(home, [one for one in flights.sent(first, end) if one.signal == SIGNAL])


def everything(spark: SparkSession, taken: Taken, feature_set: FeatureSet) -> pd.DataFrame:
    """The windows of all records that are in time, computed at once."""
    rows = windowed(taken.lake.read(spark, f"signals_{SIGNAL}"), feature_set)
    frame = rows.withColumn("window_end", F.col("window_end").cast("timestamp_ntz")).toPandas()
    return frame.set_index([*feature_set.entity, "window_end"]).sort_index()


def assert_all_final(spark: SparkSession, taken: Taken) -> None:
    feature_set = taken.project.feature_sets[SET]
    ours, theirs = final(taken, feature_set), everything(spark, taken, feature_set)
    assert len(ours) == len(theirs) > 200
    for column in ("records", *feature_set.columns):
        np.testing.assert_allclose(
            ours[column].to_numpy(float), theirs.loc[ours.index, column].to_numpy(float), rtol=1e-9, err_msg=column
        )
    assert differences(spark, taken.project) == {}


SEVERAL: Mapping[str, Any] = {
    "window": {"length": ["1 hour", "6 hours"], "slide": "1 hour"},
    "features": {
        "wind_speed": {"op": "mean", "of": "wind_speed"},
        "gusts": {"op": "share", "of": "(`wind_speed` > 15)", "over": ["6 hours"]},
    },
}
SESSIONS: Mapping[str, Any] = {"window": {"gap": "3 hours"}, "features": {"seen": {"op": "count"}}}


@pytest.mark.long
def test_a_changed_definition_takes_over_whole(spark: SparkSession, tmp_path: Path) -> None:
    project = flights.project(tmp_path, max_files=5)
    flows = (f"ingest.{SIGNAL}", f"features.{SET}")
    land(tmp_path, date(2013, 1, 1), date(2013, 1, 10))
    flights.taken(spark, project, *flows, ends=False)
    before = Taken(project, tmp_path, ())
    old, windows = cuts(spark, before.lake, [SET])[SET], final(before, project.feature_sets[SET])

    new = Taken(changed(project, **SEVERAL), tmp_path, ())
    with pytest.raises(AssertionError, match=f"headrace features renew {SET}"):
        flights.taken(spark, new.project, *flows, ends=False)
    DeltaTable.forPath(spark, f"{project.settings.storage.root}/signals_{SIGNAL}").optimize().executeCompaction()

    def cut_off(write: Write) -> None:
        write.make()
        if write.table.name == f"features_{SET}_log" and write.writer.batch_id == 1:
            raise RuntimeError("cut off")

    with around_writes(cut_off), pytest.raises(RuntimeError, match="cut off"):
        list(renew(spark, new.project, SET))
    assert cuts(spark, new.lake, [SET])[SET] == old, "until the history is whole, the old generation counts"
    with pytest.raises(AssertionError, match="renew"):
        flights.taken(spark, new.project, *flows, ends=False)
    assert [one.windows > 50 for one in renew(spark, new.project, SET)] == [True], "the batch that was cut off, again"
    assert list(renew(spark, new.project, SET)) == []
    assert len(final(new, new.project.feature_sets[SET])) > len(windows) > 500, "six hours hold what an hour does not"

    land(tmp_path, date(2013, 1, 10), date(2013, 1, 12))
    flights.taken(spark, new.project, *flows)
    assert_all_final(spark, new)
    with pytest.raises(ConfigError, match="the definition of this set changed"):
        list(backfill(spark, project, SET))


def test_sessions_are_closed_by_the_end_and_renewed(spark: SparkSession, tmp_path: Path) -> None:
    project = changed(flights.project(tmp_path, max_files=2), **SESSIONS)
    taken, flows = Taken(project, tmp_path, ()), (f"ingest.{SIGNAL}", f"features.{SET}")
    land(tmp_path, date(2013, 1, 1), date(2013, 1, 5))
    flights.taken(spark, project, *flows)
    feature_set = project.feature_sets[SET]
    ours, theirs = final(taken, feature_set), everything(spark, taken, feature_set)
    assert ours["seen"].to_dict() == theirs["seen"].to_dict() != {}

    renewed = Taken(changed(project, **SESSIONS, generation=2), tmp_path, ())
    assert sum(one.windows for one in renew(spark, renewed.project, SET)) == len(ours)
    again = final(renewed, renewed.project.feature_sets[SET])
    assert again["seen"].to_dict() == ours["seen"].to_dict()
    assert again["computed_at"].min() > ours["computed_at"].max()
    found = {f"{one.check} {one.subject}": one for one in check(spark, renewed.project)}
    assert {name: one.wrong for name, one in found.items() if one.wrong} == {}
    assert "has still to read" in found[f"windows features_{SET}_log"].unread[0]
