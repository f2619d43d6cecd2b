"""One query under supervision: its state, why it last failed, and when it starts again."""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Event

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from headrace.errors import NotRegistered
from headrace.flows.failures import OTHER_COLUMNS, explain
from headrace.flows.project import Project
from headrace.flows.queries import Query, Stopping
from headrace.flows.restarts import History

__all__ = ["State", "Watched"]

log = logging.getLogger("headrace.run")

# How often, in seconds, a model is asked again for a version: somebody makes one, so there is nothing to back off from.
_ASK_AGAIN = 30.0


class State(StrEnum):
    """What a watched query is doing."""

    RUNNING = "running"
    WAITING = "waiting to restart"
    PAUSED = "paused"
    NO_VERSION = "waits for a version"
    DONE = "done"
    STOPPED = "stopped"
    GAVE_UP = "gave up"


@dataclass(slots=True)
class Watched:
    """A query under supervision: its state, why it last failed, and when it starts again.

    held: set while its source is paused; the query begins no batch then.
    lacking: what it said when its model had no version, so that it is said once.
    """

    query: Query
    state: State = State.WAITING
    error: str = ""
    history: History = field(default_factory=History)
    next_start: float = 0.0
    running: StreamingQuery | None = None
    held: Event = field(default_factory=Event)
    lacking: str = ""

    def waiting(self) -> str:
        """What its source holds that it has not read, in the source's own unit; blank where Spark does not say."""
        progress = self.running.lastProgress if self.running is not None else None
        metrics = progress.sources[0].metrics if progress and progress.sources else {}
        if "maxOffsetsBehindLatest" in metrics:
            return f"{int(float(metrics['maxOffsetsBehindLatest'])):,} offsets"
        if "numFilesOutstanding" in metrics:
            return f"{int(float(metrics['numFilesOutstanding'])):,} files"
        return ""

    def stops(self, project: Project) -> bool:
        """Whether it was held back, and its limits say that the driver stops then."""
        limits = project.settings.signals[self.query.subject].limits
        return self.state is State.PAUSED and bool(self.error) and limits.on_breach == "stop"

    def look(self, spark: SparkSession, project: Project, *, paused: bool, once: bool, stop: Event) -> None:
        """Bring the state up to date, and start the query if its time has come. ``paused``: its source is."""
        if paused:
            self._hold()
        if self.state is State.RUNNING and self.running is not None and not self.running.isActive:
            self._ended(project, self.running.exception(), once=once)
        elif self.state is State.PAUSED and not paused and not once:
            self.held.clear()
            self.state, self.error, self.next_start = State.WAITING, "", 0.0
        elif self._is_to_start(once=once) and time.monotonic() >= self.next_start:
            self._begin(spark, project, once=once, stop=stop)

    def _is_to_start(self, *, once: bool) -> bool:
        return self.state is State.WAITING or (self.state is State.NO_VERSION and not once)

    def _hold(self) -> None:
        """End after the batch that is under way."""
        self.held.set()
        if self.state is State.WAITING:
            self.state = State.PAUSED
        elif self.state is State.RUNNING and self.running is not None and not self.running.status["isTriggerActive"]:
            self.running.stop()

    def _begin(self, spark: SparkSession, project: Project, *, once: bool, stop: Event) -> None:
        def told() -> bool:
            return stop.is_set() or self.held.is_set()

        try:
            self.running = self.query.start(spark, project, once=once, told=told)
            self.state, self.error = State.RUNNING, ""
        except Exception as error:
            self._fail(project, error, once=once)

    def _ended(self, project: Project, failure: BaseException | None, *, once: bool) -> None:
        if failure is not None and not _was_stopped(failure):
            self._fail(project, failure, once=once)
        elif self.held.is_set():
            self.state, self.running = State.PAUSED, None
        else:
            self.state = State.DONE if once else State.STOPPED

    def _fail(self, project: Project, error: BaseException, *, once: bool) -> None:
        """Plan the next start, or give up: at once where no restart can help, else after too many failures."""
        failure = explain(error)
        self.error = failure.text
        took_in, self.running = _took_in(self.running), None
        if failure.kind == "HeldBack":
            self.held.set()
            self.state = State.PAUSED
            log.error("%s is paused: %s", self.query.name, self.error)
            return
        policy, now = project.settings.restarts, time.monotonic()
        unregistered = failure.kind == NotRegistered.__name__
        if unregistered and (not once or project.models[self.query.subject].training is not None):
            if took_in or self.error != self.lacking:
                log.warning("%s waits: %s", self.query.name, self.error)
            self.state, self.next_start, self.lacking = State.NO_VERSION, now + _ASK_AGAIN, self.error
            return
        if failure.kind == OTHER_COLUMNS and took_in:
            # A start takes the columns anew: no failure, however often a table is given another one.
            self.state, self.next_start = State.WAITING, now
            log.info("%s starts again: %s", self.query.name, self.error)
            return
        self.history = self.history.failed(policy, now)
        if failure.is_final(once=once) or self.history.given_up(policy):
            self.state = State.GAVE_UP
            log.error("%s gave up: %s", self.query.name, self.error)
            return
        wait = self.history.wait(policy, random.random())
        self.state, self.next_start = State.WAITING, now + wait
        log.warning("%s failed and starts again in %.1f s: %s", self.query.name, wait, self.error)


def _took_in(query: StreamingQuery | None) -> bool:
    """Whether the query has read a record since it was started."""
    return query is not None and any(one.numInputRows for one in query.recentProgress)


def _was_stopped(failure: BaseException) -> bool:
    return f"{Stopping.__module__}.{Stopping.__qualname__}" in str(failure)
