"""How every source stands, from the configuration and the tables alone: no JVM, no running driver needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from headrace.config import KafkaSource, Source
from headrace.errors import InfrastructureError
from headrace.flows.catalog import tables, views
from headrace.flows.checkpoints import checkpoint_path
from headrace.flows.project import Project
from headrace.flows.source_state import SourceState
from headrace.flows.unread import source_folder, unread_files
from headrace.io.lease import driver_of
from headrace.io.reader import open_tables

__all__ = ["SourceStanding", "source_standings"]

_NEWEST_BATCHES = "SELECT subject, max(batch_time) FROM ledger WHERE flow = 'ingest' GROUP BY subject"
_STATES = {True: "running", False: "stopped", None: "unknown"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStanding:
    """One signal's source. ``since`` and ``why`` are those of its newest transition, None where it never had one.

    state: paused; else running, stopped or unknown, by whether a driver is alive.
    looked_at: when a driver last looked at it, or, where that cannot be told, ended a batch of it.
    unread: what it holds that is to be read and cannot be, or that it is not there, each with what to do.
    """

    signal: str
    source: str
    state: str
    since: datetime | None
    why: str
    limits: Mapping[str, object]
    looked_at: datetime | None
    unread: tuple[str, ...]


def source_standings(project: Project) -> list[SourceStanding]:
    """Every source the project declares, in its order."""
    with open_tables(project.settings.storage, tables(project), views(project)) as connection:
        rows = connection.execute("SELECT signal, state, changed_at, cause, note FROM sources").fetchall()
        ended = dict(connection.execute(_NEWEST_BATCHES).fetchall())
    newest = {signal: (state, at, cause, note) for signal, state, at, cause, note in rows}
    found = []
    for name, signal in project.settings.signals.items():
        state, at, cause, note = newest.get(name, (SourceState.RUNNING.value, None, "", ""))
        driver = driver_of(checkpoint_path(project, "ingest", name))
        looked_at = driver.looked_at.replace(tzinfo=None) if driver.looked_at else ended.get(name)
        found.append(
            SourceStanding(
                signal=name,
                source=_told(signal.source),
                state=state if state == SourceState.PAUSED else _STATES[driver.alive],
                since=at,
                why=f"{cause}: {note}" if note else cause,
                limits=signal.limits.model_dump(exclude_unset=True),
                looked_at=looked_at,
                unread=_unread(project, name),
            )
        )
    return found


def _unread(project: Project, signal: str) -> tuple[str, ...]:
    try:
        folder = source_folder(project, signal)
        lines = unread_files(project, signal)
    except InfrastructureError as error:
        return (str(error),)
    return tuple(filter(None, [folder.note if folder else "", *lines]))


def _told(source: Source) -> str:
    if isinstance(source, KafkaSource):
        return f"kafka {source.topic}"
    return f"{source.kind} {source.place}"
