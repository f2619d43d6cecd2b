"""One real Kafka node in a process of its own, on loopback: for the demo and for tests that want no stand-in."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headrace.errors import InfrastructureError
from headrace.io import java, kafka_admin
from headrace.io.file_lock import lock_file

__all__ = ["Broker", "running_broker"]

_HOST: Final = "127.0.0.1"
_STARTS_WITHIN_SECONDS: Final = 60
_STOPS_WITHIN_SECONDS: Final = 20
# Loopback only; one replica of everything; records stay however old the time they bear;
# a killed broker is let in again after four seconds.
_PROPERTIES: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{control}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{control}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
log.dirs={data}
log.retention.ms=-1
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=4000
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"""


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker that answers. Its data and ``broker.log`` are in ``folder``."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def bootstrap(self) -> str:
        """What a client puts into ``bootstrap.servers``."""
        return f"{_HOST}:{self.port}"

    def kill(self) -> None:
        """End it as a power cut would: at once, nothing flushed. Start it again on the same folder."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it in order; after twenty seconds, kill it."""
        self.process.terminate()
        try:
            self.process.wait(_STOPS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()


@contextmanager
def running_broker(jars: Sequence[Path], folder: Path, *, port: int | None = None) -> Iterator[Broker]:
    """A broker that answers on ``port`` (a free one if None) and stops at the end of the block.

    A folder used before keeps its topics and records. Topics are never created by being read or written.
    Raises InfrastructureError when the port or the folder is in use, Java is missing, or the broker does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _claimed(folder) as claim, _serving(jars, folder, _ports(port), claim) as broker:
        yield broker


@contextmanager
def _claimed(folder: Path) -> Iterator[int]:
    """Keep other brokers out of a folder: a second one spoils the metadata before it notices the first.

    The broker's process inherits the lock, so an orphan of a killed headrace still holds its folder.
    """
    with (folder / "in-use.lock").open("w") as file:
        try:
            lock_file(file, wait=False)
        except BlockingIOError as error:
            raise InfrastructureError(
                f"{folder} is in use by another broker. Stop it, or name another folder."
            ) from error
        yield file.fileno()


@contextmanager
def _serving(jars: Sequence[Path], folder: Path, ports: tuple[int, int], claim: int) -> Iterator[Broker]:
    port, control = ports
    properties, data = folder / "server.properties", folder / "data"
    properties.write_text(_PROPERTIES.format(host=_HOST, port=port, control=control, data=data), encoding="utf-8")
    launch = _command(jars)
    if not (data / "meta.properties").is_file():
        _format(launch, properties)
    process = _started([*launch, "kafka.Kafka", str(properties)], folder / "broker.log", claim)
    broker = Broker(port, folder, process)
    try:
        _await(broker)
        yield broker
    finally:
        broker.stop()


def _ports(wanted: int | None) -> tuple[int, int]:
    """The port for clients and a free one for the controller, both held open together so that they differ."""
    with socket.socket() as clients, socket.socket() as control:
        clients.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            clients.bind((_HOST, wanted or 0))
        except OSError as error:
            raise InfrastructureError(
                f"Port {wanted} on {_HOST} cannot be had for Kafka ({error.strerror}). Free it, or name another."
            ) from error
        control.bind((_HOST, 0))
        return clients.getsockname()[1], control.getsockname()[1]


def _command(jars: Sequence[Path]) -> list[str]:
    tuning = ["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=WARN"]
    return [str(java.find(os.environ).path), *tuning, "-cp", os.pathsep.join(map(str, jars))]


def _format(launch: Sequence[str], properties: Path) -> None:
    identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    command = [*launch, "kafka.tools.StorageTool", "format", f"--cluster-id={identity}", "-c", str(properties)]
    ran = subprocess.run([*command, "--ignore-formatted"], capture_output=True, text=True)
    if ran.returncode != 0:
        raise InfrastructureError(f"Kafka could not prepare {properties.parent}: {(ran.stderr or ran.stdout).strip()}")


def _started(command: Sequence[str], log: Path, claim: int) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C is for headrace, which stops the broker last.
    with log.open("ab") as output:
        return subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, pass_fds=(claim,)
        )


def _await(broker: Broker) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if broker.process.poll() is not None:
            raise InfrastructureError(f"Kafka ended while it started: {_last_words(broker)}")
        if _listens(broker.port) and kafka_admin.brokers(broker.bootstrap, {}):
            return
        time.sleep(0.1)
    raise InfrastructureError(f"Kafka did not answer in {_STARTS_WITHIN_SECONDS} s: {_last_words(broker)}")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((_HOST, port)) == 0


def _last_words(broker: Broker) -> str:
    """The last error of the log with the line below it, which names the cause."""
    log = broker.folder / "broker.log"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    found = max((number for number, line in enumerate(lines) if " ERROR " in line), default=None)
    telling = "no error in its log" if found is None else " ".join(line.strip() for line in lines[found : found + 2])
    return f"{telling} (all of it: {log})"
