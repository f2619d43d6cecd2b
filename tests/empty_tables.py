"""Tables without a row, made once a run for projects that have the same."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from pyspark.sql import SparkSession

from headrace.flows.catalog import tables
from headrace.flows.project import Project
from headrace.flows.queries import create_tables

# By what the tables are: a folder of them without a row.
_EMPTY: dict[str, Path] = {}


def with_tables(spark: SparkSession, loaded: Project) -> None:
    """Make the tables. Folders of a project that has the same are copied, which is faster by seconds."""
    if loaded.settings.storage.root is None:
        create_tables(spark, loaded)
        return
    root, described = Path(loaded.settings.storage.root), repr(tuple(tables(loaded)))
    if root.exists():
        create_tables(spark, loaded)
    elif described in _EMPTY:
        shutil.copytree(_EMPTY[described], root)
    else:
        create_tables(spark, loaded)
        _EMPTY[described] = Path(shutil.copytree(root, Path(tempfile.mkdtemp()) / "tables"))
