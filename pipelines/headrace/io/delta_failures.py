"""Why Delta ended a stream, in words that say what to do. Its own name options that would skip rows in silence."""

from __future__ import annotations

import re

__all__ = ["explained"]

_CONDITION = re.compile(r"\[(DELTA_[A-Z_]+|DIFFERENT_DELTA_TABLE_READ_BY_STREAMING_SOURCE)\]")
_VERSION = re.compile(r"at version (\d+)")
_OPERATION = re.compile(r"data update \(for example ([A-Z][A-Z ]*[A-Z])")
_KEPT = re.compile(r"Available versions: (\[\d+, \d+\])")
_OTHER_COLUMNS = (
    "DELTA_SCHEMA_CHANGED",
    "DELTA_SCHEMA_CHANGED_WITH_STARTING_OPTIONS",
    "DELTA_SCHEMA_CHANGED_WITH_VERSION",
)
_ANEW = "move the checkpoint away and set starting"


def explained(text: str) -> tuple[bool, str] | None:
    """Whether a restart can help, and what happened; None for what is no failure of a table that is read."""
    found = _CONDITION.search(text)
    condition = found[1] if found else ""
    if condition in ("DELTA_SOURCE_TABLE_IGNORE_CHANGES", "DELTA_SOURCE_IGNORE_DELETE"):
        return False, _changed(text)
    if condition == "DIFFERENT_DELTA_TABLE_READ_BY_STREAMING_SOURCE":
        return False, "the source table was deleted and made anew: move the checkpoint away to read the new one"
    if condition.startswith("DELTA_STREAMING_INCOMPATIBLE_SCHEMA_CHANGE"):
        return False, (
            "a column of the source table was renamed, dropped or given another type. To go on, "
            f"{_ANEW} to the version after that"
        )
    if condition == "DELTA_VERSION_NOT_FOUND":
        kept = _KEPT.search(text)
        return False, (
            "the log of the source table no longer has the version to start from"
            f"{f' (it has {kept[1]})' if kept else ''}: set starting to one it has, or to latest"
        )
    if condition.startswith("DELTA_SCHEMA_CHANGED") or "assertion failed: Invalid batch" in text:
        return True, "the columns of the source table changed: the query goes on with those it has when it starts again"
    return None


def _changed(text: str) -> str:
    version, operation = _VERSION.search(text), _OPERATION.search(text)
    by = f" ({operation[1]})" if operation else ""
    at = f"version {version[1]} of the source table{by}" if version else "a commit of the source table"
    after = f"{int(version[1]) + 1}, the version after it" if version else "latest"
    return (
        f"{at} changed or deleted rows: sources are append-only, what was read would stay as it was. Send a correction "
        f"as a new row. To go on behind that commit, {_ANEW} to {after}; rows not read before it are then left out"
    )
