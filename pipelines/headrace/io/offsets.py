"""What Spark took down of a batch in ``offsets/<batch>`` of a checkpoint, and how far a query has come by it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from headrace.io.local_path import local_path

__all__ = ["Offsets", "last_version", "parse_offsets", "reached_offset"]


@dataclass(frozen=True, slots=True)
class Offsets:
    """One entry of the offsets log.

    time: when the batch was planned. watermark: Spark's own, before the batch; None until it has one.
    source: the end offset of the query's one source, as that source writes it.
    """

    time: datetime
    watermark: datetime | None
    source: Any


def reached_offset(checkpoint: str) -> Any:
    """The source offset of the newest batch that is done; None before the first, or on another machine."""
    folder = local_path(checkpoint)
    done = [int(one.name) for one in (folder / "commits").glob("*") if one.name.isdigit()] if folder else []
    if folder is None or not done:
        return None
    return parse_offsets((folder / "offsets" / str(max(done))).read_text(encoding="utf-8")).source


def last_version(offset: Any) -> int:
    """The last version a table's stream has read of, by its offset: a version and a file of it, none if negative."""
    version, index = int(offset["reservoirVersion"]), int(offset["index"])
    return version if index >= 0 else version - 1


def parse_offsets(text: str) -> Offsets:
    """An entry of the offsets log."""
    _, metadata, source = text.strip().split("\n", 2)
    facts = json.loads(metadata)
    return Offsets(
        time=_instant(facts["batchTimestampMs"]),
        watermark=_instant(facts["batchWatermarkMs"]) if facts["batchWatermarkMs"] else None,
        source=json.loads(source) if source.startswith("{") else source,
    )


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
