"""A real standalone Spark cluster on loopback: a master, a worker, and executors in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from headrace.io.jars.ivy import pyspark_folder

HOST = "127.0.0.1"
PATIENCE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster with one registered worker. ``url`` is what a session takes as its master."""

    url: str

    def submit(
        self,
        script: Path,
        *args: str,
        py_files: Sequence[Path] = (),
        jars: Sequence[Path] = (),
        conf: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 900,
    ) -> subprocess.CompletedProcess[str]:
        """Run a script as ``spark-submit`` does, driver here and executors on the worker; its output is captured."""
        settings = {
            "spark.driver.host": HOST,
            "spark.driver.bindAddress": HOST,
            "spark.executor.memory": "768m",
            "spark.ui.enabled": "false",
            **(conf or {}),
        }
        command = [str(pyspark_folder() / "bin" / "spark-submit"), "--master", self.url]
        for name, value in settings.items():
            command += ["--conf", f"{name}={value}"]
        for option, files in (("--py-files", py_files), ("--jars", jars)):
            command += [option, ",".join(map(str, files))] if files else []
        whole = _environment() | dict(env or {})
        return subprocess.run(
            [*command, str(script), *args], env=whole, capture_output=True, text=True, timeout=timeout
        )


@contextmanager
def running_cluster(folder: Path, *, cores: int = 2, memory: str = "1g") -> Iterator[Cluster]:
    """A cluster whose worker is registered; logs and work directories are in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    port, master_ui, worker_ui = free_ports(3)
    url = f"spark://{HOST}:{port}"
    master = ["master.Master", *_options(host=HOST, port=port, webui_port=master_ui)]
    worker = [
        "worker.Worker",
        *_options(host=HOST, webui_port=worker_ui, cores=cores, memory=memory, work_dir=folder / "work"),
    ]
    with ExitStack() as stack:
        stack.enter_context(_daemon(master, folder / "master.log"))
        _await(lambda: _state(master_ui) is not None, folder / "master.log")
        stack.enter_context(_daemon([*worker, url], folder / "worker.log"))
        _await(lambda: _alive_workers(master_ui) == 1, folder / "worker.log")
        yield Cluster(url)


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in sockets]


def _options(**values: object) -> list[str]:
    return [word for name, value in values.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def _environment() -> dict[str, str]:
    fixed = {"SPARK_HOME": str(pyspark_folder()), "SPARK_LOCAL_IP": HOST, "PYSPARK_PYTHON": sys.executable}
    return {**os.environ, **fixed}


@contextmanager
def _daemon(arguments: Sequence[str], log: Path) -> Iterator[None]:
    """One of Spark's daemons with its children, all of them gone at the end of the block."""
    command = [str(pyspark_folder() / "bin" / "spark-class"), f"org.apache.spark.deploy.{arguments[0]}", *arguments[1:]]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=_environment(), stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _await(reached: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the cluster is not up after {PATIENCE_SECONDS} s\n{log.read_text()[-2000:]}")
        time.sleep(0.2)


def _state(port: int) -> dict[str, list[dict[str, object]]] | None:
    """What the master says of itself; None while it does not answer, or answers with the page for people only."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/json/", timeout=5) as answer:
            state: dict[str, list[dict[str, object]]] = json.load(answer)
            return state
    except (OSError, ValueError):
        return None


def _alive_workers(port: int) -> int:
    state = _state(port) or {}
    return sum(worker["state"] == "ALIVE" for worker in state.get("workers", []))
