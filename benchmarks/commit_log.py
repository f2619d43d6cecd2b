"""A Delta table on this machine seen from outside: when each of its commits could be read, and the rows it added."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq


@dataclass(frozen=True, slots=True)
class Commit:
    """When its file appeared, in seconds since 1970; the data files it added, and their rows."""

    time: float
    files: tuple[Path, ...]
    rows: int


@dataclass(slots=True)
class CommitLog:
    """The commits of a table in order, as far as ``poll`` has seen them. The table may not be there yet."""

    table: Path
    commits: list[Commit] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(commit.rows for commit in self.commits)

    def poll(self) -> None:
        """Take in the commits that have appeared since: a look at one file where there is none."""
        while (file := self.table / "_delta_log" / f"{len(self.commits):020}.json").is_file():
            self.commits.append(_commit(self.table, file))

    def read(self, columns: Sequence[str]) -> tuple[pa.Table, npt.NDArray[np.float64]]:
        """These columns of all rows that were added, and for each row when it could be read."""
        parts, times = list[pa.Table](), list[npt.NDArray[np.float64]]()
        for commit in self.commits:
            for file in commit.files:
                parts.append(pq.ParquetFile(file).read(columns=list(columns)))
                times.append(np.full(len(parts[-1]), commit.time))
        return pa.concat_tables(parts), np.concatenate(times)


def microseconds(rows: pa.Table, column: str) -> npt.NDArray[np.int64]:
    """A column of timestamps, since 1970."""
    times = rows[column].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    return np.asarray(times.to_numpy(), dtype=np.int64)


def _commit(table: Path, file: Path) -> Commit:
    """What was rewritten and not added, as maintenance does, is left out."""
    actions: list[dict[str, Any]] = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    adds = [action["add"] for action in actions if action.get("add", {}).get("dataChange")]
    files = tuple(table / unquote(add["path"]) for add in adds)
    return Commit(file.stat().st_mtime, files, sum(json.loads(add["stats"])["numRecords"] for add in adds))
