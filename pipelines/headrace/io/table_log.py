"""What the log of a Delta table says without a JVM: delta-rs reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.errors import InfrastructureError
from headrace.io.local_path import local_path

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ["TableLog", "open_log", "open_log_in_folder", "table_log"]

# delta-rs takes a folder for a URL, and so for the folder whose name has the character of that code.
_CODE = re.compile(r"%[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True)
class TableLog:
    """A table as its log has it now."""

    version: int
    columns: tuple[str, ...]


def open_log(path: str) -> DeltaTable | None:
    """The log of the table in a folder or at a URI, as of now; None where there is no table.

    Raises InfrastructureError where it cannot be read.
    """
    from deltalake import DeltaTable
    from deltalake.exceptions import TableNotFoundError

    code = _CODE.search(path) if local_path(path) is not None else None
    if code is not None:
        raise InfrastructureError(
            f"the table at {path} cannot be read without Spark: move it to a folder without {code[0]} in its name"
        )
    try:
        return DeltaTable(path)
    except TableNotFoundError:
        return None
    except Exception as error:
        raise InfrastructureError(f"the table at {path} cannot be read: {error}") from error


def table_log(path: str) -> TableLog:
    """The table in a folder. Raises InfrastructureError where there is none."""
    table = open_log(path)
    if table is None:
        raise InfrastructureError(f"{path} is no Delta table: make it, or correct the source")
    return TableLog(table.version(), tuple(field.name for field in table.schema().fields))


def open_log_in_folder(path: str) -> DeltaTable | None:
    """The log of the table in a folder of this machine; None where there is none, or only Spark can read it."""
    if local_path(path) is None:
        return None
    try:
        return open_log(path)
    except InfrastructureError:
        return None
