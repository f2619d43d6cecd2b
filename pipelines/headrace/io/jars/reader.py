"""The reader of records: Java sources that headrace carries, compiled once for all sessions of this user."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
import zipfile
from importlib import resources
from pathlib import Path
from typing import Final

from headrace.errors import InfrastructureError
from headrace.io.jars.ivy import pyspark_folder

__all__ = ["JAR", "build", "version"]

JAR: Final = "headrace-reader.jar"

_PATIENCE_SECONDS: Final = 300
# What the sources name. The oldest Java that is supported runs what is compiled.
_NAMED: Final = (
    "spark-sql-api_*",
    "scala-library-*",
    "jackson-core-*",
    "jackson-databind-*",
    "jackson-annotations-*",
    "hadoop-client-api-*",
)


def version() -> str:
    """A name that changes whenever a source does."""
    digest = hashlib.sha256()
    for name, source in _sources().items():
        digest.update(f"{name}:{len(source)}:".encode() + source)
    return digest.hexdigest()[:16]


def build(compiler: Path, launcher: Path, folder: Path) -> None:
    """Compile the sources into a jar in ``folder``, which appears whole or not at all.

    Raises InfrastructureError when they cannot be compiled.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="partial-", dir=folder.parent) as scratch:
        sources, classes, made = (Path(scratch, name) for name in ("sources", "classes", "made"))
        for place in (sources, classes, made):
            place.mkdir()
        for name, source in _sources().items():
            (sources / name).write_bytes(source)
        named = ":".join(str(jar) for pattern in _NAMED for jar in (pyspark_folder() / "jars").glob(f"{pattern}.jar"))
        command = [launcher, "-jar", compiler, "-17", "-encoding", "UTF-8", "-cp", named, "-d", classes, sources]
        ran = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False
        )
        if ran.returncode != 0:
            raise InfrastructureError(f"headrace's own classes cannot be compiled: {(ran.stdout + ran.stderr).strip()}")
        with zipfile.ZipFile(made / JAR, "w", zipfile.ZIP_DEFLATED) as jar:
            for file in sorted(classes.rglob("*.class")):
                jar.write(file, file.relative_to(classes).as_posix())
        made.rename(folder)


def _sources() -> dict[str, bytes]:
    there = resources.files("headrace.jvm").iterdir()
    return {one.name: one.read_bytes() for one in sorted(there, key=lambda one: one.name) if one.name.endswith(".java")}
