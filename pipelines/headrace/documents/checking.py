"""From a node to a value of a pydantic class, or to one line for each mistake in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from headrace.documents.keys import unknown_keys
from headrace.documents.node import Mistakes, Node, Step, nearest

__all__ = ["check"]

Value = TypeVar("Value", bound=BaseModel)

_CHOICES = ("literal_error", "enum", "union_tag_invalid", "union_tag_not_found")
_SAYINGS = {
    "missing": "is missing",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must have at least {min_length}",
    "too_long": "must have at most {max_length}",
    "string_pattern_mismatch": "must match {pattern}",
    "datetime_from_date_parsing": "must be a time with its zone, as in 2026-01-31T00:00:00Z",
    "datetime_parsing": "must be a time with its zone, as in 2026-01-31T00:00:00Z",
    "timezone_aware": "must be a time with its zone, as in 2026-01-31T00:00:00Z",
}


def check(node: Node, model: type[Value]) -> Value:
    """The node as a value of ``model``; a key that class does not know is a mistake whatever the class allows.

    Raises ``ConfigError`` with one line for every mistake. No line shows a value that came from the environment or is
    a secret: only keys, limits and the choices there are.
    """
    mistakes = Mistakes(list(unknown_keys(node, model)))
    value: Value | None = None
    try:
        value = model.model_validate(node.plain())
    except ValidationError as error:
        mistakes.lines.extend(_lines(node, error))
    mistakes.done()
    if value is None:
        raise AssertionError("every error of pydantic is a mistake or an unknown key")
    return value


def _lines(root: Node, error: ValidationError) -> Iterator[str]:
    """One line a place: where a value may have several types, pydantic has a complaint for each."""
    places: dict[tuple[Step, ...], list[str]] = {}
    for detail in error.errors(include_url=False):
        if detail["type"] != "extra_forbidden":
            path = _path(root, detail)
            places.setdefault(path, []).append(_saying(root.at(*path), detail))
    for path, sayings in places.items():
        node = root.at(*path)
        yield node.mistake(" or ".join(dict.fromkeys(sayings)), *path[len(node.path) - len(root.path) :])


def _path(root: Node, detail: ErrorDetails) -> tuple[Step, ...]:
    """Pydantic's path without what is none of the document's keys: tags of unions, names of types, ``[key]``."""
    node, path = root, list[Step]()
    tagged: Node | None = None
    for step in detail["loc"]:
        kind, child = node.child("kind"), node.child(step)
        if kind is not None and kind.value == step and tagged is not node:
            tagged = node
        elif child is not None:
            node = child
            path.append(step)
    if detail["type"] == "missing":
        path.append(detail["loc"][-1])
    if detail["type"] in ("union_tag_invalid", "union_tag_not_found"):
        path.append(detail["ctx"]["discriminator"].strip("'"))
    return tuple(path)


def _saying(node: Node, detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _CHOICES:
        return _choice(node, kind, context)
    if detail["loc"][-1:] == ("[key]",):
        return "is no name: small letters, digits and _, a letter first, 63 at most"
    saying = _SAYINGS.get(kind)
    if saying is not None:
        return saying.format(**context)
    return _without_value(node, detail["msg"].removeprefix("Value error, "))


def _choice(node: Node, kind: str, context: Mapping[str, Any]) -> str:
    expected = str(context.get("expected") or context.get("expected_tags") or "")
    choices = re.findall(r"'([^']*)'", expected)
    listed = ", ".join(choices)
    if kind == "union_tag_not_found":
        return "is missing"
    return f"must be one of {listed}{nearest(node.value, choices)}" if choices else "is not one of those allowed"


def _without_value(node: Node, message: str) -> str:
    return message.replace(repr(node.value), node.reference) if node.reference else message
