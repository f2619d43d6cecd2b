"""Lives of dead letters on real tables, step for step the same as the model's.

``HEADRACE_FUZZ_LIVES`` is how many there are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from threading import Event
from unittest.mock import patch

import pytest
from pyspark.sql import DataFrame, SparkSession
from tests.empty_tables import with_tables
from tests.hostile.lives import Act, Change, Lives, Send, steps

from headrace.config import Clock, FileSource, Registry, Settings, Signal, Storage
from headrace.contracts.dead_letters import Action, Choice, State, with_state
from headrace.contracts.model import Contract, Field, Kind
from headrace.errors import InfrastructureError
from headrace.flows.ledger_check import check
from headrace.flows.project import Project
from headrace.flows.queries import queries
from headrace.flows.replay import act
from headrace.flows.run import drain
from headrace.io.lake import Lake, Writer
from headrace.tables import DEAD_LETTER_ACTIONS, DEAD_LETTERS, LEDGER, Table

pytestmark = pytest.mark.long

MANY, STEPS = int(os.environ.get("HEADRACE_FUZZ_LIVES", "15")), 3
SIGNAL = "numbers"


class CutOffError(Exception):
    """What a crash is here."""


def contract(maximum: int) -> Contract:
    return Contract(
        id=SIGNAL,
        version=f"1.{maximum}.0",
        event_time="at",
        fields=(
            Field(name="at", kind=Kind.TIMESTAMP, required=True),
            Field(name="number", kind=Kind.INTEGER, required=True, maximum=maximum),
        ),
    )


@dataclass
class Machine:
    """One project folder, and the model of what has to be in it."""

    spark: SparkSession
    home: Path
    lives: Lives = field(default_factory=Lives)
    files: int = 0

    @property
    def project(self) -> Project:
        source = FileSource(kind="files", path=str(self.home / "landing"))
        settings = Settings(
            project="lives",
            storage=Storage(root=str(self.home / "lake")),
            registry=Registry(tracking_uri="none"),
            signals={SIGNAL: Signal(contract=SIGNAL, source=source, clock=Clock(max_jump=timedelta(hours=1)))},
        )
        contracts = {SIGNAL: contract(self.lives.maximum)}
        return Project(
            settings=settings, contracts=contracts, feature_sets={}, models={}, root=self.home, environment=None
        )

    @property
    def lake(self) -> Lake:
        return Lake(self.project.settings.storage)

    def send(self, step: Send) -> None:
        name = f"{self.files:03}.jsonl"
        lines = [f'{{"at":"2026-01-01T00:00:00Z","number":{value}}}\n' for value in step.values]
        (self.home / "landing" / name).write_text("".join(lines))
        self.files += 1
        drain(self.spark, self.project, queries(self.project, ("ingest",)), stop=Event(), show=lambda _: None)
        self.lives.send({f"{SIGNAL}/{name}#{line}": value for line, value in enumerate(step.values, start=1)})

    def act(self, step: Act) -> None:
        cut = step.writes if self.lives.begun is None else None
        refused = not self.lives.act(step)
        choice = Choice(states=tuple(state.value for state in step.states))
        try:
            with cut_off(step.action, cut):
                act(self.spark, self.project, SIGNAL, step.action, choice)
        except InfrastructureError:
            assert refused
        except CutOffError:
            assert self.lives.begun is not None
        else:
            assert not refused
            assert self.lives.begun is None

    def agrees(self) -> None:
        """The tables hold what the model holds: who is accepted how often, and where each letter stands."""
        taken = self.lake.read(self.spark, f"signals_{SIGNAL}").groupBy("record_id").count().collect()
        assert {row["record_id"]: row["count"] for row in taken} == dict(+self.lives.taken)
        letters, actions = (self.lake.read(self.spark, table.name) for table in (DEAD_LETTERS, DEAD_LETTER_ACTIONS))
        there = with_state(letters, actions).select("record_id", "attempts", "state").collect()
        known = {record: (self.lives.attempts[record], self.lives.state(record)) for record in self.lives.letters}
        assert {row["record_id"]: (row["attempts"], State(row["state"])) for row in there} == known


@contextmanager
def cut_off(action: Action, writes: int | None) -> Iterator[None]:
    """Fail instead of the write that follows so many: the accepted, the actions, the ledger, in that order."""
    order = [f"signals_{SIGNAL}", DEAD_LETTER_ACTIONS.name, LEDGER.name]
    if action is not Action.REPLAY:
        order[0] = order[1]
    append = Lake.append

    def failing(lake: Lake, rows: DataFrame, table: Table, writer: Writer, *, output: str | None = None) -> None:
        if writes is not None and table.name == order[writes]:
            raise CutOffError
        append(lake, rows, table, writer, output=output)

    with patch.object(Lake, "append", failing):
        yield


@pytest.mark.parametrize("seed", range(MANY))
def test_tables_and_model_live_the_same_life(spark: SparkSession, tmp_path: Path, seed: int) -> None:
    machine = Machine(spark, tmp_path)
    (tmp_path / "landing").mkdir()
    with_tables(spark, machine.project)
    for step in steps(Random(seed), STEPS):
        match step:
            case Send():
                machine.send(step)
            case Change(maximum):
                machine.lives.maximum = maximum
            case Act():
                machine.act(step)
                if machine.lives.begun is not None:
                    machine.agrees()
    if machine.lives.begun is not None:
        machine.lives.maximum = machine.lives.begun.maximum
        machine.act(Act(Action.REPLAY))
    machine.lives.maximum = 9
    machine.act(Act(Action.REPLAY, parked=True))
    machine.agrees()
    assert act(spark, machine.project, SIGNAL, Action.REPLAY, Choice(states=("open", "parked"))) == []
    machine.agrees()
    assert {f"{one.check} {one.subject}": one.wrong for one in check(spark, machine.project) if one.wrong} == {}
