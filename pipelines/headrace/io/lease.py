"""Leases: of two drivers on one checkpoint the second is told so, and writers of one table take turns.

The file of a lease says too when its driver last looked after the query: its time of change.

Transaction ids keep the tables right even with two drivers; but they undo each other's progress.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from headrace.errors import InfrastructureError
from headrace.io.file_lock import lock_file
from headrace.io.local_path import local_path

__all__ = ["Driver", "driver_of", "hold", "is_held", "lease_file", "mark_look", "turn"]

# Who asks whether a driver lives holds its lease for a moment.
_TRIES, _MOMENT = 5, 0.05

# Kept open for the life of the process: the operating system gives the lease back when that ends, however it ends.
_held: dict[str, IO[str]] = {}


def hold(checkpoint: str) -> None:
    """Hold the checkpoint's lease until this process ends; holding it twice in one process is holding it once.

    Only where the operating system can lock a file: elsewhere nothing is done, and Spark's own check of its logs has
    to do.
    Raises InfrastructureError when another process holds it.
    """
    folder = local_path(checkpoint)
    if folder is None or checkpoint in _held:
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    file = _lease(folder).open("a+", encoding="utf-8")
    try:
        locked = _lock(file)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise InfrastructureError(
            f"checkpoint {checkpoint} is in use by process {holder}: stop that one first, or run other flows here"
        ) from error
    if not locked:
        file.close()
        return
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    _held[checkpoint] = file


def is_held(checkpoint: str) -> bool:
    """Whether this process holds the checkpoint's lease."""
    return checkpoint in _held


def lease_file(checkpoint: str) -> Path | None:
    """The file of the lease; None where the checkpoint is on no file system of this machine."""
    folder = local_path(checkpoint)
    return None if folder is None else _lease(folder)


@dataclass(frozen=True, slots=True)
class Driver:
    """What is known of the driver of a query.

    alive: whether a process holds its lease; None where that cannot be told, as in an object store.
    looked_at: when one last looked after the query; None where none ever did, or that cannot be told.
    """

    alive: bool | None = None
    looked_at: datetime | None = None


def driver_of(checkpoint: str) -> Driver:
    """Whether a driver is alive, from the file of the lease alone."""
    folder = local_path(checkpoint)
    if folder is None:
        return Driver()
    try:
        with _lease(folder).open(encoding="utf-8") as file:
            looked_at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
            try:
                return Driver(False if lock_file(file, wait=False) else None, looked_at)
            except BlockingIOError:
                return Driver(True, looked_at)
    except FileNotFoundError:
        return Driver(alive=False)
    except OSError:
        return Driver()


def mark_look(checkpoint: str) -> None:
    """Take down that a driver looks after the query now; where there is no file for it, nothing is done."""
    folder = local_path(checkpoint)
    if folder is not None:
        with suppress(OSError):
            os.utime(_lease(folder))


def _lease(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lease")


def _lock(file: IO[str]) -> bool:
    for _ in range(_TRIES - 1):
        with suppress(BlockingIOError):
            return lock_file(file, wait=False)
        time.sleep(_MOMENT)
    return lock_file(file, wait=False)


@contextmanager
def turn(table: str) -> Iterator[None]:
    """Write to a table while nobody else does, in this process or another on this machine; wait until then.

    On a file system of one machine a commit is a rename, which puts itself in the place of another's of the same
    version. Only where the operating system can lock a file; other stores have commits that exclude each other.
    """
    folder = local_path(table)
    if folder is None or not folder.parent.exists():
        yield
        return
    with folder.with_name(f".{folder.name}.turn").open("a", encoding="utf-8") as file:
        lock_file(file)
        yield
