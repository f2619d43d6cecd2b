"""The ``enum`` of a property: the only values there are, as a list of values in its ``quality`` would say them."""

from __future__ import annotations

from dataclasses import replace

from headrace.documents import Node

__all__ = ["enum_as_quality"]


def enum_as_quality(node: Node) -> tuple[Node, ...]:
    """The entry of ``quality`` that says the same, with the lines and keys of the enum; none where there is none."""
    enum = node.child("enum")
    if enum is None or enum.value is None:
        return ()
    values = replace(enum, value=tuple(item.child("value") or item for item in enum.items))
    parts = {
        "metric": replace(enum, value="invalidValues"),
        "arguments": replace(enum, value={"validValues": values}),
        "mustBe": replace(enum, value=0),
    }
    return (replace(enum, value=parts),)
