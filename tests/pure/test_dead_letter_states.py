"""The life of dead letters: whatever is done with them in whatever order, and wherever it is cut off."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hostile.lives import Act, Change, Lives, Send, Step

from headrace.contracts.dead_letters import Action, Outcome, State

SENDS = st.builds(Send, st.lists(st.integers(0, 9), min_size=1, max_size=4).map(tuple))
CHANGES = st.builds(Change, st.integers(0, 9))
ACTS = st.builds(Act, st.sampled_from(Action), st.booleans(), st.none() | st.integers(0, 2))
LIVES = st.lists(st.one_of(SENDS, CHANGES, ACTS, ACTS, ACTS), max_size=25)


def lived(steps: list[Step]) -> Lives:
    """What is there after the steps, each of which has to leave every record in one place."""
    lives = Lives()
    for number, step in enumerate(steps):
        before = Counter(lives.attempts)
        match step:
            case Send(values):
                lives.send({f"{number}#{line}": value for line, value in enumerate(values)})
            case Change(maximum):
                lives.maximum = maximum
            case Act():
                lives.act(step)
        each_is_in_one_place(lives)
        assert all(0 <= lives.attempts[one] - before[one] <= 2 for one in lives.sent)
    return lives


def each_is_in_one_place(lives: Lives) -> None:
    under_way = lives.begun.outcomes if lives.begun is not None and lives.begun.written == 1 else {}
    for record in lives.sent:
        resolved = record in lives.letters and lives.state(record) is State.RESOLVED
        on_its_way = under_way.get(record) is Outcome.ACCEPTED
        assert lives.taken[record] == (record not in lives.letters or resolved or on_its_way), record
        assert lives.attempts[record] < 3 or lives.state(record) is not State.OPEN


def ended(lives: Lives) -> Lives:
    """The same, with whatever was cut off ended under the contract it was begun with."""
    if lives.begun is not None:
        lives.maximum = lives.begun.maximum
        assert lives.act(Act(Action.PARK))
    return lives


@settings(max_examples=200, deadline=None)
@given(LIVES)
def test_no_record_is_lost_and_none_is_there_twice(steps: list[Step]) -> None:
    each_is_in_one_place(ended(lived(steps)))


@settings(max_examples=200, deadline=None)
@given(LIVES)
def test_a_mended_contract_brings_all_back_and_a_second_replay_adds_nothing(steps: list[Step]) -> None:
    lives = ended(lived(steps))
    discarded = {record for record in lives.letters if lives.state(record) is State.DISCARDED}
    lives.maximum = 9
    assert lives.act(Act(Action.REPLAY, parked=True))
    assert set(lives.sent) - set(+lives.taken) == discarded
    before = Counter(lives.taken), Counter(lives.attempts)
    assert lives.act(Act(Action.REPLAY, parked=True))
    assert (lives.taken, lives.attempts) == before


def test_the_third_rejection_parks() -> None:
    lives = Lives()
    lives.send({"a": 7})
    states = []
    for _ in range(4):
        lives.act(Act(Action.REPLAY))
        states.append((lives.attempts["a"], lives.state("a")))
    assert states == [(1, State.OPEN), (2, State.OPEN), (3, State.PARKED), (3, State.PARKED)]


def test_a_replay_that_was_cut_off_ends_under_its_own_contract_or_not_at_all() -> None:
    lives = Lives()
    lives.send({"a": 7})
    lives.maximum = 8
    assert lives.act(Act(Action.REPLAY, writes=1))
    assert (lives.taken["a"], lives.state("a")) == (1, State.OPEN)
    lives.maximum = 3
    assert not lives.act(Act(Action.REPLAY))
    lives.maximum = 8
    assert lives.act(Act(Action.REPLAY))
    assert (lives.taken["a"], lives.state("a"), lives.attempts["a"]) == (1, State.RESOLVED, 1)


def test_what_is_asked_again_after_it_was_cut_off_is_not_tried_twice() -> None:
    lives = Lives()
    lives.send({"a": 7})
    assert lives.act(Act(Action.REPLAY, writes=1))
    assert lives.act(Act(Action.REPLAY))
    assert lives.attempts["a"] == 1
    assert lives.act(Act(Action.REPLAY, writes=0))
    assert lives.act(Act(Action.REPLAY, parked=True))
    assert lives.attempts["a"] == 3


def test_what_wrote_nothing_before_its_contract_changed_was_never_asked_for() -> None:
    lives = Lives()
    lives.send({"a": 7})
    assert lives.act(Act(Action.REPLAY, writes=0))
    lives.maximum = 8
    assert lives.act(Act(Action.REPLAY))
    assert (lives.taken["a"], lives.state("a"), lives.attempts["a"]) == (1, State.RESOLVED, 1)
