"""Where every query stands, from the tables alone: no JVM, no running driver needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from headrace.config import DeltaSource, FileSource, KafkaSource
from headrace.errors import InfrastructureError
from headrace.flows.catalog import tables, views
from headrace.flows.checkpoints import checkpoint_path
from headrace.flows.online import behind
from headrace.flows.project import Project
from headrace.io import kafka_admin
from headrace.io.cut import backfill_of, history_of
from headrace.io.lease import driver_of
from headrace.io.offsets import last_version, reached_offset
from headrace.io.online import open_store
from headrace.io.reader import open_tables, rows_of
from headrace.io.source_folder import look_into
from headrace.io.table_log import table_log
from headrace.models.spec import Model

if TYPE_CHECKING:
    import duckdb

__all__ = ["Standing", "status"]

_LAST = """
SELECT flow, subject, max_by(query_id, batch_time) AS query_id, count(DISTINCT (query_id, batch_id)) AS batches,
       max(batch_time) AS batch_time, sum(rows_in) AS rows_in, max(high_water) AS high_water,
       max(watermark) AS watermark, bool_or(end_of_input) AS ended
FROM ledger GROUP BY flow, subject
"""
_OUTCOMES = """
SELECT flow, subject, one.key AS outcome, sum(one.value) AS rows
FROM (SELECT flow, subject, unnest(map_entries(outcomes)) AS one FROM ledger) GROUP BY flow, subject, outcome
"""

_WRITTEN = """
SELECT query_id, max(batch_id) AS batch_id FROM ledger
WHERE subject = ? AND query_id IN (?, ?, ?) GROUP BY query_id
"""
_REACHED = "SELECT slice, max(slice_to) AS reached FROM ledger WHERE query_id = ? GROUP BY slice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One query: how far it has come and what it has let through.

    high_water: newest event time its signal had reached. pending: records, files or batches it has not read; None if
    that cannot be asked. provisional: windows that can still change; None where there are none.
    ended: the signal's end of input is declared and reached.
    driver_alive: whether a driver holds the query; None where that cannot be told.
    looked_at: when one last looked after it, or, where that cannot be told, ended a batch of it.
    lacking: of a model that has decided nothing yet though records wait, what it waits for; None if nothing.
    online: how far the online view of a set follows its log; None where there is no view, or nothing to hold.
    """

    query: str
    batches: int
    last_batch: datetime | None
    rows_in: int
    outcomes: Mapping[str, int]
    high_water: datetime | None
    pending: str | None
    provisional: int | None
    paused: bool
    ended: bool
    driver_alive: bool | None
    looked_at: datetime | None
    lacking: str | None = None
    online: str | None = None


def status(project: Project) -> list[Standing]:
    """Every query the project declares, those that never ran included."""
    with open_tables(project.settings.storage, tables(project), views(project)) as connection:
        return _standings(connection, project)


def _standings(connection: duckdb.DuckDBPyConnection, project: Project) -> list[Standing]:
    last = {(row["flow"], row["subject"]): row for row in rows_of(connection, _LAST)}
    outcomes: dict[tuple[str, str], dict[str, int]] = {}
    for row in rows_of(connection, _OUTCOMES):
        outcomes.setdefault((str(row["flow"]), str(row["subject"])), {})[str(row["outcome"])] = int(str(row["rows"]))
    paused = {str(row["signal"]) for row in rows_of(connection, "SELECT signal FROM sources WHERE state = 'paused'")}
    named = [
        *(("ingest", signal) for signal in project.settings.signals),
        *(("features", name) for name in project.feature_sets),
        *(("score", name) for name in project.models),
    ]
    held = {("ingest", signal) for signal in paused}
    return [
        _standing(connection, project, key, last.get(key, {}), outcomes.get(key, {}), paused=key in held)
        for key in named
    ]


def _standing(
    connection: duckdb.DuckDBPyConnection,
    project: Project,
    key: tuple[str, str],
    last: Mapping[str, object],
    outcomes: Mapping[str, int],
    *,
    paused: bool,
) -> Standing:
    flow, subject = key
    driver = driver_of(checkpoint_path(project, flow, subject))
    looked_at = driver.looked_at.replace(tzinfo=None) if driver.looked_at else _time(last.get("batch_time"))
    pending = _pending(connection, project, flow, subject, last.get("query_id"))
    undecided = flow == "score" and pending != "0" and not outcomes.get("predicted")
    return Standing(
        query=f"{flow}.{subject}",
        batches=int(str(last.get("batches", 0))),
        last_batch=_time(last.get("batch_time")),
        rows_in=int(str(last.get("rows_in") or 0)),
        outcomes=dict(sorted(outcomes.items())),
        high_water=_time(last.get("high_water")),
        pending=pending,
        provisional=_provisional(connection, subject) if flow == "features" and last else None,
        paused=paused,
        ended=bool(last.get("ended")),
        driver_alive=driver.alive,
        looked_at=looked_at,
        lacking=_lacking(project, project.models[subject]) if undecided else None,
        online=_online(connection, project, subject, str(last["query_id"])) if flow == "features" and last else None,
    )


