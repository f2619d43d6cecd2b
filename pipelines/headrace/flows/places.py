"""Where relative places in the settings lead: under the project's root, from whichever folder a command is run."""

from __future__ import annotations

import re
from pathlib import Path

from headrace.config import FileSource, Registry, Settings, Signal, Storage

__all__ = ["placed"]

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_SQLITE = "sqlite:///"


def placed(settings: Settings, root: Path) -> Settings:
    """The settings with every relative path made absolute; URIs with a scheme and absolute paths stay as they are."""
    return settings.model_copy(
        update={
            "storage": _storage(settings.storage, root),
            "registry": _registry(settings.registry, root),
            "signals": {name: _signal(signal, root) for name, signal in settings.signals.items()},
        }
    )


def _storage(storage: Storage, root: Path) -> Storage:
    places = {"root": storage.root, "checkpoints": storage.checkpoints}
    return storage.model_copy(update={key: _path(place, root) for key, place in places.items() if place is not None})


def _registry(registry: Registry, root: Path) -> Registry:
    uris = {"tracking_uri": registry.tracking_uri, "registry_uri": registry.registry_uri}
    return registry.model_copy(update={key: _database(uri, root) for key, uri in uris.items() if uri is not None})


def _signal(signal: Signal, root: Path) -> Signal:
    if not isinstance(signal.source, FileSource):
        return signal
    source = signal.source.model_copy(update={"path": _path(signal.source.path, root)})
    return signal.model_copy(update={"source": source})


def _path(place: str, root: Path) -> str:
    return place if _SCHEME.match(place) else str(root / place)


def _database(uri: str, root: Path) -> str:
    """Only SQLite's files are places here: ``databricks`` and ``http://…`` name servers."""
    file = uri.removeprefix(_SQLITE)
    return uri if file == uri or not file or file.startswith(("/", ":")) else f"{_SQLITE}{root / file}"
