"""A real Redis server on a socket of its own: the one of a package for tests, or of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from headrace.config import RedisOnline

PASSWORD = "s3cret/of mine"
_URL_PASSWORD = "s3cret%2Fof%20mine"
_WAIT = 300.0


@dataclass
class RedisServer:
    """Started when it is made; what it holds is gone when it is stopped."""

    program: str
    folder: Path

    @property
    def place(self) -> RedisOnline:
        """How it is reached: by ``unix://`` and a password."""
        url = f"unix://:{_URL_PASSWORD}@{self.folder}/redis.sock"
        return RedisOnline(kind="redis", url=SecretStr(url), prefix="tests")

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        socket = self.folder / "redis.sock"
        options = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--requirepass", PASSWORD]
        self._process = subprocess.Popen([self.program, *options], cwd=self.folder, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + _WAIT
        while not socket.exists():
            assert self._process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.02)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        (self.folder / "redis.sock").unlink(missing_ok=True)


@contextmanager
def running_redis() -> Iterator[RedisServer]:
    """A server for the block. Skips the test where there is none to start."""
    pytest.importorskip("redis", reason="the client of Redis is not installed")
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    program = shutil.which("redis-server", path=places)
    if program is None:
        pytest.skip("there is no redis-server on the PATH")
    with tempfile.TemporaryDirectory(prefix="redis") as folder:
        server = RedisServer(program, Path(folder))
        try:
            yield server
        finally:
            server.stop()
