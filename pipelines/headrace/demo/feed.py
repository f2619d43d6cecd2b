"""Sends the demo's signals: as JSON lines into landing folders, or to Kafka.

Both take the same records in the same order, and the same flights and mix give the same bytes.
"""

from __future__ import annotations

import heapq
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain, groupby
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from headrace.demo.faults import Fault, FaultMix, Good, encode
from headrace.demo.flights import ORIGINS, SIGNALS, Flights
from headrace.errors import InfrastructureError

__all__ = ["LandedFile", "Landing", "Planted", "Record", "land", "land_files", "records", "send_to_kafka"]

_DAY: Final = 86_400


class Record(NamedTuple):
    """One record to send: signal, key (the origin) and value as bytes.

    ``seconds`` (Unix) is the event time of the good record: of this one, or of the one that this fault follows.
    """

    signal: str
    key: bytes
    value: bytes
    seconds: int
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class Planted:
    """Where one planted record is (``line`` counts from 1), its kind, and the reason or outcome due."""

    signal: str
    file: str
    line: int
    kind: str
    expected: str


@dataclass(frozen=True, slots=True)
class LandedFile:
    """One file in its place: how many good records it holds, and the planted ones."""

    path: Path
    signal: str
    good: int
    planted: tuple[Planted, ...]


@dataclass(frozen=True, slots=True)
class Landing:
    """All that was landed: the files in event order."""

    files: tuple[LandedFile, ...]

    @property
    def manifest(self) -> tuple[Planted, ...]:
        """Every planted record."""
        return tuple(planted for file in self.files for planted in file.planted)

    @property
    def good(self) -> dict[str, int]:
        """The number of good records per signal."""
        return {signal: sum(file.good for file in self.files if file.signal == signal) for signal in SIGNALS}

    @property
    def planted(self) -> dict[str, dict[str, int]]:
        """The number of planted records per signal and kind."""
        counts: dict[str, Counter[str]] = {signal: Counter() for signal in SIGNALS}
        for planted in self.manifest:
            counts[planted.signal][planted.kind] += 1
        return {signal: dict(count) for signal, count in counts.items()}


def records(flights: Flights, mix: FaultMix | None = None) -> Iterator[Record]:
    """All records of the three signals in event order, each planted one right after the good one it was made from.

    Every good record comes exactly once. Without a ``mix``, the default one is planted; ``FaultMix(share=0)`` is none.
    """
    frames = {"departures": flights.departures, "weather": flights.weather, "arrivals": flights.arrivals}
    streams = (_signal(signal, frames[signal], mix or FaultMix()) for signal in SIGNALS)
    return heapq.merge(*streams, key=attrgetter("seconds"))


def land_files(
    landing: Path, sent: Iterable[Record], *, days: int = 1, since: float | None = None
) -> Iterator[LandedFile]:
    """Write ``<landing>/<signal>/<signal>-<first day>.jsonl``, one a signal for every ``days`` of event time.

    Days are UTC and counted from the first record's. Each file appears whole, by a rename, when the
    iterator reaches it: the caller sets the pace. Modification times rise in event order, for readers go by them: a
    millisecond a file from ``since`` (Unix seconds) on, or, without it, the end of the days a file covers.
    ``sent`` must be in event order, and so must several landings in one folder.

    Raises ``InfrastructureError`` rather than alter a file that has landed before.
    """
    count = 0
    for start, batch in _periods(sent, days * _DAY):
        by_signal: dict[str, list[Record]] = {signal: [] for signal in SIGNALS}
        for record in batch:
            by_signal[record.signal].append(record)
        for signal, lines in by_signal.items():
            if lines:
                modified = start + days * _DAY if since is None else since + count / 1000
                yield _write(landing / signal, lines, start, modified)
                count += 1


