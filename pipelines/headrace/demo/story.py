"""The demo: the flights that left New York in 2013, streamed through the project in ``conf/``.

The first weeks are taken in and learned from; the weeks that follow are taken in and decided on as they come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Protocol

from headrace.demo.feed import Record, land, records, send_to_kafka
from headrace.demo.flights import Flights, read_flights

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from headrace.flows.project import Project
    from headrace.flows.train import Trained
    from headrace.flows.watched import Watched

__all__ = ["MODEL", "Delivery", "Files", "Sent", "Topics", "play", "span"]

MODEL = "arrives_late"
FIRST = date(2013, 1, 1)


class Delivery(Protocol):
    """How records reach the signals' sources."""

    def deliver(self, sent: Sequence[Record]) -> None:
        """Put the records where the sources find them, in order."""


@dataclass(frozen=True, slots=True)
class Files:
    """JSON-lines files in the signals' landing folders. ``clock`` gives their modification times."""

    landing: Path
    days: int
    clock: Callable[[], float]

    def deliver(self, sent: Sequence[Record]) -> None:
        land(self.landing, sent, days=self.days, since=self.clock())


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics of a broker, one a signal."""

    bootstrap: str
    topics: Mapping[str, str]

    def deliver(self, sent: Sequence[Record]) -> None:
        send_to_kafka(self.bootstrap, self.topics, sent)


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent, known from the outside: records a signal, and the planted ones."""

    good: Mapping[str, int]
    planted: tuple[Record, ...]
    label_unknown: int
    missing_hours: Mapping[str, int]
    learned: Trained

    @property
    def total(self) -> int:
        return sum(self.good.values()) + len(self.planted)


def span(*, year: bool) -> tuple[date, date]:
    """The days that are streamed, the last excluded."""
    return FIRST, date(2014, 1, 2) if year else date(2013, 1, 30)


def play(
    spark: SparkSession,
    project: Project,
    delivery: Delivery,
    *,
    days: tuple[date, date],
    stop: Event,
    show: Callable[[Sequence[Watched]], None],
    say: Callable[[str], None],
) -> Sent:
    """Send, take in, learn, send the rest, take in and decide. Everything is in the tables afterwards."""
    from headrace.flows.queries import create_tables, queries
    from headrace.flows.run import drain
    from headrace.flows.train import train

    whole = read_flights()
    flights = whole.between(*days)
    start = project.models[MODEL].start
    before, after = _split(records(flights), start)
    create_tables(spark, project)
    say(f"1/4 {len(before):,} records of the weeks before {start:%d %B %Y}: contract, dead letters, features")
    delivery.deliver(before)
    drain(spark, project, queries(project, ("ingest", "features")), stop=stop, show=show, ends=False)
    say(f"2/4 Learning from them: {project.models[MODEL].description}")
    learned = train(spark, project, MODEL, say)
    say(f"3/4 {len(after):,} records of the time after: contract, dead letters, features, decisions")
    delivery.deliver(after)
    drain(spark, project, queries(project), stop=stop, show=show)
    return _sent(flights, whole.label_unknown(*days), whole.missing_hours(*days), (*before, *after), learned)


def _split(sent: Iterable[Record], at: datetime | None) -> tuple[list[Record], list[Record]]:
    edge = at.timestamp() if at is not None else 0
    sides: tuple[list[Record], list[Record]] = ([], [])
    for record in sent:
        sides[record.seconds >= edge].append(record)
    return sides


def _sent(flights: Flights, unknown: int, missing: Mapping[str, int], sent: Iterable[Record], learned: Trained) -> Sent:
    everything = tuple(sent)
    good = Counter(record.signal for record in everything if record.fault is None)
    planted = tuple(record for record in everything if record.fault is not None)
    return Sent(dict(good), planted, unknown, missing, learned)
