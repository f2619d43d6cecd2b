"""Which paths and URIs name a folder of this machine."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["local_path"]


def local_path(path: str) -> Path | None:
    """The folder of this machine that a path or URI names; None if it names one elsewhere."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", path) and not path.startswith("file:/"):
        return None
    return Path(path.removeprefix("file:"))
