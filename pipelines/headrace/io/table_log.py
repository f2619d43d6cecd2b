"""What the log of a Delta table says without a JVM: delta-rs reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from headrace.errors import InfrastructureError
from headrace.io.local_path import local_path

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = [
    "TableLog",
    "files_between",
    "open_log",
    "open_log_in_folder",
    "opens_without_spark",
    "table_log",
    "writes_without_spark",
]

_MAPPING = "delta.columnMapping.mode"
# delta-rs takes a folder for a URL, and so for the folder whose name has the character of that code.
_CODE = re.compile(r"%[0-9A-Fa-f]{2}")
# It writes to the URL's host by the folder's name, and no host has these.
_NO_HOST = re.compile(r"[\[\\\]^|]")


@dataclass(frozen=True, slots=True)
class TableLog:
    """A table as its log has it now."""

    version: int
    columns: tuple[str, ...]


def opens_without_spark(folder: Path) -> bool:
    """Whether a table in this folder of this machine can be opened without Spark."""
    return _CODE.search(str(folder)) is None


def writes_without_spark(folder: Path) -> bool:
    """Whether a table in this folder of this machine can be written without Spark."""
    return opens_without_spark(folder) and _NO_HOST.search(str(folder)) is None


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


def files_between(folder: Path, column: str, first: int, last: int, *, most: int) -> list[Path] | None:
    """The files of a table that may hold a row whose time in ``column`` lies between two seconds, by the log.

    None where they are more than ``most``, or the log does not say.
    """
    import pyarrow
    import pyarrow.compute as pc

    table = open_log(str(folder))
    if table is None or table.protocol().reader_features or table.metadata().configuration.get(_MAPPING):
        return None
    files = pyarrow.table(table.get_add_actions(flatten=True))
    if {f"min.{column}", f"max.{column}"} - set(files.column_names):
        return None
    # What the log has of a time ends with its milliseconds.
    low, high = files[f"min.{column}"], files[f"max.{column}"]
    near = pc.and_(
        pc.less_equal(low, pyarrow.scalar(last * 1_000_000, low.type)),
        pc.greater_equal(high, pyarrow.scalar((first - 1) * 1_000_000, high.type)),
    )
    paths = files["path"].filter(pc.fill_null(near, True))
    return None if len(paths) > most else [folder / unquote(path) for path in paths.to_pylist()]


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
