"""The entries of a Delta table's log in a folder of this machine, read as the JSON they are.

One small file a commit: to ask for the few newest puts nothing of the table's state together, and starts no Spark job.
The format is https://github.com/delta-io/delta/blob/master/PROTOCOL.md#delta-log-entries.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from headrace.errors import InfrastructureError

__all__ = ["AddedFile", "Commit", "commits_after", "latest_version", "read_commit"]

# The newest version of each table that this process saw: where to look on from.
_seen: dict[Path, int] = {}


@dataclass(frozen=True, slots=True)
class AddedFile:
    """A file that a version added. partition: its values of the columns the table is partitioned by."""

    path: Path
    partition: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Commit:
    """One version of a table.

    at: when it could be read. metadata: what its writer noted. rows: how many it says it wrote. replaces: whether it
    took files away, be it to write the same rows into fewer.
    """

    version: int
    at: datetime
    metadata: str | None
    rows: int
    files: tuple[AddedFile, ...]
    replaces: bool


def latest_version(table: Path) -> int:
    """The newest version of the table in a folder; -1 where there is none."""
    version = _seen.get(table, -1)
    if version < 0 or not _entry(table, version).exists():
        version = max(
            (int(path.stem) for path in (table / "_delta_log").glob("*.json") if path.stem.isdigit()), default=-1
        )
    while version >= 0 and _entry(table, version + 1).exists():
        version += 1
    _seen[table] = version
    return version


def commits_after(table: Path, version: int) -> Iterator[Commit]:
    """The commits behind a version, oldest first.

    Raises InfrastructureError where the log no longer holds one of them.
    """
    for number in range(version + 1, latest_version(table) + 1):
        commit = read_commit(table, number)
        if commit is None:
            raise InfrastructureError(f"the log of {table} lacks version {number}, though later ones are there")
        yield commit


def read_commit(table: Path, version: int) -> Commit | None:
    """One version of the table; None where the log does not hold it, or no longer."""
    try:
        text = _entry(table, version).read_text(encoding="utf-8")
        at = datetime.fromtimestamp(_entry(table, version).stat().st_mtime, UTC)
    except FileNotFoundError:
        return None
    actions = [json.loads(line) for line in text.splitlines() if line]
    info: dict[str, Any] = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
    metrics = info.get("operationMetrics", {})
    return Commit(
        version=version,
        at=at,
        metadata=info.get("userMetadata"),
        rows=int(metrics.get("numOutputRows", metrics.get("num_added_rows", 0))),
        files=tuple(
            AddedFile(table / unquote(action["add"]["path"]), action["add"]["partitionValues"])
            for action in actions
            if "add" in action
        ),
        replaces=any("remove" in action for action in actions),
    )


def _entry(table: Path, version: int) -> Path:
    return table / "_delta_log" / f"{version:020}.json"
