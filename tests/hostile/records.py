"""A stream of records, seeded: most keep the contract, some break it in a known way. Any number, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final, TypeVar

from tests.hostile.contract import CONTRACT, LARGEST
from tests.hostile.good import Members, members, spelled
from tests.hostile.wrong_texts import WRONG_LINES, WRONG_PAYLOADS, Damage
from tests.hostile.wrong_values import wrong_values

__all__ = ["FUTURE_REASON", "KINDS", "Planted", "records"]

Deck = TypeVar("Deck")

PLANTED, FUTURE, LATE = 0.19, 0.01, 0.05
FUTURE_REASON: Final = "future_event_time"
STEP: Final = timedelta(milliseconds=100)
# A million of them take more than a day: on a wall clock the first have to be ahead of the last.
_NEAREST, _FARTHEST = timedelta(days=2), timedelta(days=36_500)

_VALUES: Final = tuple(wrong_values())
_AHEAD: Final = "ahead of its time"
KINDS: Final = frozenset({_AHEAD, *WRONG_LINES, *(f"{field}: {reason}" for field, reason, _ in _VALUES)})
"""Every kind of fault that is planted where a record is a line."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A record and what has to become of it.

    payload: its bytes; None is a record without a value.
    reason, field: a reason it is rejected for, and of which field if it is of one; None of a good record.
    kind: the kind of fault, empty of a good record.
    """

    payload: bytes | None
    reason: str | None = None
    field: str | None = None
    kind: str = ""


def records(seed: int, start: datetime, *, lines: bool = True) -> Iterator[Planted]:
    """Records without end, ten a second of event time from ``start``; the same for the same arguments.

    Of every 100 about 80 are good, a twentieth of them late by up to a month; one lies two days to a hundred years
    ahead. The other faults are wrong values and wrong texts by turns, each through all of its own before one comes
    again.

    lines: each fits into one line; else some hold line breaks, and some no value.
    """
    random, at = Random(seed), start
    faults = _by_turns(random, lines)
    while True:
        at += STEP
        chance = random.random()
        if chance < PLANTED:
            yield next(faults)(random, at)
        elif chance < PLANTED + FUTURE:
            ahead = _NEAREST * (_FARTHEST / _NEAREST) ** random.random()
            yield Planted(_payload(random, at + ahead, lines), FUTURE_REASON, CONTRACT.event_time, _AHEAD)
        else:
            late = timedelta(seconds=random.randrange(86_400 * 30)) if random.random() < LATE else timedelta()
            yield Planted(_payload(random, at - late, lines))


def _payload(random: Random, at: datetime, lines: bool) -> bytes:
    """A good record; one in a thousand is as large as a record may be."""
    payload = spelled(random, members(random, at), lines=lines).encode()
    return payload.ljust(LARGEST) if random.random() < 0.001 else payload


@dataclass(frozen=True, slots=True)
class _WrongValue:
    field: str
    reason: str
    value: str

    def __call__(self, random: Random, at: datetime) -> Planted:
        record = members(random, at) | {self.field: self.value}
        # Compact and in order is one way through the judge, anything else another.
        text = spelled(random, record) if random.random() < 0.5 else _compact(record)
        field = None if self.reason in _OF_THE_WHOLE else self.field
        return Planted(text.encode(), self.reason, field, f"{self.field}: {self.reason}")


_OF_THE_WHOLE: Final = frozenset({"malformed", "too_deep", "long_number", "lone_surrogate", "rule"})


@dataclass(frozen=True, slots=True)
class _WrongText:
    kind: str
    reason: str
    damage: Damage

    def __call__(self, random: Random, at: datetime) -> Planted:
        payload = self.damage(random, _compact(members(random, at)).encode())
        return Planted(payload, self.reason, None, self.kind)


def _compact(record: Members) -> str:
    ordered = {name: record[name] for name in CONTRACT.names if name in record}
    return "{" + ",".join(f'"{name}":{value}' for name, value in ordered.items()) + "}"


def _by_turns(random: Random, lines: bool) -> Iterator[_WrongValue | _WrongText]:
    texts = WRONG_LINES if lines else {**WRONG_LINES, **WRONG_PAYLOADS}
    values = _shuffled(random, [_WrongValue(*each) for each in _VALUES])
    whole = _shuffled(random, [_WrongText(kind, reason, damage) for kind, (reason, damage) in texts.items()])
    while True:
        yield next(values)
        yield next(whole)


def _shuffled(random: Random, deck: list[Deck]) -> Iterator[Deck]:
    while True:
        random.shuffle(deck)
        yield from deck
