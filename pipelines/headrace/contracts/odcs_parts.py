"""What the readers of a contract's parts share: texts, custom properties, severities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headrace.contracts.model import Criticality
from headrace.documents import Mistakes, Node, nearest

__all__ = ["criticality", "custom_properties", "flag", "severity", "text"]

_BELONGS = {
    **dict.fromkeys(("eventTime", "maxBytes", "unknownFields"), "the record"),
    **dict.fromkeys(("severity", "coerce", "outlier"), "a field"),
    **dict.fromkeys(("window", "delay"), "a rule over many records"),
}
_SEVERITIES = {"error": Criticality.ERROR, "warn": Criticality.WARN, "warning": Criticality.WARN}


def text(node: Node, key: str) -> str:
    """The text under a key; empty if there is none."""
    child = node.child(key)
    return child.value if child is not None and isinstance(child.value, str) else ""


def flag(node: Node, key: str, mistakes: Mistakes) -> bool:
    """Whether a key is true; anything but true and false is a mistake, not a guess."""
    child = node.child(key)
    if child is None or child.value is None:
        return False
    if not isinstance(child.value, bool):
        mistakes.add(child, "must be true or false")
    return child.value is True


def custom_properties(node: Node, ours: Sequence[str], mistakes: Mistakes) -> Mapping[str, Node]:
    """Our custom properties of a node, by name. Those of other tools are theirs; one nearly named as ours is a slip."""
    listed = node.child("customProperties")
    found: dict[str, Node] = {}
    for entry in listed.items if listed else ():
        name = text(entry, "property")
        if name in found:
            mistakes.add(entry, f"gives {name} twice: remove one")
        elif name in ours:
            found[name] = entry.at("value")
        elif name in _BELONGS:
            mistakes.add(entry.at("property"), f"{name} belongs to {_BELONGS[name]}: here it would have no effect")
        elif nearest(name, ours):
            mistakes.add(entry.at("property"), f"is not known{nearest(name, ours)}")
    return found


def severity(node: Node, mistakes: Mistakes) -> Criticality | None:
    """What ``severity`` under a node says; None if it says nothing."""
    child = node.child("severity")
    return None if child is None or child.value is None else criticality(child, mistakes)


def criticality(node: Node, mistakes: Mistakes) -> Criticality:
    """A word for severity as a criticality."""
    found = _SEVERITIES.get(str(node.value))
    if found is None:
        mistakes.add(node, f"must be one of error, warn{nearest(node.value, ('error', 'warn'))}")
    return found or Criticality.ERROR
