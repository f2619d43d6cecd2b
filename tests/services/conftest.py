"""Real services, started once a run: the first run fetches the jars, so it needs the network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.services.cluster import Cluster, running_cluster

from headrace.io.broker import Broker, running_broker
from headrace.io.jars import cache_folder, fetch, for_spark


@dataclass(frozen=True, slots=True)
class Jars:
    connectors: tuple[Path, ...]
    broker: tuple[Path, ...]


@pytest.fixture(scope="session")
def jars() -> Jars:
    cache = cache_folder(os.environ)
    return Jars(
        connectors=for_spark(conf_dir=None, cache=cache, say=print),
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
