"""Of how many files each table consists, beside its budget: from the tables' logs alone, no JVM."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.flows.catalog import tables
from headrace.flows.project import Project
from headrace.io.table_files import files_of_log

__all__ = ["Holding", "holdings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """The data files of one table. small: those that compaction could merge; over_budget: it is to do so."""

    table: str
    files: int
    small: int
    bytes: int
    over_budget: bool


def holdings(project: Project) -> list[Holding]:
    """Every table that is there, in folders; of three-level names the platform knows."""
    root, budget = project.settings.storage.root, project.settings.maintenance
    if root is None:
        return []
    names, small = [table.name for table in tables(project)], budget.small_file_bytes
    found = ((name, files_of_log(f"{root}/{name}", small=small)) for name in names)
    return [
        Holding(
            table=name,
            files=held.count,
            small=held.small,
            bytes=held.bytes,
            over_budget=held.small > budget.files_per_table,
        )
        for name, held in found
        if held is not None
    ]
