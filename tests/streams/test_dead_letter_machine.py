"""Lives of dead letters on real tables, step for step the same as the model's.

``HEADRACE_FUZZ_LIVES`` is how many there are. Each is the life of one signal; some signals share a project.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import reduce
from pathlib import Path
from random import Random
from threading import Event

import pytest
from pyspark.sql import DataFrame, SparkSession
from tests.differences import differences
from tests.empty_tables import with_tables
from tests.hostile.lives import Act, Change, Lives, Send, steps
from tests.writes import Write, around_writes

from headrace.config import Clock, FileSource, Registry, Settings, Signal, Storage
from headrace.contracts.dead_letters import Action, Choice, State, with_state
from headrace.contracts.model import Contract, Field, Kind
from headrace.errors import InfrastructureError
from headrace.flows.project import Project
from headrace.flows.queries import queries
from headrace.flows.replay import act
from headrace.flows.run import drain
from headrace.io.lake import Lake
from headrace.tables import DEAD_LETTER_ACTIONS, DEAD_LETTERS, LEDGER

MANY, TOGETHER, STEPS = int(os.environ.get("HEADRACE_FUZZ_LIVES", "15")), 15, 3


class CutOffError(Exception):
    """What a crash is here."""


def contract(signal: str, maximum: int) -> Contract:
    return Contract(
        id=signal,
        version=f"1.{maximum}.0",
        event_time="at",
        fields=(
            Field(name="at", kind=Kind.TIMESTAMP, required=True),
            Field(name="number", kind=Kind.INTEGER, required=True, maximum=maximum),
        ),
    )


@dataclass
class Life:
    """One signal, and the model of what has to be in its tables."""

    signal: str
    model: Lives = field(default_factory=Lives)
    files: int = 0

    @property
    def known(self) -> dict[str, tuple[int, State]]:
        return {record: (self.model.attempts[record], self.model.state(record)) for record in self.model.letters}


@dataclass
class Machine:
    """One project folder, and the lives in it."""

    spark: SparkSession
    home: Path
    lives: tuple[Life, ...]

    @property
    def project(self) -> Project:
        settings = Settings(
            project="lives",
            storage=Storage(root=str(self.home / "lake")),
            registry=Registry(tracking_uri="none"),
            signals={
                life.signal: Signal(
                    contract=life.signal,
                    source=FileSource(kind="files", path=str(self.home / life.signal)),
                    clock=Clock(max_jump=timedelta(hours=1)),
                )
                for life in self.lives
            },
        )
        contracts = {life.signal: contract(life.signal, life.model.maximum) for life in self.lives}
        return Project(
            settings=settings, contracts=contracts, feature_sets={}, models={}, root=self.home, environment=None
        )

    @property
    def lake(self) -> Lake:
        return Lake(self.project.settings.storage)

    def send(self, sent: Sequence[tuple[Life, Send]]) -> None:
        for life, step in sent:
            name = f"{life.files:03}.jsonl"
            lines = [f'{{"at":"2026-01-01T00:00:00Z","number":{value}}}\n' for value in step.values]
            (self.home / life.signal / name).write_text("".join(lines))
            life.files += 1
            life.model.send({f"{life.signal}/{name}#{line}": value for line, value in enumerate(step.values, start=1)})
        mine = queries(self.project, [f"ingest.{life.signal}" for life, _ in sent])
        if mine:
            drain(self.spark, self.project, mine, stop=Event(), show=lambda _: None)

    def act(self, life: Life, step: Act) -> None:
        cut = step.writes if life.model.begun is None else None
        refused = not life.model.act(step)
        choice = Choice(states=tuple(state.value for state in step.states))
        try:
            with cut_off(life.signal, step.action, cut):
                act(self.spark, self.project, life.signal, step.action, choice)
        except InfrastructureError:
            assert refused
        except CutOffError:
            assert life.model.begun is not None
        else:
            assert not refused
            assert life.model.begun is None

    def agree(self) -> None:
        """The tables hold what the models hold: who is accepted how often, and where each letter stands."""
        accepted = [self.lake.read(self.spark, f"signals_{life.signal}").select("record_id") for life in self.lives]
        taken = reduce(DataFrame.unionAll, accepted).groupBy("record_id").count().collect()
        expected = sum((life.model.taken for life in self.lives), Counter())
        assert {row["record_id"]: row["count"] for row in taken} == dict(+expected)
        letters, actions = (self.lake.read(self.spark, table.name) for table in (DEAD_LETTERS, DEAD_LETTER_ACTIONS))
        there = with_state(letters, actions).select("record_id", "attempts", "state").collect()
        known = dict(item for life in self.lives for item in life.known.items())
        assert {row["record_id"]: (row["attempts"], State(row["state"])) for row in there} == known


@contextmanager
def cut_off(signal: str, action: Action, writes: int | None) -> Iterator[None]:
    """Fail instead of the write that follows so many: the accepted, the actions, the ledger, in that order."""
    order = [f"signals_{signal}", DEAD_LETTER_ACTIONS.name, LEDGER.name]
    if action is not Action.REPLAY:
        order[0] = order[1]

    def failing(write: Write) -> None:
        if writes is not None and write.table.name == order[writes]:
            raise CutOffError
        write.make()

    with around_writes(failing):
        yield


@pytest.mark.parametrize("seeds", [range(first, min(first + TOGETHER, MANY)) for first in range(0, MANY, TOGETHER)])
def test_tables_and_models_live_the_same_lives(spark: SparkSession, tmp_path: Path, seeds: range) -> None:
    machine = Machine(spark, tmp_path, tuple(Life(f"numbers_{seed}") for seed in seeds))
    for life in machine.lives:
        (tmp_path / life.signal).mkdir()
    with_tables(spark, machine.project)
    for number, taken in enumerate(zip(*[steps(Random(seed), STEPS) for seed in seeds], strict=True)):
        print(f"{len(seeds)} lives from {seeds.start} on: step {number}", flush=True)
        step_of = list(zip(machine.lives, taken, strict=True))
        machine.send([(life, step) for life, step in step_of if isinstance(step, Send)])
        for life, step in step_of:
            if isinstance(step, Change):
                life.model.maximum = step.maximum
            elif isinstance(step, Act):
                machine.act(life, step)
        machine.agree()
    for life in machine.lives:
        if life.model.begun is not None:
            life.model.maximum = life.model.begun.maximum
            machine.act(life, Act(Action.REPLAY))
        life.model.maximum = 9
        machine.act(life, Act(Action.REPLAY, parked=True))
    machine.agree()
    again = Choice(states=("open", "parked"))
    for life in machine.lives:
        assert act(spark, machine.project, life.signal, Action.REPLAY, again) == []
    machine.agree()
    assert differences(spark, machine.project) == {}
