"""Why Spark could not read a file of a source, in words that say what to do."""

from __future__ import annotations

import re
from urllib.parse import unquote

__all__ = ["explained"]

_FILE = re.compile(r"\[FAILED_READ_FILE\.(\w+)\].*?reading file (\S+?)\.(?:\s|$)")
_TOO_LONG = re.compile(r"The length of (.+?) is (\d+), which exceeds the max length allowed: (\d+)")
_REASON = re.compile(r"Caused by: (\S+Exception: .+)")


def explained(text: str) -> tuple[bool, str] | None:
    """Whether a restart can help, and what happened; None for what is no failure to read a file."""
    long = _TOO_LONG.search(text)
    if long is not None:
        return False, (
            f"{long[1]} has {int(long[2]):,} bytes, more than max_file_bytes ({int(long[3]):,}) of its source: "
            "raise that"
        )
    found = _FILE.search(text)
    if found is None:
        return None
    path = unquote(found[2]).removeprefix("file://")
    if found[1] == "FILE_NOT_EXIST" or "FileNotFoundException" in text:
        return False, (
            f"{path} is gone, or may no longer be read, since its batch was begun: put it back as it was, and run "
            "again. If it cannot be had any more, put an empty file in its place: only its records are then left out"
        )
    reason = _REASON.search(text)
    return True, f"{path} cannot be read{f' ({reason[1].strip()})' if reason else ''}: mend it, or the disk it lies on"
