"""One Spark session a worker: starting one costs more than most tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of two workers one takes what runs in one Spark session, the other what starts processes of its own."""
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        if folder in ("frames", "streams", "services"):
            item.add_marker(pytest.mark.xdist_group("services" if folder == "services" else "spark"))


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    from headrace.io import jars
    from headrace.io.session import build

    connectors = jars.fetch("connectors", conf_dir=None, cache=jars.cache_folder(os.environ), say=print)
    log = tmp_path_factory.mktemp("spark") / "spark.log"
    session = build("tests", master="local[2]", shuffle_partitions=2, conf={}, jars=connectors, log=log)
    yield session
    session.stop()
