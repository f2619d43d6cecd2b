"""What runs here: the versions of everything installed, and of the project's own files."""

from __future__ import annotations

import platform
import shutil
import subprocess
from importlib.metadata import distributions
from pathlib import Path

__all__ = ["code", "installed"]


def installed() -> dict[str, str]:
    """Python and every installed distribution, each with its version, by name.

    Not what a distribution carries within itself: setuptools puts that on the path once somebody imports it.
    """
    # The first on the path is the one that is imported; what an install that broke off left behind has no name.
    there = [
        one
        for one in reversed(list(distributions()))
        if one.metadata["Name"] and Path(str(one.locate_file(""))).name != "_vendor"
    ]
    found = {one.metadata["Name"].lower().replace("_", "-"): one.version for one in there}
    return {"python": platform.python_version(), **dict(sorted(found.items()))}


def code(root: Path) -> dict[str, str | bool | None]:
    """The version of headrace, and where ``root`` lies in a git work tree, its ``commit`` and whether it is ``dirty``.

    dirty: a file is not as the commit has it, or is new and not ignored. Without git or a commit both are None.
    """
    commit = _git(root, "rev-parse", "HEAD")
    changed = _git(root, "status", "--porcelain") if commit is not None else None
    dirty = None if changed is None else bool(changed)
    return {"headrace": installed().get("headrace"), "commit": commit, "dirty": dirty}


def _git(root: Path, *arguments: str) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    done = subprocess.run([git, "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None
