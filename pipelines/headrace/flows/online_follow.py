"""The online view follows the log: what the ledger has and the view has not is folded into it, after every batch.

The view is of no ledger and no plan: it can be made again from the log. So it is written last, once the batch is in the
ledger, and holds how far it has come. A batch that was cut off before that is tried again and follows again; where the
store was down, the next batch, or the next start, takes up what is missing, however much it is.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from secrets import token_hex

from pyspark.sql import DataFrame, SparkSession

from headrace.config import Online
from headrace.errors import InfrastructureError, UsageError
from headrace.features.online import kept, newest_windows
from headrace.features.spec import FeatureSet
from headrace.flows.generation import Opening, begun_with
from headrace.flows.plans.features import FeaturesPlan
from headrace.io.cut import Cut
from headrace.io.cuts import cuts
from headrace.io.lake import Lake, Writer
from headrace.io.online import Held, OnlineStore, open_store
from headrace.io.online.codec import Codec
from headrace.io.plans import plan_of

__all__ = ["Follower", "catch_up", "rebuild"]

log = logging.getLogger("headrace.online")

_TRIES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """All that is needed to bring one set's part of the view up to its log.

    log: the name of the set's log. leeway: how far a record may run ahead of the instant somebody asks at.
    """

    feature_set: FeatureSet
    codec: Codec
    log: str
    leeway: timedelta
    lake: Lake
    place: Online


def catch_up(spark: SparkSession, follower: Follower | None) -> None:
    """Fold in what the ledger has and the view has not. A store that is down is told in the log and costs no batch.

    follower: None where there is no online view, and nothing is done.
    Raises InfrastructureError only where the store's client is not installed.
    """
    if follower is None:
        return
    with open_store(follower.place) as store:
        try:
            _fold(spark, follower, store, anew=False)
        except InfrastructureError as error:
            name = follower.feature_set.name
            log.warning("online view of %s is behind: %s; the next batch or start catches up", name, error)


def rebuild(spark: SparkSession, follower: Follower) -> Cut:
    """Build the set's part of the view again from its log, and let it count once it is whole; the cut it was built to.

    Whoever reads or writes meanwhile goes on; nothing they wrote is lost.
    Raises UsageError where no batch of the set, as it is defined now, is in the ledger; InfrastructureError where the
    store cannot be used.
    """
    with open_store(follower.place) as store:
        cut = _fold(spark, follower, store, anew=True)
    if cut is None:
        name = follower.feature_set.name
        raise UsageError(
            f"{name} as conf/ defines it has no batch in the ledger yet: headrace run features computes it"
        )
    return cut


@dataclass(frozen=True, slots=True)
class _Building:
    """A space, what counted when it was chosen, and the cut up to which it is whole; None: it is empty."""

    space: str
    beside: Held | None
    done: Cut | None


def _fold(spark: SparkSession, follower: Follower, store: OnlineStore, *, anew: bool) -> Cut | None:
    """Bring the view to the newest cut, and give it; None if there is none of this definition.

    Where another writer was first with what counts, what has been written is as good as before: only what has come
    since is added, unless that one began another space, or the set another generation.
    """
    name, definition = follower.feature_set.name, follower.feature_set.fingerprint
    building: _Building | None = None
    for _ in range(_TRIES):
        held, cut = store.held(name), cuts(spark, follower.lake, [name])[name]
        if not cut.query_id:
            return None
        if building is None or _space(held) != _space(building.beside) or not _goes_on(building.done, cut):
            building = _begun(held, definition, cut, anew=anew)
        if building.done is None and not _is_of_this(spark, follower, cut):
            return None
        if held is not None and held.space == building.space and not _news(building.done, cut):
            return cut
        _put(spark, follower, store, building, cut)
        if store.swap(name, held, Held(space=building.space, definition=definition, cut=cut)):
            return cut
        building = _Building(building.space, held, cut)
    raise InfrastructureError(f"others write the online view of {name} without a pause: stop them, or try again later")


def _begun(held: Held | None, definition: str, cut: Cut, *, anew: bool) -> _Building:
    if held is None or anew or held.definition != definition or not _goes_on(held.cut, cut):
        return _Building(token_hex(4), held, None)
    return _Building(held.space, held, held.cut)


def _space(held: Held | None) -> str | None:
    return None if held is None else held.space


def _goes_on(done: Cut | None, cut: Cut) -> bool:
    """A new checkpoint computes every window again: its values stand in a space of their own."""
    return done is None or done.query_id == cut.query_id


def _news(done: Cut | None, cut: Cut) -> Mapping[str, tuple[int, int]]:
    """By query, the first and the last batch that is in the cut and was not before."""
    before = done.batches if done is not None else {}
    spans = {query: (before.get(query, -1) + 1, last) for query, last in cut.batches.items()}
    return {query: (first, last) for query, (first, last) in spans.items() if first <= last}


def _put(spark: SparkSession, follower: Follower, store: OnlineStore, building: _Building, cut: Cut) -> None:
    news = _news(building.done, cut)
    if not news:
        return
    keep = kept(follower.feature_set, follower.leeway)
    parts = [follower.lake.batches(spark, follower.log, query, *span) for query, span in news.items()]
    rows = reduce(DataFrame.union, parts)
    windows = newest_windows(rows, follower.feature_set, keep=keep, backfill=cut.backfill_id)
    store.put(follower.feature_set.name, building.space, follower.codec.rows(windows.toArrow()), keep)


def _is_of_this(spark: SparkSession, follower: Follower, cut: Cut) -> bool:
    """What an older definition computed is not shown as this one's."""
    feature_set, lake = follower.feature_set, follower.lake
    plan: FeaturesPlan | Opening | None
    if cut.batch_id < 0:
        plan = begun_with(spark, lake, feature_set, cut.query_id)
    else:
        plan = plan_of(spark, lake, FeaturesPlan, feature_set.name, Writer(cut.query_id, cut.batch_id))
    return plan is not None and plan.definition == feature_set.fingerprint
