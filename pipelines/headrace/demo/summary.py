"""The end of the demo: what was sent against what is in the tables. Reads the tables as an analyst would, by SQL."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.demo.faults import ACCEPTED_DUPLICATE, ACCEPTED_LATE
from headrace.demo.story import MODEL, Sent

if TYPE_CHECKING:
    import duckdb

__all__ = ["Caught", "Decisions", "Reconciled", "reconcile"]

_ACCEPTED = (ACCEPTED_DUPLICATE, ACCEPTED_LATE)
_LABELLED = f"""
SELECT p.probability_late AS answer, a.arr_delay > 15 AS label
FROM predictions_{MODEL} p JOIN signals_departures d USING (record_id)
JOIN (SELECT flight_id, min_by(arr_delay, event_time) AS arr_delay FROM signals_arrivals GROUP BY flight_id) a
  USING (flight_id)
"""


@dataclass(frozen=True, slots=True)
class Caught:
    """One reason: how many records were planted to break that rule, and in how many of them it was found."""

    reason: str
    planted: int
    caught: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """How the decisions turned out against the arrivals that came later."""

    made: int
    known: int
    accuracy: float
    log_loss: float
    base_log_loss: float
    behind: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What was sent against what is there. ``wrong`` says what does not agree; empty is the point of it all."""

    sent: Mapping[str, int]
    accepted: Mapping[str, int]
    rejected: Mapping[str, int]
    reasons: tuple[Caught, ...]
    late: Mapping[str, int]
    windows: Mapping[str, tuple[int, int]]
    decisions: Decisions
    freshness: Mapping[str, str]
    wrong: tuple[str, ...]


def reconcile(connection: duckdb.DuckDBPyConnection, sent: Sent, sets: Sequence[str]) -> Reconciled:
    """Compare. ``sets``: the feature sets whose windows are counted."""
    total = Counter(sent.good)
    total.update(record.signal for record in sent.planted)
    accepted = {signal: _one(connection, f"SELECT count(*) FROM signals_{signal}") for signal in total}
    rejected = {
        signal: _one(connection, f"SELECT count(*) FROM dead_letters WHERE signal = '{signal}'") for signal in total
    }
    letters, reasons = _letters(connection), _reasons(connection, sent)
    wrong = [
        f"{signal}: {count:,} sent, {accepted[signal]:,} accepted and {rejected[signal]:,} rejected"
        for signal, count in total.items()
        if count != accepted[signal] + rejected[signal]
    ]
    wrong += [
        f"{one.reason}: {one.planted} planted, {one.caught} caught" for one in reasons if one.planted != one.caught
    ]
    planted = sum(1 for record in sent.planted if record.fault and record.fault.expected not in _ACCEPTED)
    if len(letters) != planted:
        wrong.append(f"{planted} records were planted to be rejected, {len(letters)} were")
    return Reconciled(
        sent=dict(total),
        accepted=accepted,
        rejected=rejected,
        reasons=reasons,
        late=_late(connection, sets),
        windows={name: _windows(connection, name) for name in sets},
        decisions=_decisions(connection),
        freshness=_freshness(connection),
        wrong=tuple(wrong),
    )


def _letters(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, bytes, list[str]]]:
    found = connection.execute("SELECT signal, value, list_transform(reasons, lambda r: r.code) FROM dead_letters")
    return [(signal, bytes(value), codes) for signal, value, codes in found.fetchall()]


def _reasons(connection: duckdb.DuckDBPyConnection, sent: Sent) -> tuple[Caught, ...]:
    """Each planted record is looked up by its very bytes: was it rejected, and for the reason it was planted for?"""
    found: dict[tuple[str, bytes], list[list[str]]] = {}
    for signal, value, codes in _letters(connection):
        found.setdefault((signal, value), []).append(codes)
    planted: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    for record in sent.planted:
        if record.fault is None or record.fault.expected in _ACCEPTED:
            continue
        planted[record.fault.expected] += 1
        mine = found.get((record.signal, record.value), [])
        if mine and record.fault.expected in mine.pop():
            caught[record.fault.expected] += 1
    return tuple(Caught(reason, planted[reason], caught[reason]) for reason in sorted(planted))


def _late(connection: duckdb.DuckDBPyConnection, sets: Sequence[str]) -> dict[str, int]:
    return {
        name: _one(
            connection,
            "SELECT coalesce(sum(outcomes['late']), 0)::BIGINT FROM ledger "
            f"WHERE flow = 'features' AND subject = '{name}'",
        )
        for name in sets
    }


def _windows(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[int, int]:
    """Final windows, and all."""
    final = _one(connection, f"SELECT count(*) FROM features_{name}")
    latest = _one(
        connection,
        f"SELECT count(*) FROM (SELECT DISTINCT origin, window_end FROM features_{name}_log)",
    )
    return final, latest


def _decisions(connection: duckdb.DuckDBPyConnection) -> Decisions:
    made = _one(connection, f"SELECT count(*) FROM predictions_{MODEL}")
    behind = _one(connection, f"SELECT count(*) FROM predictions_{MODEL} WHERE len(behind) > 0")
    rows = connection.execute(_LABELLED).fetchall()
    if not rows:
        nan = math.nan
        return Decisions(made=made, known=0, accuracy=nan, log_loss=nan, base_log_loss=nan, behind=behind)
    rate = sum(label for _, label in rows) / len(rows)
    return Decisions(
        made=made,
        known=len(rows),
        accuracy=sum((answer >= 0.5) == label for answer, label in rows) / len(rows),
        log_loss=sum(_loss(answer, label) for answer, label in rows) / len(rows),
        base_log_loss=sum(_loss(rate, label) for _, label in rows) / len(rows),
        behind=behind,
    )


def _loss(probability: float, label: bool) -> float:
    chance = probability if label else 1 - probability
    return -math.log(min(max(chance, 1e-15), 1.0))


def _freshness(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The newest event time at each hop: how far behind the last record what analysts see is."""
    asked = {
        "newest departure accepted": "SELECT max(event_time) FROM signals_departures",
        "newest departure decided on": f"SELECT max(event_time) FROM predictions_{MODEL}",
        "newest final departures window": "SELECT max(window_end) FROM features_origin_departures",
    }
    found = {name: connection.execute(sql).fetchall() for name, sql in asked.items()}
    return {name: f"{rows[0][0]:%Y-%m-%d %H:%M}" if rows[0][0] else "none" for name, rows in found.items()}


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0
