"""References to environment variables inside a document's texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from headrace.documents.node import Mistakes, Node

__all__ = ["resolve"]

_REFERENCE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^{}]*))?\}")


def resolve(node: Node, environ: Mapping[str, str]) -> Node:
    """The node with every ``${NAME}`` and ``${NAME:-default}`` replaced; the default also stands in for an empty value.

    What a variable holds is taken as it is, never looked through for references again. Raises ``ConfigError`` naming
    each variable that is missing; no message ever shows a value.
    """
    mistakes = Mistakes()
    resolved = _resolved(node, environ, mistakes)
    mistakes.done()
    return resolved


def _resolved(node: Node, environ: Mapping[str, str], mistakes: Mistakes) -> Node:
    if isinstance(node.value, Mapping):
        return replace(node, value={key: _resolved(child, environ, mistakes) for key, child in node.value.items()})
    if isinstance(node.value, tuple):
        return replace(node, value=tuple(_resolved(child, environ, mistakes) for child in node.value))
    if isinstance(node.value, str) and "${" in node.value:
        return replace(node, value=_text(node, node.value, environ, mistakes), reference=node.value)
    return node


def _text(node: Node, text: str, environ: Mapping[str, str], mistakes: Mistakes) -> str:
    if "${" in _REFERENCE.sub("", text):
        mistakes.add(node, "has a reference that cannot be read: write ${NAME} or ${NAME:-default}")

    def value(match: re.Match[str]) -> str:
        name, default = match["name"], match["default"]
        if default is not None:
            return environ.get(name) or default
        if name not in environ:
            mistakes.add(node, f"environment variable {name} is not set: set it, or write ${{{name}:-default}}")
        return environ.get(name, "")

    return _REFERENCE.sub(value, text)
