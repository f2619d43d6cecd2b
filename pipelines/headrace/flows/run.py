"""One driver for all queries: start them, watch them, start a failed one again, stop them between two batches."""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Event

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from headrace.errors import HeadraceError, InfrastructureError
from headrace.flows.end_of_input import close
from headrace.flows.project import Project
from headrace.flows.queries import FLOWS, Query, Stopping
from headrace.flows.restarts import History

__all__ = ["State", "Watched", "drain", "run"]

log = logging.getLogger("headrace.run")

_LOOK = 0.2
_FINAL = ("ConfigError", "SourceChanged", "UsageError")
_FINAL_ONCE = (*_FINAL, "NotRegistered")
_TRACEBACK = "Traceback (most recent call last):"
_OURS = re.compile(r"headrace\.errors\.(\w+): (.+)")


class State(StrEnum):
    """What a watched query is doing."""

    RUNNING = "running"
    WAITING = "waiting to restart"
    DONE = "done"
    STOPPED = "stopped"
    GAVE_UP = "gave up"


@dataclass(slots=True)
class Watched:
    """A query under supervision: its state, why it last failed, and when it starts again."""

    query: Query
    state: State = State.WAITING
    error: str = ""
    history: History = field(default_factory=History)
    next_start: float = 0.0
    running: StreamingQuery | None = None

    def waiting(self) -> str:
        """What its source holds that it has not read, in the source's own unit; blank where Spark does not say."""
        progress = self.running.lastProgress if self.running is not None else None
        metrics = progress.sources[0].metrics if progress and progress.sources else {}
        if "maxOffsetsBehindLatest" in metrics:
            return f"{int(float(metrics['maxOffsetsBehindLatest'])):,} offsets"
        if "numFilesOutstanding" in metrics:
            return f"{int(float(metrics['numFilesOutstanding'])):,} files"
        return ""

    def begin(self, spark: SparkSession, project: Project, *, once: bool, stop: Event) -> None:
        try:
            self.running = self.query.start(spark, project, once=once, stop=stop)
            self.state = State.RUNNING
        except Exception as error:
            self.fail(project, error, once=once)

    def fail(self, project: Project, error: BaseException, *, once: bool) -> None:
        """Plan the next start, or give up: at once where no restart can help, else after too many failures."""
        kind, self.error = _cause(error)
        policy, now = project.settings.restarts, time.monotonic()
        self.running, self.history = None, self.history.failed(policy, now)
        if kind in (_FINAL_ONCE if once else _FINAL) or self.history.given_up(policy):
            self.state = State.GAVE_UP
            log.error("%s gave up: %s", self.query.name, self.error)
            return
        wait = self.history.wait(policy, random.random())
        self.state, self.next_start = State.WAITING, now + wait
        log.warning("%s failed and starts again in %.1f s: %s", self.query.name, wait, self.error)

    def look(self, spark: SparkSession, project: Project, *, once: bool, stop: Event) -> None:
        """Bring the state up to date, and start the query if its time has come."""
        if self.state is State.RUNNING and self.running is not None and not self.running.isActive:
            failure = self.running.exception()
            if failure is not None and not _was_stopped(failure):
                self.fail(project, failure, once=once)
            else:
                self.state = State.DONE if once else State.STOPPED
        elif self.state is State.WAITING and time.monotonic() >= self.next_start:
            self.begin(spark, project, once=once, stop=stop)


def drain(
    spark: SparkSession,
    project: Project,
    queries: Sequence[Query],
    *,
    stop: Event,
    show: Callable[[Sequence[Watched]], None],
    ends: bool = True,
) -> None:
    """Take in what the sources hold, then bring features up to it, then score it; close what has ended.

    Flow after flow, so that no decision is behind for want of a feature that only had not been computed yet.
    ``ends``: whether a declared end of input counts; False where more is still to come into the sources.
    Raises InfrastructureError if a query gave up.
    """
    for flow in FLOWS:
        _supervise(spark, project, [q for q in queries if q.flow == flow], once=True, stop=stop, show=show)
        if ends and not stop.is_set():
            close(spark, project, [q for q in queries if q.flow == flow])


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
    as InfrastructureError.
    """
    _supervise(spark, project, queries, once=False, stop=stop, show=show)


def _supervise(
    spark: SparkSession,
    project: Project,
    queries: Sequence[Query],
    *,
    once: bool,
    stop: Event,
    show: Callable[[Sequence[Watched]], None],
) -> None:
    watched = [Watched(query) for query in queries]
    try:
        while not stop.is_set() and any(one.state in (State.RUNNING, State.WAITING) for one in watched):
            for one in watched:
                one.look(spark, project, once=once, stop=stop)
            show(watched)
            stop.wait(_LOOK)
    finally:
        _stop_between_batches(watched)
        show(watched)
    lost = [one for one in watched if one.state is State.GAVE_UP]
    if lost:
        raise InfrastructureError("\n".join(f"{one.query.name} gave up: {one.error}" for one in lost))


def _stop_between_batches(watched: Sequence[Watched], grace: float = 120.0) -> None:
    """Let the batches that are under way end. A query between two is stopped here, one in a batch ends by itself.

    Stopping a query cuts off the write it is in; after ``grace`` seconds that is done all the same.
    """
    deadline = time.monotonic() + grace
    left = [one for one in watched if one.running is not None and one.running.isActive]
    while left:
        for one in left:
            query = one.running
            if query is not None and (not query.status["isTriggerActive"] or time.monotonic() > deadline):
                query.stop()
            one.state = State.STOPPED
        left = [one for one in left if one.running is not None and one.running.isActive]
        time.sleep(0.05 if left else 0)


def _was_stopped(failure: BaseException) -> bool:
    return f"{Stopping.__module__}.{Stopping.__qualname__}" in str(failure)


def _cause(error: BaseException) -> tuple[str, str]:
    """The class and text of the error headrace raised, wherever it stands in Spark's account of it.

    Of any other error the line that says what it was: a Python traceback ends with it, Spark's messages begin with it.
    """
    if isinstance(error, HeadraceError):
        return type(error).__name__, str(error)
    text = str(error)
    ours = _OURS.search(text)
    if ours is not None:
        return ours[1], ours[2]
    said = text.rpartition(_TRACEBACK)[2]
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith(" ")]
    return type(error).__name__, lines[0][:500] if lines else type(error).__name__
