"""One driver for all queries: start them, watch them, start a failed one again, stop them between two batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event

from pyspark.sql import SparkSession

from headrace.errors import CheckFailed, InfrastructureError
from headrace.flows import sources
from headrace.flows.end_of_input import close
from headrace.flows.project import Project
from headrace.flows.queries import FLOWS, Query
from headrace.flows.unread import UnreadFiles, unread_files
from headrace.flows.watched import State, Watched
from headrace.io.lake import Lake
from headrace.io.lease import mark_look

__all__ = ["drain", "run"]

_LOOK, _LOOK_AT_SOURCES, _MARK = 0.2, 5.0, 5.0


def drain(
    spark: SparkSession,
    project: Project,
    queries: Sequence[Query],
    *,
    stop: Event,
    show: Callable[[Sequence[Watched]], None],
    ends: bool = True,
) -> list[Watched]:
    """Take in what the sources hold, then bring features up to it, then score it; close what has ended.

    Flow after flow, so that no decision is behind for want of a feature that only had not been computed yet.
    ``ends``: whether a declared end of input counts; False where more is still to come into the sources.
    Returns the queries whose model has no version yet, though the project says how to train it: a later run scores
    what they hold.
    Raises InfrastructureError if a query gave up, and at the end CheckFailed if a source is paused or has a file that
    cannot be read: what it holds has not been taken in.
    """
    held, unscored = list[Watched](), list[Watched]()
    unread: dict[str, list[str]] = {}
    for flow in FLOWS:
        chosen = [query for query in queries if query.flow == flow]
        ended = _supervise(spark, project, chosen, once=True, stop=stop, show=show)
        held += [one for one in ended if one.state is State.PAUSED]
        unscored += [one for one in ended if one.state is State.NO_VERSION]
        if flow == "ingest":
            unread = {query.subject: lines for query in chosen if (lines := unread_files(project, query.subject))}
        if ends and not stop.is_set():
            signals = {one.query.subject for one in held} | unread.keys()
            close(spark, project, [query for query in chosen if _signal(project, query) not in signals])
    left = [f"{one.query.name} is paused: {one.error or _NOT_READ}" for one in held]
    left += [f"ingest.{signal} has left out a file: {line}" for signal, lines in unread.items() for line in lines]
    if left:
        raise CheckFailed("\n".join(left))
    return unscored


def run(
    spark: SparkSession,
    project: Project,
    queries: Sequence[Query],
    *,
    stop: Event,
    show: Callable[[Sequence[Watched]], None],
) -> None:
    """Keep the queries running until ``stop`` is set, then let every running batch end.

    A query that gave up does not take the others with it; once all have ended that way, or at the stop, it is raised
    as InfrastructureError. A source that is paused is read again once it is resumed; one whose limits say so stops
    the driver with CheckFailed. A model without a version is asked for again until it has one.
    """
    _supervise(spark, project, queries, once=False, stop=stop, show=show)


_NOT_READ = "its source is not read until it is resumed (headrace sources ls)"


@dataclass(slots=True)
class _Sources:
    """Which sources are paused, asked for now and then."""

    spark: SparkSession
    lake: Lake
    paused: frozenset[str] = frozenset()
    asked: float = float("-inf")

    def look(self, *, now: bool) -> None:
        if now or time.monotonic() > self.asked + _LOOK_AT_SOURCES:
            self.paused, self.asked = sources.paused(self.spark, self.lake), time.monotonic()


def _supervise(
    spark: SparkSession,
    project: Project,
    queries: Sequence[Query],
    *,
    once: bool,
    stop: Event,
    show: Callable[[Sequence[Watched]], None],
) -> list[Watched]:
    """Watch until all have ended or ``stop`` is set. Returns all of them."""
    watched = [Watched(query) for query in queries]
    ingests = [one for one in watched if one.query.flow == "ingest"]
    known = _Sources(spark, Lake(project.settings.storage))
    unread = UnreadFiles(project, [one.query.subject for one in ingests])
    going_on = {State.RUNNING, State.WAITING} | (set() if once else {State.PAUSED, State.NO_VERSION})
    stopped_by: list[Watched] = []
    marked = float("-inf")
    try:
        while not stop.is_set() and not stopped_by and any(one.state in going_on for one in watched):
            if ingests:
                known.look(
                    now=any(one.state is State.PAUSED for one in ingests if one.query.subject not in known.paused)
                )
            for one in watched:
                paused = one.query.flow == "ingest" and one.query.subject in known.paused
                one.look(spark, project, paused=paused, once=once, stop=stop)
            if time.monotonic() > marked + _MARK:
                marked = time.monotonic()
                for one in watched:
                    if one.state in going_on:
                        mark_look(one.query.checkpoint.path)
            unread.look(time.monotonic())
            show(watched)
            stopped_by = [one for one in ingests if one.stops(project)]
            stop.wait(_LOOK)
    finally:
        _stop_between_batches(watched)
        show(watched)
    lost = [one for one in watched if one.state is State.GAVE_UP]
    if lost:
        raise InfrastructureError("\n".join(f"{one.query.name} gave up: {one.error}" for one in lost))
    if stopped_by:
        raise CheckFailed("\n".join(f"{one.query.name} stops the driver: {one.error}" for one in stopped_by))
    return watched


def _signal(project: Project, query: Query) -> str | None:
    if query.flow == "features":
        return project.feature_sets[query.subject].signal
    return query.subject if query.flow == "ingest" else None


def _stop_between_batches(watched: Sequence[Watched], grace: float = 120.0) -> None:
    """Let the batches that are under way end, and no other begin. A query between two is stopped here, one in a batch
    ends by itself.

    Stopping a query cuts off the write it is in; after ``grace`` seconds that is done all the same.
    """
    deadline = time.monotonic() + grace
    for one in watched:
        one.held.set()
    left = [one for one in watched if one.running is not None and one.running.isActive]
    while left:
        for one in left:
            query = one.running
            if query is not None and (not query.status["isTriggerActive"] or time.monotonic() > deadline):
                query.stop()
            one.state = State.STOPPED
        left = [one for one in left if one.running is not None and one.running.isActive]
        time.sleep(0.05 if left else 0)
