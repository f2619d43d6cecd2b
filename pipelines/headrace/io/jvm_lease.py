"""The lease of a checkpoint held by the driver's JVM too, which is what writes the tables.

When a driver is killed its JVM lives on for a moment, and may end the write it is in. Who takes over waits for it, so
that nothing lands behind its look at what is there.
"""

from __future__ import annotations

import time
from typing import Any, Final

from pyspark.sql import SparkSession

from headrace.errors import InfrastructureError
from headrace.io.lease import is_held, lease_file

__all__ = ["hold_in_jvm", "is_held_alone"]

_PATIENCE_SECONDS, _LOOK_AGAIN_SECONDS = 60.0, 0.2

_NO_LOCK: Final = object()

# By checkpoint; a lock lasts as long as the JVM.
_held: dict[str, Any] = {}


def hold_in_jvm(spark: SparkSession, checkpoint: str) -> None:
    """Let the JVM hold the lease that this process holds, until it ends; holding it twice is holding it once.

    Where the JVM can lock no file nothing is done: ``is_held_alone`` says so. Raises InfrastructureError where the JVM
    of a driver before still holds it after a minute.
    """
    file = lease_file(checkpoint)
    if file is None or checkpoint in _held or not is_held(checkpoint):
        return
    jvm = spark.sparkContext._jvm
    assert jvm is not None, "a session that runs has a JVM"
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (lock := _lock(jvm, str(file))) is None:
        if time.monotonic() > deadline:
            raise InfrastructureError(
                f"checkpoint {checkpoint} is still held by the JVM of a driver that was killed: end that java process"
            )
        time.sleep(_LOOK_AGAIN_SECONDS)
    if lock is not _NO_LOCK:
        _held[checkpoint] = lock


def _lock(jvm: Any, file: str) -> Any:
    """The lock; None where another JVM has it."""
    try:
        return jvm.java.io.RandomAccessFile(file, "rw").getChannel().tryLock()
    except Exception:
        return _NO_LOCK


def is_held_alone(checkpoint: str) -> bool:
    """Whether no other driver's process or JVM can write what the query of this checkpoint writes."""
    return checkpoint in _held
