"""What the JVMs of these tests start from: the classes that one life of every flow loads, ready made.

Much of what a JVM does in its first seconds is to read, check and link some twenty thousand classes. The JDK keeps
them in an archive on request, and takes no notice of one that was made of other jars
(https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html).
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from tests import flights
from tests.services.projects import registered, small_place

from headrace.io.jars import cache_folder
from headrace.io.jars.ivy import pyspark_folder

__all__ = ["begin", "options"]


def begin() -> subprocess.Popen[bytes]:
    """Start to make the archive, unless it is there, in the background."""
    command = [sys.executable, "-m", __name__]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def options() -> str:
    """What to tell a JVM, so that it starts from the archive; nothing where there is none."""
    # Another JVM, as that of the broker, would print that it cannot use it.
    return f"-XX:SharedArchiveFile={_archive()} -Xlog:disable -Xlog:all=error:stderr" if _archive().exists() else ""


def _archive() -> Path:
    """One for each place where Spark's jars lie."""
    return cache_folder(os.environ) / f"classes-{sha256(str(pyspark_folder()).encode()).hexdigest()[:16]}.jsa"


def _make() -> None:
    _archive().parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=_archive().parent) as folder:
        made = Path(folder) / "classes.jsa"
        conf = {"spark.driver.extraJavaOptions": f"-XX:+UseParallelGC -XX:ArchiveClassesAtExit={made} -Xlog:disable"}
        here = small_place(Path(folder), {"spark": {"master": "local[2]", "shuffle_partitions": 2, "conf": conf}})
        flights.landed(here.home, flights.sent(date(2013, 1, 1), date(2013, 1, 2)))
        registered(here.project)
        here.run("run", "--once")
        if made.exists():
            made.rename(_archive())


if __name__ == "__main__" and not _archive().exists():
    _make()
