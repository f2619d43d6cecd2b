"""A lease per checkpoint: of two drivers on one, the second is told so before it starts a query.

Transaction ids keep the tables right even then; but two drivers undo each other's progress.
"""

from __future__ import annotations

import fcntl
import os
from typing import IO

from headrace.errors import InfrastructureError
from headrace.io.checkpoint import local_path

__all__ = ["hold"]

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
