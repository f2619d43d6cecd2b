"""How every source stands, from the configuration and the tables alone: no JVM, no running driver needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from headrace.config import KafkaSource, Source
from headrace.errors import InfrastructureError
from headrace.flows.project import Project
from headrace.flows.queries import tables, views
from headrace.flows.sources import SourceState
from headrace.flows.unread import source_folder, unread_files
from headrace.io.reader import open_tables

__all__ = ["SourceStanding", "source_standings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStanding:
    """One signal's source. ``since`` and ``why`` are those of its newest transition, None where it never had one.

    unread: what it holds that is to be read and cannot be, or that it is not there, each with what to do.
    """

    signal: str
    source: str
    state: str
    since: datetime | None
    why: str
    limits: Mapping[str, object]
    unread: tuple[str, ...]


def source_standings(project: Project) -> list[SourceStanding]:
    """Every source the project declares, in its order."""
    connection = open_tables(project.settings.storage, tables(project), views(project))
    rows = connection.execute("SELECT signal, state, changed_at, cause, note FROM sources").fetchall()
    newest = {signal: (state, at, cause, note) for signal, state, at, cause, note in rows}
    found = []
    for name, signal in project.settings.signals.items():
        state, at, cause, note = newest.get(name, (SourceState.RUNNING.value, None, "", ""))
        found.append(
            SourceStanding(
                signal=name,
                source=_told(signal.source),
                state=state,
                since=at,
                why=f"{cause}: {note}" if note else cause,
                limits=signal.limits.model_dump(exclude_unset=True),
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
