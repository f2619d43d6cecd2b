"""Real services, started once a run: the first run fetches the jars, so it needs the network."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.services import class_archive
from tests.services.cluster import Cluster, running_cluster

from headrace.io.broker import Broker, running_broker
from headrace.io.jars import cache_folder, fetch

MAKING: list[subprocess.Popen[bytes]] = []


def pytest_collection_finish(session: pytest.Session) -> None:
    """What the services start from is made while the tests before them run, by one process of several."""
    if os.environ.get("PYTEST_XDIST_WORKER", "gw1") != "gw1":
        return
    if len(session.items) > 1 and any(Path(__file__).parent in item.path.parents for item in session.items):
        MAKING.append(class_archive.begin(class_archive.file_of(session.config)))


@pytest.fixture(scope="session", autouse=True)
def classes(pytestconfig: pytest.Config) -> None:
    """Every JVM that is started from here on starts from the archive."""
    for making in MAKING:
        making.wait()
    told = class_archive.options(class_archive.file_of(pytestconfig))
    if told:
        os.environ["JAVA_TOOL_OPTIONS"] = f"{os.environ.get('JAVA_TOOL_OPTIONS', '')} {told}".strip()


@dataclass(frozen=True, slots=True)
class Jars:
    connectors: tuple[Path, ...]
    broker: tuple[Path, ...]


@pytest.fixture(scope="session")
def jars() -> Jars:
    cache = cache_folder(os.environ)
    return Jars(
        connectors=fetch("connectors", conf_dir=None, cache=cache, say=print),
        broker=fetch("broker", conf_dir=None, cache=cache, say=print),
    )


@pytest.fixture(scope="session")
def broker(jars: Jars, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running_broker(jars.broker, tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running
