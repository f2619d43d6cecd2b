"""Bad records with a known defect, each made from a good one.

A fault is planted in addition to the record it was made from, never instead of it. What it must come to is declared:
the code that has to be among the dead letter's reasons (there may be more), or the way in which it is accepted.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from headrace.demo.flights import SIGNALS
from headrace.errors import UsageError

__all__ = ["ACCEPTED_DUPLICATE", "ACCEPTED_LATE", "Fault", "FaultMix", "Good", "encode"]

ACCEPTED_LATE: Final = "accepted_late"
ACCEPTED_DUPLICATE: Final = "accepted_duplicate"

Fields: TypeAlias = Mapping[str, object]
FieldOf: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Good:
    """A good record: its signal, its fields, and its bytes as sent."""

    signal: str
    fields: Fields
    line: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of defect.

    ``expected`` is the reason code due among the dead letter's reasons, or ``accepted_late`` or ``accepted_duplicate``.
    ``spoil`` gives the bytes of the bad record, without a line feed; it may be used for ``signals`` only.
    """

    name: str
    expected: str
    signals: frozenset[str]
    spoil: Callable[[Good], bytes]


@dataclass(frozen=True, slots=True)
class FaultMix:
    """How many faults, and which: the same mix gives the same faults at the same places.

    ``share`` of a signal's good records get a fault planted after them, the kinds in equal parts. A late record
    claims an event time ``late_days`` before the record that it follows, and none is planted in the first
    ``late_days`` of a signal. It is late to a batch only when newer records came in a batch before.

    Raises ``UsageError`` for a ``share`` not in 0..1, and for negative ``late_days``.
    """

    share: float = 0.01
    seed: int = 2013
    late_days: int = 3

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise UsageError(f"the share of planted faults is {self.share}: choose one from 0 to 1")
        if self.late_days < 0:
            raise UsageError(f"late records come {self.late_days} days late: choose 0 or more")

    def kinds(self, signal: str) -> tuple[Fault, ...]:
        """The faults that suit ``signal``, ``late`` as the last."""
        late = Fault("late", ACCEPTED_LATE, _EVERY, partial(_late, days=self.late_days))
        return tuple(fault for fault in (*_FAULTS, late) if signal in fault.signals)

    def plant(self, signal: str, seconds: npt.NDArray[np.int64]) -> dict[int, Fault]:
        """The faults of a signal by the position of the good record each follows.

        ``seconds`` are the event times of its good records (Unix, ascending).
        """
        random = np.random.default_rng([self.seed, SIGNALS.index(signal)])
        kinds = self.kinds(signal)
        count = round(self.share * len(seconds))
        places = np.sort(random.choice(len(seconds), count, replace=False))
        chosen = random.permutation(np.arange(count) % len(kinds))
        instead = random.integers(len(kinds) - 1, size=count)
        too_early = seconds[places] < seconds[:1] + self.late_days * 86_400
        chosen = np.where(too_early & (chosen == len(kinds) - 1), instead, chosen)
        return {int(place): kinds[kind] for place, kind in zip(places, chosen, strict=True)}


def encode(fields: Fields) -> bytes:
    """One record as compact JSON; an absent value is written as ``null``."""
    return _ENCODER.encode(fields).encode()


_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))
_EVERY: Final = frozenset(SIGNALS)

# A field whose loss would not show: it may be null.
_NULLABLE: Final[FieldOf] = {"departures": "tailnum", "arrivals": "air_time", "weather": "temp"}
_NUMBER: Final[FieldOf] = {"departures": "distance", "arrivals": "arr_delay", "weather": "visib"}


