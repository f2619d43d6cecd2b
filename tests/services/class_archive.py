"""What the JVMs of these tests start from: the classes that one life of every flow loads, ready made.

Much of what a JVM does in its first seconds is to read, check and link some twenty thousand classes. The JDK keeps
them in an archive on request, and takes no notice of one that was made of other jars
(https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html).
"""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests import flights
from tests.services.projects import registered, small_place

__all__ = ["file_of", "make", "options"]


def file_of(config: pytest.Config) -> Path:
    """Where the archive of these jars lies: in pytest's cache."""
    return config.cache.mkdir("classes") / f"pyspark-{version('pyspark')}.jsa"


def make(file: Path) -> None:
    """Make the archive, unless it is there. In a process of its own, which has a JVM of its own."""
    subprocess.run([sys.executable, "-m", __name__, str(file)], capture_output=True, check=False)


def options(file: Path) -> str:
    """What to tell a JVM, so that it starts from the archive; nothing where there is none."""
    # Another JVM, as that of the broker, would print that it cannot use it.
    return f"-XX:SharedArchiveFile={file} -Xlog:disable -Xlog:all=error:stderr" if file.exists() else ""


def _make(file: Path) -> None:
    with TemporaryDirectory(dir=file.parent) as folder:
        made = Path(folder) / "classes.jsa"
        conf = {"spark.driver.extraJavaOptions": f"-XX:+UseParallelGC -XX:ArchiveClassesAtExit={made} -Xlog:disable"}
        here = small_place(Path(folder), {"spark": {"master": "local[2]", "shuffle_partitions": 2, "conf": conf}})
        flights.landed(here.home, flights.sent(date(2013, 1, 1), date(2013, 1, 2)))
        registered(here.project)
        here.run("run", "--once")
        if made.exists():
            made.rename(file)


if __name__ == "__main__" and not Path(sys.argv[1]).exists():
    _make(Path(sys.argv[1]))
