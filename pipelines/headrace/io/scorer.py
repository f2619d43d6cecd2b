"""A process of its own for one version of a model: its modules stay in there, and so does what it breaks.

Requests and replies go over a socket, one at a time. The process ends with its handle, and with this process however
that ends. One that ended by itself is started anew by the next request.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from threading import Lock
from typing import Any, Self

import pandas as pd

from headrace.errors import InfrastructureError, ModelFailed

__all__ = ["Read", "Scorer"]

Read = Callable[[Any, int], Any]

_LOOK_SECONDS = 1.0
_ENDS_WITHIN_SECONDS = 2.0


class Scorer:
    """Asks a version that lies in a folder, in a process that has loaded no other. Threads take turns."""

    def __init__(self, name: str, folder: str) -> None:
        self._name, self._folder = name, folder
        self._turn = Lock()
        self._process: _Process | None = None
        self._end: weakref.finalize[[], Scorer] | None = None

    def start(self) -> Self:
        """Start the process and load the version. Raises InfrastructureError if it cannot be loaded."""
        with self._turn:
            self._started()
        return self

    def ask(self, records: pd.DataFrame, read: Read) -> Any:
        """What ``read`` makes there of what the version returned for so many records.

        Raises ModelFailed if the version raises, InfrastructureError if the process ends while it answers.
        """
        with self._turn:
            process = self._process or self._started()
            return self._exchange(process, (records, read), f"while it answered {len(records):,} records")

    def close(self) -> None:
        """End the process. A request under way raises InfrastructureError; the next starts another process."""
        self._process = None
        if self._end is not None:
            self._end()

    def _started(self) -> _Process:
        self._process = process = _Process.start(self._folder)
        self._end = weakref.finalize(self, process.end)
        self._exchange(process, None, "while it was loaded")
        return process

    def _exchange(self, process: _Process, request: Any, doing: str) -> Any:
        try:
            if request is not None:
                process.connection.send(request)
            kind, value = process.reply()
        except (EOFError, OSError) as error:
            end = process.describe_end()
            self.close()
            raise InfrastructureError(
                f"the process of {self._name} {end} {doing}. Another is started with the next attempt; what this one "
                "printed last is among this process's own output"
            ) from error
        except BaseException:
            self.close()  # or the next request would be given the reply to this one
            raise
        if kind == "failed" and request is None:
            self.close()
            raise InfrastructureError(f"{self._name} cannot be loaded: {value}")
        if kind == "failed":
            raise ModelFailed(value)
        return value


@dataclass(frozen=True, slots=True)
class _Process:
    """A process that runs ``scorer_main``, and ends once nobody holds its ``lifeline``."""

    handle: subprocess.Popen[bytes]
    connection: Connection
    lifeline: int

    @classmethod
    def start(cls, folder: str) -> _Process:
        connection, theirs = Pipe()
        held, lifeline = os.pipe()
        command = [sys.executable, "-P", "-u", "-m", "headrace.io.scorer_main", str(theirs.fileno()), str(held), folder]
        try:
            handle = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=2,  # what a version prints is no output of the command that asks it
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                pass_fds=(theirs.fileno(), held),
                start_new_session=True,
            )
        finally:
            theirs.close()
            os.close(held)
        return cls(handle, connection, lifeline)

    def reply(self) -> tuple[str, Any]:
        """The next reply. Raises EOFError if the process has ended instead."""
        # Not only until the socket is closed: what the version forked may hold it open longer.
        while not self.connection.poll(_LOOK_SECONDS):
            if self.handle.poll() is not None and not self.connection.poll():
                raise EOFError
        kind, value = self.connection.recv()
        return kind, value

    def describe_end(self) -> str:
        """How the process ended, as the rest of a sentence."""
        try:
            code = self.handle.wait(_ENDS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            return "did not answer any more"
        if code >= 0:
            return f"ended with exit code {code}"
        memory = " (is there too little memory?)" if -code == signal.SIGKILL else ""
        return f"was ended by {signal.Signals(-code).name}{memory}"

    def end(self) -> None:
        """End it and whatever it started: in order if it is idle, else at once."""
        self.connection.close()
        with suppress(subprocess.TimeoutExpired):
            self.handle.wait(_ENDS_WITHIN_SECONDS)
        os.close(self.lifeline)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.handle.pid, signal.SIGKILL)
        self.handle.wait()