def land(landing: Path, sent: Iterable[Record], *, days: int = 1, since: float | None = None) -> Landing:
    """Land all files (see ``land_files``), then add each planted record's place to ``<landing>/manifest.jsonl``."""
    landed = Landing(tuple(land_files(landing, sent, days=days, since=since)))
    landing.mkdir(parents=True, exist_ok=True)
    with (landing / "manifest.jsonl").open("ab") as manifest:
        manifest.writelines(encode(asdict(planted)) + b"\n" for planted in landed.manifest)
    return landed


def send_to_kafka(
    bootstrap: str, topics: Mapping[str, str], sent: Iterable[Record], *, partitions: int = 1
) -> dict[str, int]:
    """Send to ``topics[signal]``, which exist and have at least ``partitions``; how many were sent per signal.

    Returns once all in-sync replicas have every record. Each origin has one partition, so a signal keeps its order per
    origin, and with one partition altogether. A second call sends everything again.

    Raises ``InfrastructureError`` when the broker cannot be reached or refuses a record; earlier ones stay sent.
    """
    from kafka import KafkaProducer
    from kafka.errors import KafkaError

    place = {origin.encode(): index % partitions for index, origin in enumerate(ORIGINS)}
    counts, failures = Counter(dict.fromkeys(topics, 0)), list[BaseException]()
    try:
        with KafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer:
            for record in sent:
                future = producer.send(
                    topics[record.signal], key=record.key, value=record.value, partition=place[record.key]
                )
                future.add_errback(failures.append)
                counts[record.signal] += 1
                if failures:
                    break
            producer.flush()
        if failures:
            raise failures[0]
    except KafkaError as error:
        raise InfrastructureError(f"Kafka at {bootstrap} did not take the demo's records: {error}") from error
    return dict(counts)


def _signal(signal: str, frame: pd.DataFrame, mix: FaultMix) -> Iterator[Record]:
    seconds = frame["occurred_at"].to_numpy("datetime64[s]").astype(np.int64)
    planted = mix.plant(signal, seconds)
    columns = [_values(frame[name]) for name in frame]
    for position, (second, *row) in enumerate(zip(seconds.tolist(), *columns, strict=True)):
        fields = dict(zip(frame.columns, row, strict=True))
        key, value = fields["origin"].encode(), encode(fields)
        yield Record(signal, key, value, second, None)
        if fault := planted.get(position):
            yield Record(signal, key, fault.spoil(Good(signal, fields, value)), second, fault)


def _values(column: pd.Series) -> list[object]:
    """The column as JSON values: instants as ISO-8601 text in UTC, absent values as ``None``."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        text = np.datetime_as_string(column.to_numpy("datetime64[s]"))
        return [f"{instant}Z" for instant in text.tolist()]
    values = column.to_numpy(dtype=object, copy=True)
    values[column.isna().to_numpy()] = None
    return list(values)


def _periods(sent: Iterable[Record], length: int) -> Iterator[tuple[int, Iterator[Record]]]:
    """The records by stretches of ``length`` seconds, each with its start; the first begins with the first day."""
    coming = iter(sent)
    first = next(coming, None)
    if first is None:
        return
    shift = first.seconds // _DAY * _DAY % length
    yield from groupby(chain([first], coming), key=lambda record: (record.seconds - shift) // length * length + shift)


def _write(folder: Path, lines: list[Record], start: int, modified: float) -> LandedFile:
    signal = lines[0].signal
    path = folder / f"{signal}-{datetime.fromtimestamp(start, UTC):%Y-%m-%d}.jsonl"
    _land(path, b"".join(record.value + b"\n" for record in lines), modified)
    planted = tuple(
        Planted(signal, path.name, line, record.fault.name, record.fault.expected)
        for line, record in enumerate(lines, start=1)
        if record.fault
    )
    return LandedFile(path, signal, len(lines) - len(planted), planted)


def _land(path: Path, content: bytes, modified: float) -> None:
    if path.exists():
        raise InfrastructureError(f"{path} has landed already and must not change: land into an empty folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f".{path.name}")
    hidden.write_bytes(content)
    os.utime(hidden, (modified, modified))
    hidden.rename(path)
