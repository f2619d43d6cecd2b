"""``name`` and ``physicalName`` of a property: what its column is called, and the member it is sent as."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.contracts.names import is_field_name, member_mistake, name_for, yaml_text
from headrace.contracts.odcs_parts import text
from headrace.documents import Mistakes, Node

__all__ = ["check_distinct", "read_names"]


def read_names(node: Node, level: int, mistakes: Mistakes) -> tuple[str, str]:
    """The name of a property's column, and the member it is sent as, empty where that is its name.

    What stands in an array has neither.
    """
    if node.path[-1:] == ("items",):
        return "", ""
    name, physical = text(node, "name"), text(node, "physicalName")
    if physical and (mistake := member_mistake(physical)):
        mistakes.add(node.at("physicalName"), mistake)
        physical = ""
    _check_name(node, name, physical, level, mistakes)
    return name, "" if physical == name else physical


def check_distinct(properties: Sequence[Node], mistakes: Mistakes) -> None:
    """No two properties have one name, whatever its case, and none is sent as the same member."""
    for key, ending in (("name", "; case makes no difference"), ("physicalName", "")):
        first: dict[str, Node] = {}
        for node in properties:
            name = text(node, "name")
            word = name.casefold() if key == "name" else text(node, "physicalName") or name
            if not word:
                continue
            other = first.setdefault(word, node)
            if other is node or (key == "physicalName" and word == name == text(other, "name")):
                continue
            what = "is the name of" if key == "name" else f"{word} is the member of"
            mistakes.add(node.child(key) or node.at("name"), f"{what} the field in line {other.line} too{ending}")


def _check_name(node: Node, name: str, physical: str, level: int, mistakes: Mistakes) -> None:
    outermost = level == 1
    if not name:
        proposed = f": write name: {name_for(physical, outermost=outermost)}" if physical else ""
        mistakes.add(node, f"is missing{proposed}", "name")
    elif not is_field_name(name, outermost=outermost):
        nameable = is_field_name(name, outermost=False)
        why = "is the name of a column headrace adds" if nameable else "must be letters, digits and _, a letter first"
        lines = f"name: {name_for(name, outermost=outermost)}, physicalName: {yaml_text(physical or name)}"
        mistakes.add(node.at("name"), why if member_mistake(physical or name) else f"{why}: write {lines}")
