"""One Spark session a worker: starting one costs more than most tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TESTS = Path(__file__).parent
SLOWEST_FIRST = ("services", "streams", "frames", "pure")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several workers a file goes to one of them as a whole, and what takes long begins first.

    Tests that look at the same tables stay together wherever they are written: making those tables takes a minute.
    """
    items.sort(key=lambda item: SLOWEST_FIRST.index(item.path.relative_to(TESTS).parts[0]))
    for item in items:
        shared = "day_by_day" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("day_by_day" if shared else str(item.path.relative_to(TESTS))))


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    from headrace.io import jars
    from headrace.io.session import build

    connectors = jars.fetch("connectors", conf_dir=None, cache=jars.cache_folder(os.environ), say=print)
    log = tmp_path_factory.mktemp("spark") / "spark.log"
    session = build("tests", master="local[2]", shuffle_partitions=2, conf={}, jars=connectors, log=log)
    yield session
    session.stop()
