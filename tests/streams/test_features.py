"""Windows in the stream are what plain pandas makes of the accepted records, however they were cut into batches."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from tests import flights
from tests.streams.conftest import DAYS, Taken

from headrace.features.feature import Op
from headrace.features.spec import FeatureSet
from headrace.flows.catalog import tables, views
from headrace.io.reader import open_tables

SETS = ("airport_weather", "origin_arrivals", "origin_departures")


def final(taken: Taken, feature_set: FeatureSet) -> pd.DataFrame:
    """What analysts see, by the view."""
    loaded = taken.project
    with open_tables(loaded.settings.storage, tables(loaded), views(loaded)) as connection:
        frame = connection.execute(f"SELECT * FROM features_{feature_set.name}").df()
    return frame.set_index([*feature_set.entity, "window_end"]).sort_index()


def by_pandas(spark: SparkSession, taken: Taken, feature_set: FeatureSet, *, replayed: bool = False) -> pd.DataFrame:
    """The same from the accepted records, with nothing of ours. ``replayed``: those that came back as well."""
    rows = taken.lake.read(spark, f"signals_{feature_set.signal}").toPandas()
    rows = rows[(rows["late_by"] <= feature_set.delay.total_seconds() * 1_000) | (replayed & rows["late_by"].isna())]
    length, step = feature_set.window.longest, feature_set.window.step
    first_end = rows["event_time"].dt.floor(step) + step
    copies = pd.concat([rows.assign(window_end=first_end + number * step) for number in range(length // step)])
    groups = copies.groupby([*feature_set.entity, "window_end"])
    found = {"records": groups.size()}
    for name, feature in feature_set.features.items():
        how = {Op.COUNT: "size", Op.STDDEV: "std"}.get(feature.op, feature.op.value)
        found[name] = getattr(groups[feature.of], how)() if feature.of else groups.size()
    return pd.DataFrame(found).sort_index()


@pytest.mark.parametrize("name", SETS)
def test_every_final_window_equals_pandas(spark: SparkSession, day_by_day: Taken, name: str) -> None:
    feature_set = day_by_day.project.feature_sets[name]
    ours, theirs = final(day_by_day, feature_set), by_pandas(spark, day_by_day, feature_set)
    assert len(ours) == len(theirs) > 150, "the declared end of input closes every window"
    for column in ("records", *feature_set.features):
        np.testing.assert_allclose(
            ours[column].to_numpy(float), theirs.loc[ours.index, column].to_numpy(float), rtol=1e-9, err_msg=column
        )


def test_spark_dropped_nothing_on_its_own(spark: SparkSession, day_by_day: Taken) -> None:
    book = day_by_day.lake.read(spark, "ledger").where("flow = 'features' AND engine_watermark IS NOT NULL")
    assert book.where("engine_watermark > watermark").count() == 0


def test_other_batches_give_the_same_windows(
    spark: SparkSession, day_by_day: Taken, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """All three days in one batch: no record is late then, so only windows without a late record can be compared."""
    home = tmp_path_factory.mktemp("at_once")
    whole = Taken(flights.project(home, max_files=100), home, flights.sent(*DAYS, share=0.0))
    flights.landed(home, whole.sent)
    flights.taken(spark, whole.project, ends=False)
    for name in SETS:
        feature_set = whole.project.feature_sets[name]
        ours, theirs = final(whole, feature_set), by_pandas(spark, whole, feature_set)
        watermark = ours.index.get_level_values("window_end").max()
        closed = theirs[theirs.index.get_level_values("window_end") <= watermark]
        assert 150 < len(ours) == len(closed) < len(theirs), "without an end of input the last windows stay open"
        for column in ("records", *feature_set.features):
            np.testing.assert_allclose(
                ours[column].to_numpy(float), closed.loc[ours.index, column].to_numpy(float), rtol=1e-9
            )
