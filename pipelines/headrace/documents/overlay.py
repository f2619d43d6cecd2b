"""Documents laid together: side by side (``join``), or one over the other (``lay_over``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from headrace.documents.node import Mistakes, Node

__all__ = ["join", "lay_over"]


def join(nodes: Sequence[Node]) -> Node:
    """All of several mappings as one. Raises ``ConfigError`` for each key that two of them give a value."""
    mistakes = Mistakes()
    joined = nodes[0]
    for node in nodes[1:]:
        joined = _joined(joined, node, mistakes)
    mistakes.done()
    return joined


def _joined(one: Node, other: Node, mistakes: Mistakes) -> Node:
    children = dict(one.mapping)
    for key, child in other.mapping.items():
        present = children.get(key)
        if present is None:
            children[key] = child
        elif present.mapping and child.mapping:
            children[key] = _joined(present, child, mistakes)
        else:
            mistakes.add(child, f"is also given in {present.file}:{present.line}: keep it in one file")
    return replace(one, value=children)


def lay_over(base: Node, overlay: Node) -> Node:
    """The base with the overlay's values in place of its own. Mappings merge key by key, lists are replaced.

    An overlay mapping of another ``kind`` than the base's replaces it whole: a Kafka source keeps no key of files.
    """
    if not base.mapping or not overlay.mapping or _kinds_differ(base, overlay):
        return overlay
    children = dict(base.mapping)
    for key, child in overlay.mapping.items():
        children[key] = lay_over(children[key], child) if key in children else child
    return replace(base, value=children)


def _kinds_differ(base: Node, overlay: Node) -> bool:
    ours, theirs = base.child("kind"), overlay.child("kind")
    return theirs is not None and (ours is None or ours.value != theirs.value)
