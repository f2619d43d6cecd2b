"""What the process of a version runs: load it, then answer one request after another until nobody asks any more."""

from __future__ import annotations

import atexit
import fcntl
import os
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from headrace.errors import ModelFailed, error_text

__all__ = ["main"]


def main(socket: int, lifeline: int, folder: str) -> None:
    """Answer over the socket with ``("done", value)`` or ``("failed", text)``; first say that the version is loaded."""
    # Called last of all: to take apart what MLflow imported would keep the driver waiting for seconds.
    atexit.register(os._exit, 0)
    for descriptor in (socket, lifeline):
        os.set_inheritable(descriptor, False)
    _end_with(lifeline)
    connection = Connection(socket)
    try:
        predict = _load(folder)
    except BaseException as error:
        connection.send(("failed", error_text(error)))
        return
    connection.send(("done", None))
    while True:
        try:
            records, read = connection.recv()
        except EOFError:
            return
        connection.send(_answer(predict, records, read))


def _end_with(lifeline: int) -> None:
    """Let the kernel end this process, and all it started, once the other end of a pipe is closed.

    Nothing is ever written to it. The signal needs no thread of Python's, which a version that hangs may keep out.
    """
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_ASYNC)


def _load(folder: str) -> Callable[[Any], Any]:
    import mlflow

    predict: Callable[[Any], Any] = mlflow.pyfunc.load_model(folder).predict
    return predict


def _answer(predict: Callable[[Any], Any], records: Any, read: Callable[[Any, int], Any]) -> tuple[str, Any]:
    try:
        returned = predict(records)
    except BaseException as error:  # sys.exit() in a version ends its call, not its process
        return "failed", f"raised {error_text(error)}"
    try:
        return "done", read(returned, len(records))
    except ModelFailed as error:
        return "failed", str(error)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
