"""Leases: of two drivers on one checkpoint the second is told so, and writers of one table take turns.

Transaction ids keep the tables right even with two drivers; but they undo each other's progress.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from headrace.errors import InfrastructureError
from headrace.io.local_path import local_path

__all__ = ["hold", "turn"]

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
    file = folder.with_name(f"{folder.name}.lease").open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise InfrastructureError(
            f"checkpoint {checkpoint} is in use by process {holder}: stop that one first, or run other flows here"
        ) from error
    except OSError:
        file.close()
        return  # a mounted volume without locks
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    _held[checkpoint] = file


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
        with suppress(OSError):  # a mounted volume without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
