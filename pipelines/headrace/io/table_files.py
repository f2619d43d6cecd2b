"""Of how many files a table consists, by its log: no JVM."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from headrace.io.table_log import open_log

__all__ = ["Files", "count_files", "files_of_log"]


@dataclass(frozen=True, slots=True)
class Files:
    """The data files of a table as it is now.

    small: how many are small and lie in one partition with another that is: those can be merged.
    """

    count: int
    bytes: int
    small: int


def files_of_log(path: str, *, small: int) -> Files | None:
    """The files of a table in a folder; None where there is none. small: bytes below which a file is."""
    log = open_log(path)
    if log is None:
        return None
    actions: Any = log.get_add_actions(flatten=True)
    paths, sizes = actions.column("path").to_pylist(), actions.column("size_bytes").to_pylist()
    return count_files(zip(paths, sizes, strict=True), small)


def count_files(found: Iterable[tuple[str, int]], small: int) -> Files:
    """Files given by their paths and sizes, counted."""
    sizes = list(found)
    by_partition = Counter(path.rpartition("/")[0] for path, size in sizes if size < small)
    return Files(len(sizes), sum(size for _, size in sizes), sum(n for n in by_partition.values() if n > 1))
