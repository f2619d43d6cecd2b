"""The online view as it is asked: the newest features of an entity, each answer with its age. No JVM, no tables.

What is written into it, and when, is in ``flows/online_follow.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from headrace.errors import InfrastructureError, UsageError
from headrace.features.spec import FeatureSet
from headrace.flows.catalog import feature_table
from headrace.flows.project import Project
from headrace.io.online import Held, OnlineStore, Stored, open_store
from headrace.io.online.codec import Codec
from headrace.io.wall import now

__all__ = ["Answer", "OnlineView", "behind", "open_view"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is known of one entity at one instant.

    entity: as it was asked for. values: every value of the set by name, or its default.
    alive: a window had ended by then, no longer before than the set's time to live.
    window_end, computed_at, age: of the newest window that had ended, alive or not; None if none had. age: from its
    end to the instant.
    """

    entity: Mapping[str, object]
    values: Mapping[str, object]
    alive: bool
    window_end: datetime | None = None
    computed_at: datetime | None = None
    age: timedelta | None = None


@dataclass(frozen=True, slots=True)
class OnlineView:
    """The newest values of one set. For one thread at a time."""

    feature_set: FeatureSet
    codec: Codec
    store: OnlineStore

    def get(self, entities: Sequence[Mapping[str, object]], at: datetime | None = None) -> list[Answer]:
        """What the as-of join would give a row of each entity at ``at`` (left out: now), one answer each, in order.

        That holds for any instant no farther behind an entity's newest record than the clock of the set's signal lets
        one run ahead (``max_jump``). Of one before that there may be no answer; there is never a wrong one.
        Raises UsageError for what is no entity of the set; InfrastructureError where the store cannot be read, holds
        nothing of the set, or what another definition of it computed.
        """
        instant, keys = at or now(), [self.codec.key(each) for each in entities]
        held, found = self.store.get(self.feature_set.name, keys, math.floor(instant.timestamp()))
        self._check(held)
        return [self._answer(*each, instant) for each in zip(entities, found, strict=True)]

    def _check(self, held: Held | None) -> None:
        name = self.feature_set.name
        remedy = f"headrace run, or headrace features online rebuild {name}, builds it"
        if held is None:
            raise InfrastructureError(f"nothing of {name} is in the online view yet: {remedy}")
        if held.definition != self.feature_set.fingerprint:
            raise InfrastructureError(f"the online view holds {name} as it was defined before: {remedy} anew")

    def _answer(self, entity: Mapping[str, object], window: Stored | None, at: datetime) -> Answer:
        missing = {name: self.feature_set.defaults.get(name) for name in self.feature_set.columns}
        if window is None:
            return Answer(entity=entity, values=missing, alive=False)
        computed_at, values = self.codec.decoded(window.value)
        end = datetime.fromtimestamp(window.window_end, tz=UTC)
        alive = at - end <= self.feature_set.time_to_live
        given = {name: missing[name] if value is None else value for name, value in values.items()}
        return Answer(
            entity=entity,
            values=given if alive else missing,
            alive=alive,
            window_end=end,
            computed_at=computed_at,
            age=at - end,
        )


@contextmanager
def open_view(project: Project, name: str) -> Iterator[OnlineView]:
    """The view of one set, to be asked as often as one likes; closed at the end.

    Raises UsageError where there is no such set, or the settings name no store.
    """
    feature_set = project.feature_set(name)
    if project.settings.online is None:
        raise UsageError("there is no online view: the settings name none under 'online'")
    log = feature_table(feature_set, project.contracts[feature_set.signal])
    with open_store(project.settings.online) as store:
        yield OnlineView(feature_set, Codec.of(log, feature_set.entity, feature_set.columns), store)


def behind(held: Held | None, definition: str, query_id: str, ledgered: Mapping[str, int]) -> int | None:
    """How many batches of a set the ledger has and the view has not; None if the view has to be built.

    query_id: the set's newest generation. ledgered: by query, that one or a backfill, its last batch.
    """
    if held is None or held.definition != definition or held.cut.query_id != query_id:
        return None
    known = held.cut.batches
    return sum(max(last - known.get(query, -1), 0) for query, last in ledgered.items())
