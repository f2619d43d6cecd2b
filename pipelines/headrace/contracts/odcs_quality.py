"""What a ``quality`` entry is: a rule records are judged by, or one that people or another engine keep."""

from __future__ import annotations

from enum import StrEnum

from headrace.contracts.odcs_parts import text
from headrace.documents import Node, nearest
from headrace.errors import ConfigError

__all__ = ["QualityType", "quality_type"]

_ENGINE = "headrace"
_TYPES = ("library", "custom", "text", "sql")
# What an entry without a type must have been meant as: the standard takes it for one of type library.
_TELLING = {"query": "sql", "engine": "custom", "implementation": "custom"}


class QualityType(StrEnum):
    """``library``: a metric; ``condition``: a rule of engine headrace; ``described``: nothing headrace enforces."""

    LIBRARY = "library"
    CONDITION = "condition"
    DESCRIBED = "described"


def quality_type(entry: Node) -> QualityType:
    """What the entry is. Raises ``ConfigError`` where its type or engine does not say."""
    type_, engine = text(entry, "type"), text(entry, "engine")
    meant = next((meant for key, meant in _TELLING.items() if entry.child(key) is not None), "")
    if not type_ and meant:
        raise ConfigError([entry.mistake(f"is missing: write type: {meant}", "type")])
    if type_ in ("", "library"):
        return QualityType.LIBRARY
    if type_ not in _TYPES:
        raise ConfigError([entry.at("type").mistake(f"must be one of {', '.join(_TYPES)}{nearest(type_, _TYPES)}")])
    if type_ == "custom" and not engine:
        raise ConfigError([entry.mistake("is missing: headrace, or the engine that keeps the rule", "engine")])
    if engine == _ENGINE and type_ == "custom":
        return QualityType.CONDITION
    if type_ == "custom" and nearest(engine, (_ENGINE,)):
        raise ConfigError([entry.at("engine").mistake(f"is not known{nearest(engine, (_ENGINE,))}")])
    return QualityType.DESCRIBED
