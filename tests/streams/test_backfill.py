"""Late and replayed records come into final windows by a backfill, once, and windows are then what pandas says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession
from tests import flights
from tests.differences import differences
from tests.streams.conftest import Taken
from tests.streams.test_features import by_pandas, final
from tests.writes import Write, around_writes

from headrace.contracts.dead_letters import Action, Choice
from headrace.contracts.model import Criticality
from headrace.flows.backfill import Filled, backfill
from headrace.flows.replay import act
from headrace.io.cuts import cuts

SIGNAL, SET = "weather", "airport_weather"


@pytest.fixture
def taken(spark: SparkSession, tmp_path: Path) -> Taken:
    """Three days under a contract that rejects wind above 10 mph, then the right contract and all of it replayed."""
    right = flights.project(tmp_path, max_files=1)
    contract = right.contracts[SIGNAL]
    strict = replace(contract.field("wind_speed"), maximum=10.0, criticality=Criticality.ERROR)
    fields = tuple(strict if one.name == "wind_speed" else one for one in contract.fields)
    wrong = replace(right, contracts={**right.contracts, SIGNAL: replace(contract, fields=fields, version="0.9.0")})
    sent = flights.sent(date(2013, 1, 1), date(2013, 1, 4))
    flights.landed(tmp_path, [one for one in sent if one.signal == SIGNAL])
    flights.taken(spark, wrong, f"ingest.{SIGNAL}", f"features.{SET}")
    return Taken(right, tmp_path, sent)


def fold(spark: SparkSession, taken: Taken) -> Sequence[Filled]:
    return list(backfill(spark, taken.project, SET))


def test_a_backfill_makes_final_windows_whole_once_even_if_it_is_cut_off(spark: SparkSession, taken: Taken) -> None:
    feature_set = taken.project.feature_sets[SET]
    before = final(taken, feature_set)
    cut = cuts(spark, taken.lake, [SET])[SET]
    (done,) = act(spark, taken.project, SIGNAL, Action.REPLAY, Choice(reasons=("out_of_range",)))
    (missed,) = done.missed
    assert (missed.feature_set, missed.windows > 20) == (SET, True)
    assert missed.first == datetime(2013, 1, 1, 7, tzinfo=UTC)
    assert final(taken, feature_set).equals(before), "a final window does not change by itself"

    def cut_off(write: Write) -> None:
        write.make()
        if write.table.name == f"features_{SET}_log":
            raise RuntimeError("cut off")

    with around_writes(cut_off), pytest.raises(RuntimeError, match="cut off"):
        fold(spark, taken)
    ended, *again = fold(spark, taken)
    assert ended.changed > 50
    assert [one.changed for one in again] == [0], "what the first wrote is not written again"

    ours = final(taken, feature_set)
    every_record = feature_set.model_copy(update={"delay": feature_set.delay * 1_000})
    theirs = by_pandas(spark, taken, every_record, replayed=True)
    theirs = theirs[theirs.index.get_level_values("window_end") <= ended.end.replace(tzinfo=None)]
    assert len(ours) == len(theirs) > len(before)
    for column in ("records", *feature_set.features):
        np.testing.assert_allclose(
            ours[column].to_numpy(float), theirs.loc[ours.index, column].to_numpy(float), rtol=1e-9, err_msg=column
        )
    after = cuts(spark, taken.lake, [SET])[SET]
    assert (after.query_id, after.batch_id) == (cut.query_id, cut.batch_id)
    assert (cut.backfilled, after.backfilled) == (-1, 1)
    assert differences(spark, taken.project) == {}
