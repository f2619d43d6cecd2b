"""What the log of a Delta table says without a JVM: delta-rs reads it."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.errors import InfrastructureError

__all__ = ["TableLog", "table_log"]


@dataclass(frozen=True, slots=True)
class TableLog:
    """A table as its log has it now."""

    version: int
    columns: tuple[str, ...]


def table_log(path: str) -> TableLog:
    """The table in a folder. Raises InfrastructureError where there is none."""
    from deltalake import DeltaTable
    from deltalake.exceptions import TableNotFoundError

    try:
        table = DeltaTable(path)
        return TableLog(table.version(), tuple(field.name for field in table.schema().fields))
    except TableNotFoundError as error:
        raise InfrastructureError(f"{path} is no Delta table: make it, or correct the source") from error
    except Exception as error:
        raise InfrastructureError(f"the table at {path} cannot be read: {error}") from error