def _lacking(project: Project, model: Model) -> str | None:
    """Asked for only before the first decision: a registry takes seconds to answer."""
    try:
        from headrace.io.registry import pin

        pin(project.settings.registry, model.registered_model, model.alias, remedy=model.first_version)
    except ModuleNotFoundError as error:
        return f"whether {model.registered_model} has a version cannot be told: {error.name} is not installed"
    except InfrastructureError as error:
        return str(error)
    return None


def _online(connection: duckdb.DuckDBPyConnection, project: Project, name: str, query_id: str) -> str | None:
    if project.settings.online is None:
        return None
    rows = rows_of(connection, _WRITTEN, [name, query_id, backfill_of(query_id), history_of(query_id)])
    try:
        with open_store(project.settings.online) as store:
            held = store.held(name)
    except InfrastructureError as error:
        return str(error)
    ledgered = {str(row["query_id"]): int(str(row["batch_id"])) for row in rows}
    missing = behind(held, project.feature_sets[name].fingerprint, query_id, ledgered)
    if missing is None:
        return "not built"
    return f"{missing} batch{'' if missing == 1 else 'es'} behind" if missing else "up to date"


def _pending(
    connection: duckdb.DuckDBPyConnection, project: Project, flow: str, subject: str, query_id: object
) -> str | None:
    if flow == "ingest":
        source = project.settings.signals[subject].source
        if isinstance(source, DeltaSource):
            return _commits(source, checkpoint_path(project, flow, subject))
        read = rows_of(connection, _REACHED, [query_id])
        reached = {str(row["slice"]): int(str(row["reached"] or 0)) for row in read}
        return _files(source, reached) if isinstance(source, FileSource) else _offsets(source, reached)
    signal = project.feature_sets[subject].signal if flow == "features" else project.models[subject].signal
    unread = rows_of(
        connection,
        "SELECT count(DISTINCT concat(query_id, '/', batch_id)) AS batches FROM ledger WHERE flow = 'ingest' "
        "AND subject = ? AND slice <> 'end of input' AND outcomes['accepted'] > 0 "
        "AND concat(query_id, '/', batch_id) NOT IN (SELECT slice FROM ledger WHERE flow = ? AND subject = ?)",
        [signal, flow, subject],
    )
    count = int(str(unread[0]["batches"]))
    return f"{count} batch{'' if count == 1 else 'es'}" if count else "0"


def _files(source: FileSource, reached: Mapping[str, int]) -> str | None:
    try:
        folder = look_into(source)
    except OSError:
        return None  # the tables can be read all the same
    if folder is None:
        return None
    waiting = [name for name, size in folder.sizes.items() if size and name not in reached]
    unread = f", {len(folder.unreadable)} unreadable" if folder.unreadable else ""
    return (f"{len(waiting)} file{'' if len(waiting) == 1 else 's'}" if waiting else "0") + unread


def _commits(source: DeltaSource, checkpoint: str) -> str | None:
    """Commits without a row count too, until the query has passed them."""
    reached = reached_offset(checkpoint)
    if source.path is None or "://" in source.path or (reached is None and source.starting != "earliest"):
        return None
    try:
        newest = table_log(source.path).version
    except InfrastructureError:
        return None  # the tables can be read all the same
    read = last_version(reached) if reached is not None else -1
    waiting = newest - read
    return f"{waiting} commit{'' if waiting == 1 else 's'}" if waiting > 0 else "0"


def _offsets(source: KafkaSource, reached: Mapping[str, int]) -> str | None:
    try:
        return _lag(source, reached)
    except InfrastructureError:
        return None  # the tables can be read all the same


def _lag(source: KafkaSource, reached: Mapping[str, int]) -> str:
    ends = kafka_admin.end_offsets(source.bootstrap, source.topic, source.opened)
    starts = kafka_admin.beginning_offsets(source.bootstrap, source.topic, source.opened)
    lag = sum(end - max(reached.get(f"{source.topic}/{part}", 0), starts[part]) for part, end in ends.items())
    return f"{lag:,} records" if lag else "0"


def _provisional(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    watermark = f"(SELECT max(watermark) FROM ledger WHERE flow = 'features' AND subject = '{name}')"
    open_ = f"window_end > coalesce({watermark}, TIMESTAMP '0001-01-01')"
    found = rows_of(connection, f"SELECT count(DISTINCT window_end) AS n FROM features_{name}_log WHERE {open_}")
    return int(str(found[0]["n"]))


def _time(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None
