"""What may become of a dead letter: its states, the actions that lead from one to another, and how often it may try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

__all__ = ["ATTEMPTS", "Action", "Choice", "Outcome", "State", "outcome", "with_state"]

# A record that was rejected so often is parked: trying again by rote would only hide that nobody looks.
ATTEMPTS = 3


class Action(StrEnum):
    """What is done with a dead letter."""

    REPLAY = "replay"
    PARK = "park"
    DISCARD = "discard"


class Outcome(StrEnum):
    """What came of an action."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PARKED = "parked"
    DISCARDED = "discarded"


class State(StrEnum):
    """Where a dead letter stands. Only ``open`` and ``parked`` ones can still be acted on."""

    OPEN = "open"
    PARKED = "parked"
    RESOLVED = "resolved"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which dead letters of a signal: all conditions hold, and one left out does not narrow the choice.

    reasons: at least one of these codes. since, until: bounds of ``rejected_at``, the second exclusive.
    states: ``open``, or parked ones too.
    """

    ids: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    contract_version: str | None = None
    states: tuple[str, ...] = (State.OPEN.value,)

    def condition(self) -> Column:
        chosen = F.col("state").isin(*self.states)
        if self.ids:
            chosen = chosen & F.col("record_id").isin(*self.ids)
        if self.reasons:
            chosen = chosen & F.arrays_overlap("reasons.code", F.array(*[F.lit(code) for code in self.reasons]))
        if self.since is not None:
            chosen = chosen & (F.col("rejected_at") >= F.lit(self.since))
        if self.until is not None:
            chosen = chosen & (F.col("rejected_at") < F.lit(self.until))
        if self.contract_version is not None:
            chosen = chosen & (F.col("contract_version") == self.contract_version)
        return chosen

    def to_json(self) -> dict[str, Any]:
        return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Choice:
        times = {key: datetime.fromisoformat(stored[key]) if stored[key] else None for key in ("since", "until")}
        lists = {key: tuple(stored[key]) for key in ("ids", "reasons", "states")}
        return cls(**{**stored, **times, **lists})


def outcome(reasons: Column, attempt: Column) -> Column:
    """The outcome of a replay: accepted without a reason, else rejected, and parked from the last attempt on."""
    rejected = F.when(attempt >= ATTEMPTS, Outcome.PARKED.value).otherwise(Outcome.REJECTED.value)
    return F.when(F.size(reasons) == 0, Outcome.ACCEPTED.value).otherwise(rejected)


def with_state(letters: DataFrame, actions: DataFrame) -> DataFrame:
    """Each dead letter once, the newest where several generations rejected it, with ``attempts`` and ``state``.

    In: rows of ``dead_letters`` and of ``dead_letter_actions``.
    """
    keys = ["record_id", "stage"]
    newest = letters.groupBy(*keys).agg(F.max_by(F.struct(*letters.columns), "rejected_at").alias("letter"))
    done = actions.groupBy(*keys).agg(F.max("attempt").alias("attempts"), F.max_by("outcome", "batch_id").alias("last"))
    state = (
        F.when(F.col("last") == Outcome.ACCEPTED, State.RESOLVED.value)
        .when(F.col("last") == Outcome.PARKED, State.PARKED.value)
        .when(F.col("last") == Outcome.DISCARDED, State.DISCARDED.value)
        .otherwise(State.OPEN.value)
    )
    joined = newest.join(done, keys, how="left").select("letter.*", "attempts", state.alias("state"))
    return joined.withColumn("attempts", F.coalesce("attempts", F.lit(0)))
