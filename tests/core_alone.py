"""An environment in which the package is installed without its extras, and no Java can be found."""

from __future__ import annotations

import os
import venv
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["core_python", "without_java"]


def core_python(folder: Path) -> Path:
    """The interpreter of a new environment that holds links to the package's own dependencies, and to no other."""
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    site = next(folder.glob("lib/python*/site-packages"))
    for dependency in _closure("headrace", set()):
        for name in {file.parts[0] for file in dependency.files or () if file.parts[0] not in ("..", "__pycache__")}:
            target = Path(str(dependency.locate_file(name)))
            if not (site / name).exists():
                (site / name).symlink_to(target)
    return python


def without_java(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of an environment, but for what leads to Java or to another Python's packages."""
    kept = {name: value for name, value in environ.items() if name not in ("JAVA_HOME", "PYTHONPATH", "SPARK_HOME")}
    return {**kept, "PATH": os.devnull}


def _closure(name: str, known: set[str], extras: frozenset[str] = frozenset()) -> Iterator[Distribution]:
    """A distribution and all that it requires on this machine, of the extras named and of no other."""
    key = f"{canonicalize_name(name)}[{','.join(sorted(extras))}]"
    if key in known:
        return
    known.add(key)
    found = distribution(name)
    yield found
    for text in found.requires or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield from _closure(requirement.name, known, frozenset(requirement.extras))
