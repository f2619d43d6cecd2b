"""Folders that one of those who read them would take for another: refused before anything starts.

Spark takes a path for a pattern (``io.paths`` prevents that where it can be prevented), SQL for a text with
variables, delta-rs and MLflow for a URI. A folder that is not the one that was meant is read as an empty one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from headrace.config import DeltaSource, FileSource, Settings
from headrace.documents import Mistakes, Node

__all__ = ["check_places"]

_SQLITE: Final = "sqlite:///"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_PATTERN: Final = re.compile(r"[\\*?\[\]{}]")
_CODE: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_RENAME: Final = "rename the folder, or choose another"


def check_places(tree: Node, settings: Settings, mistakes: Mistakes) -> None:
    """Add a mistake for each place that cannot be used. settings: with their relative places made absolute."""
    for steps, path, is_table in _folders(settings):
        fault = None if "://" in path else _fault(path, is_table=is_table)
        if fault is not None:
            mistakes.add(tree.at(*steps), f"{path!r} {fault}: {_RENAME}")
    for key in ("tracking_uri", "registry_uri"):
        uri = getattr(settings.registry, key)
        fault = _fault_of_uri(uri) if uri else None
        if fault is not None:
            mistakes.add(tree.at("registry", key), f"{uri!r} {fault}: {_RENAME}")


def _folders(settings: Settings) -> Iterator[tuple[tuple[str, ...], str, bool]]:
    """The keys of each folder, its path, and whether it holds Delta tables."""
    storage = settings.storage
    if storage.root is not None:
        yield ("storage", "root"), storage.root, True
    if storage.checkpoints is not None:
        yield ("storage", "checkpoints"), storage.checkpoints, False
    for name, signal in settings.signals.items():
        source = signal.source
        if isinstance(source, FileSource):
            yield ("signals", name, "source", "path"), source.path, False
        if isinstance(source, DeltaSource) and source.path is not None:
            yield ("signals", name, "source", "path"), source.path, True


def _fault(path: str, *, is_table: bool) -> str | None:
    if _CONTROL.search(path):
        return "has a line break or another control character in it"
    if "${" in path:
        return "has '${' in it, which Spark takes for a variable"
    if ":" in path and _PATTERN.search(path):
        return r"has both a ':' and one of { } [ ] * ? \ in it, which Spark cannot read together"
    if is_table and "\\" in path:
        return r"has a '\' in it, which readers of Delta tables take for '/'"
    if is_table and (code := _CODE.search(path)):
        return f"has {code[0]!r} in it, which readers of Delta tables take for the character of that code"
    return None


def _fault_of_uri(uri: str) -> str | None:
    path = uri.removeprefix(_SQLITE)
    if path == uri:
        return None
    if "?" in path:
        return "has a '?' in it, behind which a URI has its options"
    if code := _CODE.search(path):
        return f"has {code[0]!r} in it, which a URI has for the character of that code"
    return None
