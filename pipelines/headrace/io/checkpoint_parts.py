"""What lies in a checkpoint's folder on this machine, and what of it is missing or damaged. Starts no Spark.

Spark writes ``metadata`` at the first start, then for each batch ``sources/0/<batch>`` (a source of files alone),
``offsets/<batch>`` before it and ``commits/<batch>`` behind it; a stateful query keeps ``state`` beside them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

__all__ = ["CheckpointParts", "Damage", "Part", "damage", "parts_of"]

_LOGGED_FILES: Final = re.compile(r'"logOffset":(\d+)')


class Part(StrEnum):
    """What a checkpoint consists of."""

    METADATA = "metadata"
    OFFSETS = "offsets"
    COMMITS = "commits"
    SOURCES = "sources"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class CheckpointParts:
    """metadata: whether it names a query; None where there is none. The others: the text of each batch's entry.

    sources: whether there is anything in each entry.
    """

    metadata: bool | None
    offsets: dict[int, str]
    commits: dict[int, str]
    sources: dict[int, bool]
    state: bool


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong. entry: the one file whose removal mends it, for Spark writes it anew; None where none does."""

    part: Part
    text: str
    entry: str | None = None


def parts_of(folder: Path) -> CheckpointParts:
    """What lies in the folder, which need not be there."""
    metadata = folder / Part.METADATA
    return CheckpointParts(
        metadata=_names_a_query(metadata) if metadata.exists() else None,
        offsets=_entries(folder / Part.OFFSETS),
        commits=_entries(folder / Part.COMMITS),
        sources={
            int(path.name.removesuffix(".compact")): path.stat().st_size > 0
            for path in (folder / Part.SOURCES / "0").glob("[0-9]*")
        },
        state=(folder / Part.STATE).is_dir(),
    )


def damage(parts: CheckpointParts, *, stateful: bool) -> Damage | None:
    """The first thing that is wrong with a checkpoint; None where nothing is, or its query never ran.

    That the newest entries of ``commits`` are missing is nothing: their batch is tried again, and leaves what it left.
    """
    last, done = max(parts.offsets, default=-1), max(parts.commits, default=-1)
    if parts.metadata is None and last < 0 and done < 0 and not parts.sources:
        return None
    if not parts.metadata:
        return Damage(Part.METADATA, "it has no metadata" if parts.metadata is None else "its metadata cannot be read")
    if done >= 0 and not parts.commits[done].strip():
        return Damage(Part.COMMITS, f"commits/{done} is empty", f"commits/{done}")
    if done > last:
        return Damage(Part.OFFSETS, f"it has no offsets/{done}, though batch {done} has ended")
    if last >= 0 and not parts.offsets[last].strip():
        return Damage(Part.OFFSETS, f"offsets/{last} is empty", f"offsets/{last}" if done < last else None)
    if fault := _damage_of_sources(parts, last):
        return fault
    if stateful and done >= 0 and not parts.state:
        return Damage(Part.STATE, "its state is gone")
    return None


def _damage_of_sources(parts: CheckpointParts, last: int) -> Damage | None:
    match = _LOGGED_FILES.search(parts.offsets.get(last, ""))
    listed, newest = int(match[1]) if match else -1, max(parts.sources, default=-1)
    if newest < listed:
        return Damage(Part.SOURCES, f"it has no sources/0/{listed}, which names the files that were read")
    if not parts.sources.get(newest, True):
        # Of a batch that was never begun: Spark lists its files again.
        entry = f"sources/0/{newest}" if newest > listed else None
        return Damage(Part.SOURCES, f"sources/0/{newest} is empty", entry)
    return None


def _names_a_query(metadata: Path) -> bool:
    try:
        return isinstance(json.loads(metadata.read_text(encoding="utf-8"))["id"], str)
    except (ValueError, KeyError, TypeError):
        return False


def _entries(folder: Path) -> dict[int, str]:
    """The newest two entries: Spark looks at no others."""
    newest = sorted((path for path in folder.glob("[0-9]*") if path.name.isdigit()), key=lambda path: int(path.name))
    return {int(path.name): path.read_text(encoding="utf-8") for path in newest[-2:]}