def _truncated(good: Good) -> bytes:
    return good.line[: len(good.line) // 2]


def _blank(_: Good) -> bytes:
    return b""


def _again(good: Good) -> bytes:
    return good.line


def _with(good: Good, values: Mapping[str, Fields]) -> bytes:
    return encode({**good.fields, **values[good.signal]})


def _without(good: Good, field: str) -> bytes:
    return encode({name: value for name, value in good.fields.items() if name != field})


def _quoted(good: Good, field_of: FieldOf) -> bytes:
    field = field_of[good.signal]
    return encode({**good.fields, field: str(good.fields[field])})


def _recased(good: Good, field_of: FieldOf) -> bytes:
    field = field_of[good.signal]
    return encode({name.title() if name == field else name: value for name, value in good.fields.items()})


def _infinite(good: Good, field: str) -> bytes:
    return encode({**good.fields, field: math.inf}).replace(b"Infinity", b"1e400")


def _in_year(good: Good, shift: Callable[[int], int]) -> bytes:
    sent = str(good.fields["occurred_at"])
    return encode({**good.fields, "occurred_at": f"{shift(int(sent[:4]))}{sent[4:]}"})


def _as_milliseconds(good: Good) -> bytes:
    seconds = datetime.fromisoformat(str(good.fields["occurred_at"])).timestamp()
    return encode({**good.fields, "occurred_at": int(seconds) * 1000})


def _key_twice(good: Good) -> bytes:
    return good.line[:-1] + b"," + encode({"origin": good.fields["origin"]})[1:]


def _two_documents(good: Good) -> bytes:
    return good.line + b" " + good.line


def _broken_text(good: Good) -> bytes:
    return good.line.replace(b'"origin":"', b'"origin":"\xff', 1)


def _late(good: Good, days: int) -> bytes:
    """The record moved back, under an identity that no good record has.

    A flight takes the year before in its id. Weather is known by hour and airport, so it moves to a half hour.
    """
    back = timedelta(days=days, minutes=30 if good.signal == "weather" else 0)
    moved = {name: _earlier(good.fields[name], back) for name in ("scheduled_at", "occurred_at") if name in good.fields}
    flight_id = str(good.fields.get("flight_id", ""))
    renamed = {"flight_id": f"{int(flight_id[:4]) - 1}{flight_id[4:]}"} if flight_id else {}
    return encode({**good.fields, **moved, **renamed})


def _earlier(instant: object, back: timedelta) -> str:
    return f"{datetime.fromisoformat(str(instant)) - back:%Y-%m-%dT%H:%M:%SZ}"


def _valued(name: str, expected: str, values: Mapping[str, Fields]) -> Fault:
    """A fault that sets fields, for the signals that ``values`` lists."""
    return Fault(name, expected, frozenset(values), partial(_with, values=values))


_WRONG_TYPE: Final[Mapping[str, Fields]] = {
    "departures": {"dep_delay": "twelve"},
    "arrivals": {"arr_delay": "twelve"},
    "weather": {"temp": {"value": 39.02}},
}
_OUT_OF_RANGE: Final[Mapping[str, Fields]] = {
    "departures": {"distance": -5},
    "arrivals": {"arr_delay": 99_999},
    "weather": {"visib": 900.0},
}
# No airport has this code.
_NOT_ALLOWED: Final[Mapping[str, Fields]] = {
    "departures": {"status": "flying"},
    "arrivals": {"origin": "XXX"},
    "weather": {"origin": "XXX"},
}
_NOT_THE_PATTERN: Final[Mapping[str, Fields]] = {
    "departures": {"carrier": "?!"},
    "arrivals": {"flight_id": "UA1545 from EWR"},
}
_CONTRADICTION: Final[Mapping[str, Fields]] = {"departures": {"status": "cancelled", "dep_delay": 12}}

_FAULTS: Final = (
    Fault("not_json", "malformed", _EVERY, _truncated),
    Fault("empty", "empty", _EVERY, _blank),
    Fault("bad_utf8", "invalid_utf8", _EVERY, _broken_text),
    Fault("trailing", "trailing_content", _EVERY, _two_documents),
    Fault("duplicate_key", "duplicate_key", _EVERY, _key_twice),
    Fault("wrong_case", "wrong_case", _EVERY, partial(_recased, field_of=_NULLABLE)),
    Fault("missing_required", "required", _EVERY, partial(_without, field="origin")),
    _valued("wrong_type", "wrong_type", _WRONG_TYPE),
    Fault("quoted_number", "wrong_type", _EVERY, partial(_quoted, field_of=_NUMBER)),
    Fault("epoch_millis", "wrong_type", _EVERY, _as_milliseconds),
    Fault("infinite", "non_finite", frozenset({"weather"}), partial(_infinite, field="visib")),
    _valued("out_of_range", "out_of_range", _OUT_OF_RANGE),
    _valued("bad_enum", "not_allowed", _NOT_ALLOWED),
    _valued("bad_pattern", "pattern", _NOT_THE_PATTERN),
    Fault("future", "future_event_time", _EVERY, partial(_in_year, shift=lambda year: year + 40)),
    Fault("ancient", "implausible_time", _EVERY, partial(_in_year, shift=lambda _: 1862)),
    _valued("cross_field", "rule", _CONTRADICTION),
    Fault("duplicate", ACCEPTED_DUPLICATE, _EVERY, _again),
)
