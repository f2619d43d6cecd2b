"""Locks on files, which the operating system gives back when their holder ends, however it ends."""

from __future__ import annotations

from typing import IO

__all__ = ["lock_file"]


def lock_file(file: IO[str], *, wait: bool = True) -> bool:
    """Lock an open file until it is closed. False where none can be had: on Windows, or on a volume without locks.

    Raises BlockingIOError where somebody else holds it and ``wait`` is false.
    """
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True
