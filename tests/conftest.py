"""One Spark session a process: starting one costs more than most tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# PySpark takes a program without a file for its own doctests, and ends it.
sys.modules["__main__"].__dict__.setdefault("__file__", __file__)

# How fast this machine is at the moment is nothing to test.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    from headrace.io import jars
    from headrace.io.session import build

    connectors = jars.for_spark(conf_dir=None, cache=jars.cache_folder(os.environ), say=print)
    log = tmp_path_factory.mktemp("spark") / "spark.log"
    session = build("tests", master="local[2]", shuffle_partitions=2, conf={}, jars=connectors, log=log)
    yield session
    session.stop()
