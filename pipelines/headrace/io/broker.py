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

__all__ = ["Broker", "running_broker"]

_HOST: Final = "127.0.0.1"
_STARTS_WITHIN_SECONDS: Final = 60
_STOPS_WITHIN_SECONDS: Final = 20
# Loopback only; one replica of everything; records stay however old the time they bear.
_PROPERTIES: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{control}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{control}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
log.dirs={data}
log.retention.ms=-1
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
    Raises InfrastructureError when the port is taken, Java is missing, or the broker ends before it answers.
    """
    port, control = _ports(port)
    folder.mkdir(parents=True, exist_ok=True)
    properties, data = folder / "server.properties", folder / "data"
    properties.write_text(_PROPERTIES.format(host=_HOST, port=port, control=control, data=data), encoding="utf-8")
    launch = _command(jars)
    if not (data / "meta.properties").is_file():
        _format(launch, properties)
    broker = Broker(port, folder, _started([*launch, "kafka.Kafka", str(properties)], folder / "broker.log"))
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
                f"Port {wanted} on {_HOST} cannot be had for Kafka ({error.strerror}). Stop what holds it, or name another."
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


def _started(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C is for headrace, which stops the broker last.
    with log.open("ab") as output:
        return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)


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
    """The first error of the log: what follows it is the shutdown."""
    log = broker.folder / "broker.log"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    telling = next((line for line in reversed(lines) if "ERROR" in line or "FATAL" in line), "no error in its log")
    return f"{telling.strip()} (all of it: {log})"
