"""A source's folder as it is now, by our own look at it: which files are read, and which cannot be, and why.

Spark is shown the first only (``jvm/SourceFiles.java`` decides the same), so one file that cannot be read holds up no
other, and comes in by itself once it is mended.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headrace.config import FileSource
from headrace.io.local_path import local_path

__all__ = ["SourceFolder", "look_into"]


@dataclass(frozen=True, slots=True)
class SourceFolder:
    """What lies in a folder.

    sizes: bytes of each file that is read, by name. unreadable: what is wrong with a file that is to be read and cannot
    be, and what to do, by name. subfolders, hidden: names of what is passed over as declared.
    """

    path: str
    sizes: Mapping[str, int]
    unreadable: Mapping[str, str]
    subfolders: tuple[str, ...]
    hidden: tuple[str, ...]

    @property
    def note(self) -> str:
        """What a folder without a file of its own holds instead; empty where there is a file, or nothing at all."""
        if self.sizes or self.unreadable:
            return ""
        parts = [
            f"{len(names)} {what}{'' if len(names) == 1 else 's'}"
            for what, names in (("sub-folder", self.subfolders), ("hidden name", self.hidden))
            if names
        ]
        return f"{self.path} has no file of its own, but {' and '.join(parts)}: not read" if parts else ""


def look_into(source: FileSource) -> SourceFolder | None:
    """What lies in the source's folder now; None where it is not on this machine.

    Raises FileNotFoundError where it is not there, another OSError where it cannot be listed.
    """
    folder = local_path(source.path)
    if folder is None:
        return None
    sizes, unreadable, subfolders, hidden = dict[str, int](), dict[str, str](), list[str](), list[str]()
    for path in sorted(folder.iterdir()):
        if path.name[0] in "._" or path.name.endswith("._COPYING_"):
            hidden.append(path.name)
        elif path.is_dir():
            subfolders.append(path.name)
        elif fault := _fault(path, source.max_file_bytes):
            unreadable[path.name] = fault
        else:
            sizes[path.name] = path.stat().st_size
    return SourceFolder(source.path, sizes, unreadable, tuple(subfolders), tuple(hidden))


def _fault(path: Path, max_file_bytes: int) -> str | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return "is a link to nothing: mend or remove it" if path.is_symlink() else None
    except OSError as error:
        return f"cannot be read ({error.strerror}): mend or remove it"
    if not stat.S_ISREG(status.st_mode):
        return "is no plain file: remove it"
    if not os.access(path, os.R_OK):
        return "may not be read by this user: change its owner or mode"
    if status.st_size > max_file_bytes:
        return f"has {status.st_size:,} bytes, more than max_file_bytes ({max_file_bytes:,}): split it, or raise that"
    return None
