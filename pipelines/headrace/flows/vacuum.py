"""Whether the replaced files of a table may be removed, and if not, who still needs them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import SparkSession

from headrace.flows.project import Project
from headrace.flows.readers import Reader, readers
from headrace.io.lake import Lake
from headrace.io.upkeep import Change, changes

__all__ = ["Replaced", "replaced"]


@dataclass(frozen=True, slots=True)
class Replaced:
    """Files of a table that were replaced long enough ago. held: who needs them; empty where nobody does."""

    version: int
    held: tuple[str, ...]


def replaced(spark: SparkSession, project: Project, table: str, at: datetime) -> Replaced | None:
    """The newest commit that replaced files long enough before ``at``; None where those are removed, or never were."""
    after = project.settings.maintenance.vacuum_after
    found = changes(spark, Lake(project.settings.storage), table)
    old = [change for change in found if change.replaces and change.at < at - after]
    if not old:
        return None
    newest = old[-1]
    if any(change.operation == "VACUUM END" and change.at > newest.at + after for change in found):
        return None
    return Replaced(newest.version, tuple(_held(spark, project, table, newest)))


def _held(spark: SparkSession, project: Project, table: str, newest: Change) -> list[str]:
    signal = next((name for name in project.contracts if table == f"signals_{name}"), None)
    if signal is None:
        return []  # read by cuts only, which are of the table as it is
    if not project.settings.maintenance.vacuum_signals:
        return ["a set or model that is declared later begins at the first version (maintenance.vacuum_signals)"]
    return [said for reader in readers(spark, project, signal) if (said := _needs(reader, newest)) is not None]


def _needs(reader: Reader, newest: Change) -> str | None:
    run = f"'headrace run {reader.name} --once'"
    if reader.version is None:
        return f"{reader.name} was never started and begins at version 0: {run}, or take it out of conf/"
    if reader.version < newest.version - 1:  # what a commit replaced came before it
        return (
            f"{reader.name} has read up to version {reader.version}, and version {newest.version} "
            f"({newest.operation}) replaced files: {run}"
        )
    return None
