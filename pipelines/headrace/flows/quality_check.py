"""The quality of one signal's accepted records on demand, read without a JVM."""

from __future__ import annotations

from headrace.errors import UsageError
from headrace.flows.catalog import signal_table
from headrace.flows.project import Project
from headrace.flows.quality import Assessment, assess
from headrace.io import samples
from headrace.io.reader import open_tables

__all__ = ["check"]


def check(project: Project, signal: str, rows: int) -> Assessment:
    """Judge at most so many rows of the signal's table; a page of it is added where the tables lie.

    Rows that the former contract accepted are not looked at: they need not keep this one.

    Raises UsageError where the table is not there, or has no row.
    """
    contract, storage = project.contracts[signal], project.settings.storage
    table = signal_table(signal, contract)
    former = contract.former.version if contract.former else None
    with open_tables(storage, [table], []) as connection:
        sample = samples.of_table(connection, table.name, contract.names, rows, but=former)
    if sample.empty:
        raise UsageError(f"{table.name} has no row yet: nothing can be said of its quality")
    return assess(signal, contract, sample, storage, occasion="headrace quality check")
