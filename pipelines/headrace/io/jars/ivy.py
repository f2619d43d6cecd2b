"""Running the Ivy that pyspark carries."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from typing import Final

from headrace.errors import InfrastructureError
from headrace.io.jars.lock import Lock

__all__ = ["pyspark_folder", "retrieve"]

_PATIENCE_SECONDS: Final = 900
# From the sign that says most to the one that says least: without a connection every jar is also "not found".
_TELLING: Final = (
    "Host ",
    "Connection ",
    "Server access error",
    "timed out",
    "module not found",
    "unresolved",
    "FAILED",
)
_REMEDY: Final = (
    "Check the network (a proxy goes into JAVA_TOOL_OPTIONS, a mirror into conf/jars/ivysettings.xml), "
    "or copy the cache folder from a machine that has it."
)


def pyspark_folder() -> Path:
    """Where pyspark is installed, found without importing it: importing takes longer than a warm fetch.

    Raises InfrastructureError when it is not installed.
    """
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise InfrastructureError("pyspark is not installed. Run: pip install 'headrace[spark]'")
    return Path(spec.origin).parent


def retrieve(conf: str, lock: Lock, launcher: Path, scratch: Path) -> Path:
    """Resolve one configuration from nothing and return the folder, inside ``scratch``, that holds its jars.

    Raises InfrastructureError when Ivy finds no network, or a jar is nowhere to be had.
    """
    scratch = scratch.absolute()
    file = scratch / "ivy.xml"
    file.write_bytes(lock.ivy)
    command = [str(launcher), "-jar", str(_ivy_jar()), "-ivy", str(file), "-cache", str(scratch / "cache")]
    command += ["-settings", str(lock.settings.absolute())] if lock.settings else []
    command += ["-confs", conf, "-retrieve", "[conf]/[artifact]-[revision].[ext]"]
    try:
        # The pattern is relative, for Ivy would take brackets in the folder's own path for names of parts.
        ran = subprocess.run(command, cwd=scratch, capture_output=True, text=True, timeout=_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise InfrastructureError(f"Fetching jars took over {_PATIENCE_SECONDS // 60} minutes. {_REMEDY}") from error
    found = scratch / conf
    if ran.returncode != 0 or not found.is_dir():
        raise InfrastructureError(f"Cannot fetch the jars ({conf}): {_cause(ran.stdout + ran.stderr)}. {_REMEDY}")
    return found


def _ivy_jar() -> Path:
    folder = pyspark_folder() / "jars"
    found = sorted(folder.glob("ivy-*.jar"))
    if not found:
        raise InfrastructureError(f"No ivy-*.jar in {folder}. Reinstall pyspark: its jars are not all there.")
    return found[-1]


def _cause(output: str) -> str:
    lines = [line.strip(" \t:") for line in output.splitlines()]
    telling = (line for sign in _TELLING for line in lines if sign in line)
    return next(telling, "Ivy gave no reason").rstrip(".")
