"""The JSON schema of the Open Data Contract Standard, as its package ships it: the parts of a file and their keys."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

__all__ = ["example", "keys"]

Json = Mapping[str, Any]

SCHEMA: Final[Json] = json.loads((files("open_data_contract_standard") / "schema.json").read_text(encoding="utf-8"))
# What the table in the code calls each definition; others are part of what refers to them.
_PARTS: Final = {
    "SchemaObject": "schema",
    "SchemaProperty": "property",
    "SchemaItemProperty": "property",
    "SchemaBaseProperty": "property",
    "EnumValue": "enum",
    "DataQuality": "quality",
    "CustomProperty": "customProperties",
    "Team": "team",
    "TeamMember": "team.members",
    "Role": "roles",
    "SupportItem": "support",
    "Pricing": "price",
    "Server": "servers",
    "ServiceLevelAgreementProperty": "slaProperties",
    "AuthoritativeDefinitions": "authoritativeDefinitions",
    "RelationshipBase": "relationships",
    "RelationshipSchemaLevel": "relationships",
    "RelationshipPropertyLevel": "relationships",
    "Relationship": "relationships",
    "Synonym": "synonyms",
    "Context": "context",
}


def _definition(reference: str) -> Json:
    node: Any = SCHEMA
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return dict(node)


def keys() -> dict[str, dict[str, Json]]:
    """By part and key, what the schema says of the key."""
    found: dict[str, dict[str, Json]] = {}
    seen: set[tuple[str, str]] = set()

    def walk(node: Any, part: str) -> None:
        if not isinstance(node, Mapping):
            return
        reference = node.get("$ref")
        if reference is not None:
            inner = _PARTS.get(reference.split("/")[-1], part)
            if (reference, inner) not in seen:
                seen.add((reference, inner))
                walk(_definition(reference), inner)
        for key, child in node.get("properties", {}).items():
            found.setdefault(part, {}).setdefault(key, child)
            walk(child, key if part == "contract" else f"{part}.{key}")
        for other in _alternatives(node):
            walk(other, part)

    walk(SCHEMA, "contract")
    return found


def _alternatives(node: Json) -> Iterator[Any]:
    """What else says something of the same part, or of the items of a list of it."""
    for word in ("allOf", "anyOf", "oneOf"):
        yield from node.get(word, ())
    yield from (node.get(word) for word in ("then", "else", "items"))


def example(node: Json) -> Any:
    """A value the schema allows, as far as its types go."""
    if "$ref" in node:
        return example({**_definition(node["$ref"]), **{key: node[key] for key in node if key != "$ref"}})
    for word in ("enum", "examples"):
        if node.get(word) and node.get("type") != "array":
            return node[word][0]
    type_ = node.get("type")
    for word in ("anyOf", "oneOf"):
        if type_ is None and node.get(word):
            return example(node[word][0])
    match type_ if isinstance(type_, str) else (type_ or ["string"])[0]:
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case "array":
            return [example(node.get("items", {}))]
        case "object":
            return {key: example(node["properties"][key]) for key in node.get("required", ())}
        case _:
            return node.get("const", "x")
