"""What the tables of a side tell when its run is over: how old records were when they could be read, and if all are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from commit_log import CommitLog, microseconds
from sides import Tables
from steady_load import SENSORS, Load, Times

Seconds = npt.NDArray[np.float64]

_MINUTE = 60_000_000


@dataclass(frozen=True, slots=True)
class Ages:
    """Percentiles in seconds, and how many records could not be read when the watch ended.

    growth: in seconds a minute, from batch to batch; None where there were fewer than three.
    """

    p50: float
    p90: float
    p99: float
    growth: float | None
    unread: int


@dataclass(frozen=True, slots=True)
class Account:
    """How many rows a table should have and has; of those it should have, how many it lacks or has too often."""

    due: int
    rows: int
    lost: int
    doubled: int


def ages(tables: Tables, load: Load, steady: tuple[int, int], ended: float) -> dict[str, Ages]:
    """By hop, the ages of the good records due in ``steady``; ``ended``: when the watch did."""
    due = load.times[~load.bad]
    read = {
        "accepted": _first_read(tables.signals, due),
        "feature": _first_counted(tables.features, due, load.sensors[~load.bad]),
        "decision": _first_read(tables.predictions, due),
    }
    return {hop: _ages(times, due, steady, ended) for hop, times in read.items()}


def account(tables: Tables, load: Load, knock: int) -> dict[str, Account]:
    """By table, what it has beside what it should have: the load, and the reading sent before it."""
    good = np.append(load.times[~load.bad], knock)
    letters = np.array(_due_of_letters(tables.dead_letters), dtype=np.int64)
    signals, predictions = (
        microseconds(log.read(["event_time"])[0], "event_time") for log in (tables.signals, tables.predictions)
    )
    return {
        "signals": _compared(good, signals),
        "dead_letters": _compared(load.times[load.bad], letters),
        "predictions": _compared(good, predictions),
    }


def unsaid(predictions: CommitLog, steady: tuple[int, int]) -> dict[str, tuple[float, float]]:
    """How much later than its row says a decision could be read, p50 and p99: by when it was made, and by its age.

    The age in the row begins with the record's arrival, which is when it was sent: that is taken to be when it was due.
    """
    rows, read = predictions.read(["event_time", "predicted_at", "signal_age"])
    due = microseconds(rows, "event_time")
    counts = _within(due, steady)
    late = {
        "predicted_at": read - microseconds(rows, "predicted_at") / 1e6,
        "signal_age": read - due / 1e6 - rows["signal_age"].to_numpy() / 1e3,
    }
    return {
        column: (float(np.percentile(seconds[counts], 50)), float(np.percentile(seconds[counts], 99)))
        for column, seconds in late.items()
    }


def _ages(read: Seconds, due: Times, steady: tuple[int, int], ended: float) -> Ages:
    unread, counts = np.isnan(read), _within(due, steady)
    until = np.where(unread, ended, read)
    p50, p90, p99 = np.percentile((until - due / 1e6)[counts], [50, 90, 99])
    return Ages(float(p50), float(p90), float(p99), _growth(until, due, steady), int(unread[counts].sum()))


def _growth(read: Seconds, due: Times, steady: tuple[int, int]) -> float | None:
    """The slope of a line through the mean ages of whole batches, which are the records that came to be read at once.

    Within a batch the age falls by a second a second, whatever the side does: a line through single records would show
    where the steady part happens to cut the batches at its ends.
    """
    batches, place, records = np.unique(read, return_inverse=True, return_counts=True)
    since = np.bincount(place, due - steady[0]) / records
    steady_batches = _within(since + steady[0], steady)
    if steady_batches.sum() < 3:
        return None
    old = batches - (since + steady[0]) / 1e6
    slope = np.polyfit(since[steady_batches] / _MINUTE, old[steady_batches], 1, w=np.sqrt(records[steady_batches]))
    return float(slope[0])


def _within(due: Times | Seconds, steady: tuple[int, int]) -> npt.NDArray[np.bool_]:
    return np.logical_and(due >= steady[0], due < steady[1])


def _first_read(log: CommitLog, due: Times) -> Seconds:
    """When each record could be read first, known by its time; NaN for one that could not."""
    rows, read = log.read(["event_time"])
    return _at(_sorted(microseconds(rows, "event_time"), read), due, due)


def _first_counted(log: CommitLog, due: Times, sensors: Times) -> Seconds:
    """When each record was first in a value of the window of a full minute that it falls into."""
    rows, read = log.read(["sensor", "window_start", "n"])
    starts = microseconds(rows, "window_start")
    whole = starts % _MINUTE == 0
    numbers = np.array([int(name[1:]) for name in rows["sensor"].filter(whole).to_pylist()], dtype=np.int64)
    counted = _place(starts[whole], numbers, rows["n"].filter(whole).to_numpy())

    window = due // _MINUTE * _MINUTE
    order = np.lexsort((due, sensors, window))
    group = _place(window[order], sensors[order], np.zeros(len(due), dtype=np.int64))
    first = np.concatenate([[True], group[1:] != group[:-1]])
    rank = np.arange(len(due)) - np.maximum.accumulate(np.where(first, np.arange(len(due)), 0)) + 1
    wanted = np.empty(len(due), dtype=np.int64)
    wanted[order] = group + rank
    return _at(_sorted(counted, read[whole]), wanted, _place(window, sensors, np.full(len(due), _MOST)))


_MOST = 99_999


def _place(window: Times, sensor: Times, number: Times) -> Times:
    """Window, sensor and count as one number, in that order."""
    return (window // _MINUTE * (SENSORS + 1) + sensor) * (_MOST + 1) + number


def _sorted(keys: Times, read: Seconds) -> tuple[Times, Seconds]:
    order = np.lexsort((read, keys))
    return keys[order], read[order]


def _at(rows: tuple[Times, Seconds], first: Times, last: Times) -> Seconds:
    """For each pair of bounds the time of the first row with a key between them, both inclusive; else NaN."""
    keys, read = rows
    place = np.minimum(np.searchsorted(keys, first), len(keys) - 1)
    return np.where((keys[place] >= first) & (keys[place] <= last), read[place], np.nan)


def _due_of_letters(log: CommitLog) -> list[int]:
    if not log.rows:
        return []
    values = (json.loads(value) for value in log.read(["value"])[0]["value"].to_pylist())
    return [round(datetime.fromisoformat(value["at"]).timestamp() * 1e6) for value in values]


def _compared(due: Times, found: Times) -> Account:
    kept, times = np.unique(found, return_counts=True)
    mine = np.isin(kept, due)
    doubled = int((times[mine] - 1).sum() + times[~mine].sum())
    return Account(len(due), len(found), int((~np.isin(due, kept)).sum()), doubled)
