"""The session of a command: Java looked for, jars fetched, Spark started, once, with a word on what takes long."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.flows.project import Project

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["session", "session_with_tables"]


def session(project: Project, conf_dir: Path, say: Callable[[str], None]) -> SparkSession:
    """The active session where a platform brings one, else one built as the project's ``spark`` section says.

    Under ``spark-submit`` the jars are those it was given; on a machine of our own they are fetched once.
    """
    from headrace.io import jars, java
    from headrace.io.local_path import local_path
    from headrace.io.session import build

    spark = project.settings.spark
    mine = spark.master is not None
    if mine:
        java.find(os.environ)
    connectors = jars.for_spark(conf_dir=conf_dir, cache=jars.cache_folder(os.environ), say=say) if mine else ()
    folder = local_path(project.settings.storage.checkpoint_root) if mine else None
    log = folder / "spark.log" if folder else None
    if mine:
        say(f"Starting Spark; its own log is {log}" if log else "Starting Spark")
    with _beside_results():
        return build(
            f"headrace {re.sub(r'[^a-z0-9_]', '', project.settings.project)}",
            master=spark.master,
            shuffle_partitions=spark.shuffle_partitions,
            conf=spark.conf,
            jars=connectors,
            log=log,
        )


def session_with_tables(project: Project, conf_dir: Path, say: Callable[[str], None]) -> SparkSession:
    """The session, once every table of the project is there."""
    from headrace.flows.queries import create_tables

    spark = session(project, conf_dir, say)
    create_tables(spark, project)
    return spark


@contextmanager
def _beside_results() -> Iterator[None]:
    """What is started meanwhile prints to standard error: Delta's VACUUM prints a line, which is not our answer."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
