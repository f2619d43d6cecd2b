"""What becomes of records that were rejected, as a model: no Spark, no tables, only what must hold of them.

A record is a number, and a contract is the largest number it lets pass.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from headrace.contracts.dead_letters import Action, Outcome, State

__all__ = ["Act", "Change", "Lives", "Send", "Step", "steps"]


@dataclass(frozen=True, slots=True)
class Send:
    """Some records arrive."""

    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """The contract lets pass what is not above ``maximum``."""

    maximum: int


@dataclass(frozen=True, slots=True)
class Act:
    """All open letters, and the parked ones too if ``parked``, are acted on; ``writes``: cut off after so many."""

    action: Action
    parked: bool = False
    writes: int | None = None

    @property
    def states(self) -> tuple[State, ...]:
        return (State.OPEN, State.PARKED) if self.parked else (State.OPEN,)


Step = Send | Change | Act


@dataclass(slots=True)
class _Batch:
    action: Action
    states: tuple[State, ...]
    maximum: int
    outcomes: dict[str, Outcome]
    written: int = 0


@dataclass(slots=True)
class Lives:
    """All records there are by their ids, and where they stand.

    taken: how often each is among the accepted. begun: the batch that was cut off and has to be ended first.
    """

    maximum: int = 5
    sent: dict[str, int] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)
    letters: list[str] = field(default_factory=list)
    attempts: Counter[str] = field(default_factory=Counter)
    last: dict[str, Outcome] = field(default_factory=dict)
    begun: _Batch | None = None

    def state(self, record: str) -> State:
        ends = {Outcome.ACCEPTED: State.RESOLVED, Outcome.PARKED: State.PARKED, Outcome.DISCARDED: State.DISCARDED}
        return ends.get(self.last.get(record, Outcome.REJECTED), State.OPEN)

    def send(self, records: dict[str, int]) -> None:
        self.sent |= records
        for record, value in records.items():
            if value <= self.maximum:
                self.taken[record] += 1
            else:
                self.letters.append(record)

    def act(self, act: Act) -> bool:
        """False where it is refused: what has written under another contract has to end under that."""
        ends = self.begun
        if ends is not None:
            outdated = ends.action is Action.REPLAY and ends.maximum != self.maximum
            if outdated and ends.written:
                return False
            if outdated:
                self.begun = None
            else:
                self._write(ends, None)
                if (ends.action, ends.states) == (act.action, act.states):
                    return True
        chosen = [record for record in self.letters if self.state(record) in act.states]
        if chosen:
            outcomes = {record: self._outcome(act.action, record) for record in chosen}
            # One crash at a time: what ends another batch first is left to end its own as well.
            self._write(_Batch(act.action, act.states, self.maximum, outcomes), act.writes if ends is None else None)
        return True

    def _outcome(self, action: Action, record: str) -> Outcome:
        if action is not Action.REPLAY:
            return {Action.PARK: Outcome.PARKED, Action.DISCARD: Outcome.DISCARDED}[action]
        if self.sent[record] <= self.maximum:
            return Outcome.ACCEPTED
        return Outcome.PARKED if self.attempts[record] + 1 >= 3 else Outcome.REJECTED

    def _write(self, batch: _Batch, writes: int | None) -> None:
        """First the accepted, then the actions; a write that was made is not made again."""
        for number in range(2):
            if writes is not None and number >= writes:
                break
            if batch.written <= number:
                (self._take, self._book)[number](batch)
                batch.written = number + 1
        self.begun = None if writes is None else batch

    def _take(self, batch: _Batch) -> None:
        self.taken.update(record for record, outcome in batch.outcomes.items() if outcome is Outcome.ACCEPTED)

    def _book(self, batch: _Batch) -> None:
        self.last |= batch.outcomes
        self.attempts.update(list(batch.outcomes) if batch.action is Action.REPLAY else ())


def steps(random: Random, count: int) -> list[Step]:
    """A life by chance, which begins with some records that are let pass and some that are not."""
    made: list[Step] = [Send((1, 7, 9))]
    for _ in range(count):
        chance = random.random()
        if chance < 0.15:
            made.append(Send(tuple(random.randrange(10) for _ in range(3))))
        elif chance < 0.3:
            made.append(Change(random.choice((3, 5, 8))))
        else:
            action = random.choices(list(Action), weights=(6, 1, 1))[0]
            made.append(Act(action, random.random() < 0.2, random.choice((None, None, 0, 1, 2))))
    return made
