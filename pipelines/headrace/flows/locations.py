"""Relative places in the settings made absolute, so that a command does the same from any working directory."""

from __future__ import annotations

from pathlib import Path

from headrace.config import KafkaSource, Online, Registry, Settings, Signal, SqliteOnline, Storage

__all__ = ["located"]

_SQLITE = "sqlite:///"


def located(settings: Settings, root: Path) -> Settings:
    """The settings with every relative path, and every path in a ``sqlite:///`` URI, taken from ``root``.

    Other URIs and absolute paths stay as they are.
    """
    return settings.model_copy(
        update={
            "storage": _storage(settings.storage, root),
            "registry": _registry(settings.registry, root),
            "online": _online(settings.online, root),
            "signals": {name: _signal(signal, root) for name, signal in settings.signals.items()},
        }
    )


def _storage(storage: Storage, root: Path) -> Storage:
    places = {name: _place(value, root) for name in ("root", "checkpoints") if (value := getattr(storage, name))}
    return storage.model_copy(update=places)


def _registry(registry: Registry, root: Path) -> Registry:
    uris = {name: _uri(value, root) for name in ("tracking_uri", "registry_uri") if (value := getattr(registry, name))}
    return registry.model_copy(update=uris)


def _online(online: Online | None, root: Path) -> Online | None:
    if not isinstance(online, SqliteOnline):
        return online
    return online.model_copy(update={"path": str(root / online.path)})


def _signal(signal: Signal, root: Path) -> Signal:
    if isinstance(signal.source, KafkaSource) or signal.source.path is None:
        return signal
    source = signal.source.model_copy(update={"path": _place(signal.source.path, root)})
    return signal.model_copy(update={"source": source})


def _place(value: str, root: Path) -> str:
    return value if ":/" in value else str(root / value)


def _uri(value: str, root: Path) -> str:
    if not value.startswith(_SQLITE) or value == f"{_SQLITE}:memory:":
        return value
    return _SQLITE + str(root / value.removeprefix(_SQLITE))
