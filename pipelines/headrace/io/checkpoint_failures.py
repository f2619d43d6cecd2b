"""What Spark says of a checkpoint that lacks a part, in words that say what to do. Its own are of no help to a user."""

from __future__ import annotations

import re

__all__ = ["explained"]

_DAMAGED = re.compile(
    r"batch \d+ doesn't exist|\S+ doesn't exist \(latestId[^)]*\)|Failed to read log file \S+\. Incomplete log file"
    r"|the metadata file is missing but offset and/or commit logs contain data"
    r"|Cannot restart streaming query with stateful operators because the state directory is empty or missing"
    r"|The checkpoint location \S+ should be empty on batch 0"
)


def explained(text: str) -> str | None:
    """What happened; None for what is no damage to a checkpoint."""
    found = _DAMAGED.search(text)
    if found is None:
        return None
    return (
        f"the checkpoint is damaged ({found[0]}). Nothing is lost or doubled so far. Put it back from a backup; or "
        "move it away: a feature set is then renewed (headrace features renew), while a signal or a model takes in "
        "once more, under another query_id, what its source still has"
    )
