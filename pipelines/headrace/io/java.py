"""The Java that Spark, Ivy and the broker run on."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headrace.errors import InfrastructureError

__all__ = ["OLDEST", "Java", "find"]

OLDEST: Final = 17
_REMEDY: Final = f"Install Java {OLDEST} or newer (a runtime is enough) and set JAVA_HOME to its folder."
_VERSION: Final = re.compile(r'version "(?:1\.)?(\d+)')


@dataclass(frozen=True, slots=True)
class Java:
    """A Java launcher that was run once and answered with its major ``version``."""

    path: Path
    version: int


def find(environ: Mapping[str, str]) -> Java:
    """The Java of ``JAVA_HOME``, else the first on ``PATH``: the order in which Spark's own scripts look.

    Raises InfrastructureError when there is none, when it does not run, or when it is older than ``OLDEST``.
    """
    path = _launcher(environ)
    version = _version(path, environ)
    if version < OLDEST:
        raise InfrastructureError(f"Java {version} at {path} is too old. {_REMEDY}")
    return Java(path, version)


def _launcher(environ: Mapping[str, str]) -> Path:
    home = environ.get("JAVA_HOME")
    if home:
        path = Path(home, "bin", "java")
        if not path.is_file():
            raise InfrastructureError(f"JAVA_HOME is {home}, but there is no bin/java in it. {_REMEDY}")
        return path
    found = shutil.which("java", path=environ.get("PATH", ""))
    if found is None:
        raise InfrastructureError(f"No Java: JAVA_HOME is not set and PATH holds no java. {_REMEDY}")
    return Path(found)


def _version(path: Path, environ: Mapping[str, str]) -> int:
    try:
        ran = subprocess.run([path, "-version"], env=dict(environ), capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InfrastructureError(f"Java at {path} does not run ({error}). {_REMEDY}") from error
    answer = _VERSION.search(ran.stderr + ran.stdout)
    if ran.returncode != 0 or answer is None:
        raise InfrastructureError(f"Java at {path} does not tell its version. {_REMEDY}")
    return int(answer[1])
