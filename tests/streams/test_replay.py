"""Dead letters come back: once, whole, with their identity; or they stay, counted, and are parked in the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests import flights
from tests.differences import differences
from tests.writes import Write, around_writes

from headrace.contracts.dead_letters import Action, Choice
from headrace.contracts.model import Contract, Criticality
from headrace.errors import InfrastructureError
from headrace.flows.project import Project
from headrace.flows.replay import act, rehearse
from headrace.io.lake import Lake

pytestmark = pytest.mark.long

SIGNAL, SET = "weather", "airport_weather"


def too_strict(contract: Contract) -> Contract:
    """No wind above 10 mph: a rule that rejects good records, as a wrong contract does."""
    strict = replace(contract.field("wind_speed"), maximum=10.0, criticality=Criticality.ERROR)
    fields = tuple(strict if one.name == "wind_speed" else one for one in contract.fields)
    return replace(contract, fields=fields, version="0.9.0")


def with_contract(project: Project, contract: Contract) -> Project:
    return replace(project, contracts={**project.contracts, SIGNAL: contract})


@pytest.fixture
def mended(spark: SparkSession, tmp_path: Path) -> tuple[Project, Project]:
    """Two days taken in under a contract that was wrong; and the project with the one that is right."""
    right = flights.project(tmp_path, max_files=1)
    wrong = with_contract(right, too_strict(right.contracts[SIGNAL]))
    records = [one for one in flights.sent(date(2013, 1, 1), date(2013, 1, 3)) if one.signal == SIGNAL]
    flights.landed(tmp_path, records)
    flights.taken(spark, wrong, f"ingest.{SIGNAL}", f"features.{SET}", ends=False)
    return wrong, right


def count(spark: SparkSession, project: Project, table: str) -> int:
    return Lake(project.settings.storage).read(spark, table).count()


def test_a_mended_contract_brings_all_back_and_a_second_replay_adds_nothing(
    spark: SparkSession, mended: tuple[Project, Project]
) -> None:
    _, right = mended
    accepted, letters = count(spark, right, f"signals_{SIGNAL}"), count(spark, right, "dead_letters")
    windy = Choice(reasons=("out_of_range",))
    would = {
        row["outcome"]: row["count"]
        for row in rehearse(spark, right, SIGNAL, windy).groupBy("outcome").count().collect()
    }
    assert count(spark, right, f"signals_{SIGNAL}") == accepted, "a rehearsal writes nothing"
    (done,) = act(spark, right, SIGNAL, Action.REPLAY, windy)
    assert done.outcomes == would
    back = done.outcomes["accepted"]
    assert back > 10
    assert count(spark, right, f"signals_{SIGNAL}") == accepted + back
    assert count(spark, right, "dead_letters") == letters, "a letter is kept"
    again = act(spark, right, SIGNAL, Action.REPLAY, windy)
    assert sum(one.outcomes.get("accepted", 0) for one in again) == 0
    assert count(spark, right, f"signals_{SIGNAL}") == accepted + back
    table = Lake(right.settings.storage).read(spark, f"signals_{SIGNAL}")
    assert table.select("record_id").distinct().count() == table.count()
    flights.taken(spark, right, f"ingest.{SIGNAL}", f"features.{SET}", ends=False)
    assert differences(spark, right) == {}


def test_what_fails_three_times_is_parked_and_what_is_discarded_stays_so(
    spark: SparkSession, mended: tuple[Project, Project]
) -> None:
    wrong, _ = mended
    broken = Choice(reasons=("malformed", "empty", "wrong_type"))
    outcomes = [done.outcomes for _ in range(3) for done in act(spark, wrong, SIGNAL, Action.REPLAY, broken)]
    letters = sum(outcomes[0].values())
    assert outcomes == [{"rejected": letters}, {"rejected": letters}, {"parked": letters}]
    assert act(spark, wrong, SIGNAL, Action.REPLAY, broken) == []
    (dropped,) = act(spark, wrong, SIGNAL, Action.DISCARD, replace(broken, states=("parked",)), note="test data")
    assert dropped.outcomes == {"discarded": letters}
    assert act(spark, wrong, SIGNAL, Action.REPLAY, replace(broken, states=("open", "parked"))) == []
    assert differences(spark, wrong) == {}


def test_a_replay_that_was_cut_off_is_ended_by_the_next(spark: SparkSession, mended: tuple[Project, Project]) -> None:
    wrong, right = mended
    all_ = Choice()
    letters = count(spark, right, "dead_letters")

    def cut_off(project: Project, *, after: str) -> None:
        def last(write: Write) -> None:
            write.make()
            if write.table.name == after:
                raise RuntimeError("cut off")

        with around_writes(last), pytest.raises(RuntimeError, match="cut off"):
            act(spark, project, SIGNAL, Action.REPLAY, all_)

    cut_off(wrong, after="batch_plans")
    cut_off(right, after=f"signals_{SIGNAL}")
    with pytest.raises(InfrastructureError, match=r"begun under contract \S+, has written, and has to end under it"):
        act(spark, wrong, SIGNAL, Action.PARK, all_)
    (ended,) = act(spark, right, SIGNAL, Action.REPLAY, all_)
    assert ended.outcomes["accepted"] > 10
    assert ended.letters == count(spark, right, "dead_letter_actions") == letters
    attempts = Lake(right.settings.storage).read(spark, "dead_letter_actions").select("attempt").distinct().collect()
    assert [row["attempt"] for row in attempts] == [1]
    table = Lake(right.settings.storage).read(spark, f"signals_{SIGNAL}")
    assert table.select("record_id").distinct().count() == table.count()
    assert differences(spark, right) == {}
