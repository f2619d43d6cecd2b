"""The keys of a document that its class does not know, each with the known key most like it."""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from headrace.documents.node import Node, nearest

__all__ = ["unknown_keys"]


def unknown_keys(node: Node, annotation: Any) -> Iterator[str]:
    """One mistake for every key at or below ``node`` that no class the annotation allows there has."""
    options = list(_options(annotation))
    models = [option for option in options if _is_model(option)]
    if len(models) > 1:
        models = [model for model in models if _is_kind(model, node)]
    if models and not node.items:
        yield from _of_models(node, models)
        return
    children = [*node.mapping.values(), *node.items]
    for inner in (part for option in options for part in _inner(option, node)):
        for child in children:
            yield from unknown_keys(child, inner)


def _of_models(node: Node, models: list[type[BaseModel]]) -> Iterator[str]:
    known = {field.alias or name: field.annotation for model in models for name, field in model.model_fields.items()}
    for key, child in node.mapping.items():
        if key in known:
            yield from unknown_keys(child, known[key])
        else:
            yield child.mistake("is not known" + (nearest(key, known) or f"; there are: {', '.join(known)}"))


def _options(annotation: Any) -> Iterator[Any]:
    """What a value may be, one by one: unions and annotations taken apart."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        for part in get_args(annotation):
            yield from _options(part)
    elif origin is Annotated:
        yield from _options(get_args(annotation)[0])
    else:
        yield annotation


def _inner(option: Any, node: Node) -> Iterator[Any]:
    """The annotation of what a mapping or list holds, if that is what the node is."""
    origin, arguments = get_origin(option), get_args(option)
    if origin is dict and node.mapping:
        yield arguments[1]
    elif origin in (list, tuple) and node.items:
        yield arguments[0]


def _is_model(option: Any) -> bool:
    return isinstance(option, type) and issubclass(option, BaseModel)


def _is_kind(model: type[BaseModel], node: Node) -> bool:
    """False for a class whose ``kind`` is another than the node's."""
    kind, field = node.child("kind"), model.model_fields.get("kind")
    if kind is None or field is None or get_origin(field.annotation) is not Literal:
        return True
    return kind.value in get_args(field.annotation)
