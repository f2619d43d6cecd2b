"""The table of what becomes of each key of the standard: it lacks none, and what it says is so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import pytest
from tests.odcs_schema import example, keys

from headrace.contracts.model import Contract
from headrace.contracts.odcs import read_contract
from headrace.contracts.odcs_support import STANDARD
from headrace.documents import read
from headrace.errors import ConfigError

SCHEMA: Final = keys()
BASE: Final[dict[str, Any]] = {
    "apiVersion": "v3.2.0",
    "kind": "DataContract",
    "id": "mill.readings",
    "version": "1.0.0",
    "schema": [
        {
            "name": "readings",
            "customProperties": [{"property": "eventTime", "value": "at"}],
            "properties": [
                {"name": "at", "logicalType": "timestamp", "required": True},
                {
                    "name": "a",
                    "logicalType": "string",
                    "logicalTypeOptions": {},
                    "enum": [{"value": "x"}],
                    "quality": [{"metric": "nullValues", "mustBe": 0}, {"type": "sql"}],
                    "relationships": [{}],
                    "synonyms": [{}],
                },
            ],
        }
    ],
    "description": {},
    "team": {"members": [{}]},
    "roles": [{}],
    "support": [{}],
    "price": {},
    "servers": [{}],
    "slaProperties": [{}],
    "authoritativeDefinitions": [{}],
    "context": {"verifiedStatements": [{}], "constraints": [{}]},
}
FIELD: Final = ("schema", 0, "properties", 1)
# Where each part stands in it; what is not here is the part's own name, and the first of a list.
PLACES: Final[dict[str, tuple[str | int, ...]]] = {
    "contract": (),
    "property": FIELD,
    "property.logicalTypeOptions": (*FIELD, "logicalTypeOptions"),
    "enum": (*FIELD, "enum"),
    "quality": (*FIELD, "quality"),
    "relationships": (*FIELD, "relationships"),
    "synonyms": (*FIELD, "synonyms"),
    "customProperties": ("schema", 0, "customProperties"),
}


def contract(folder: Path, document: Any) -> Contract:
    (folder / "mill.odcs.yaml").write_text(json.dumps(document))
    return read_contract(read(folder / "mill.odcs.yaml", folder))


def with_keys(part: str, values: Mapping[str, Any]) -> Any:
    """The base with these keys in the part."""
    document = deepcopy(BASE)
    for key, value in values.items():
        holder: Any = document
        for step in PLACES.get(part, tuple(part.split("."))):
            holder = holder[step]
        if isinstance(holder, list):
            # A query belongs to a rule of type sql, which is the second one.
            holder = holder[-1 if key == "query" else 0]
        holder[key] = value
    return document


def test_the_table_has_the_keys_of_the_standard_and_no_others() -> None:
    assert {part: set(support.keys) for part, support in STANDARD.items()} == {
        part: set(found) for part, found in SCHEMA.items()
    }


def test_each_key_is_one_of_three() -> None:
    for support in STANDARD.values():
        listed = (*support.enforced, *support.refused, *support.describes)
        assert len(listed) == len(support.keys)


@pytest.mark.parametrize("part", [part for part, support in STANDARD.items() if support.describes])
def test_what_only_describes_is_taken_and_decides_nothing(tmp_path: Path, part: str) -> None:
    values = {key: example(SCHEMA[part][key]) for key in STANDARD[part].describes}

    assert contract(tmp_path, with_keys(part, values)).fingerprint == contract(tmp_path, BASE).fingerprint


TELLING: Final = {"semanticType": "measure"}


@pytest.mark.parametrize(
    ("part", "key"),
    [(part, key) for part, support in STANDARD.items() for key in support.refused if part != "property.map"],
)
def test_what_is_refused_is_named(tmp_path: Path, part: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        contract(tmp_path, with_keys(part, {key: TELLING.get(key) or example(SCHEMA[part][key])}))

    (mistake,) = caught.value.mistakes
    assert f".{key}: " in mistake


@pytest.mark.parametrize("part", [part for part in STANDARD if part != "property.map"])
def test_what_is_neither_in_the_standard_nor_ours_is_refused(tmp_path: Path, part: str) -> None:
    with pytest.raises(ConfigError) as caught:
        contract(tmp_path, with_keys(part, {"tagz": ["x"]}))

    (mistake,) = caught.value.mistakes
    near = "; did you mean 'tags'?" if "tags" in STANDARD[part].keys else ""
    assert ("tagz: is not known" if part != "property.logicalTypeOptions" else "tagz: is not enforced") in mistake
    assert mistake.endswith(near)


KINDS: Final = {
    "string": "",
    "integer": "",
    "number": "",
    "timestamp": "",
    "date": "",
    "time": "",
    "object": ", properties: [{name: b, logicalType: string}]",
    "array": ", items: {logicalType: string}",
}


def test_each_option_is_enforced_for_some_kind(tmp_path: Path) -> None:
    enforced: set[str] = set()
    head = "apiVersion: v3.2.0\nkind: DataContract\nid: i\nversion: 1.0.0\nschema: [{name: r, properties: ["
    for kind, more in KINDS.items():
        field = f"{{name: a, logicalType: {kind}{more}, logicalTypeOptions: {{z: 1}}}}"
        (tmp_path / "c.yaml").write_text(f"{head}{field}]}}]\n")
        with pytest.raises(ConfigError) as caught:
            read_contract(read(tmp_path / "c.yaml"))
        (listed,) = [mistake for mistake in caught.value.mistakes if ".z: " in mistake]
        enforced |= set(listed.split("there are: ")[1].split(", "))

    assert enforced == set(STANDARD["property.logicalTypeOptions"].enforced)
