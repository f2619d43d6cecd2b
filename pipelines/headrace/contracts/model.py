"""The nouns of a contract: what a good record of one signal is.

Written in a file of the Open Data Contract Standard (ODCS v3, ``conf/contracts/<name>.odcs.yaml``);
``contracts.odcs`` reads that file into these frozen values, ``contracts.judge`` applies them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from itertools import dropwhile
from typing import TYPE_CHECKING, Any, Final

from headrace.contracts.field import DEEPEST, EARLIEST, EPOCHS, LATEST, RANGES, TIMES, Bound, Criticality, Field, Kind

if TYPE_CHECKING:
    from headrace.contracts.aggregates import Aggregate
    from headrace.contracts.tumbling import Tumbling

__all__ = [
    "DEEPEST",
    "EARLIEST",
    "EPOCHS",
    "LATEST",
    "RANGES",
    "TIMES",
    "Bound",
    "Contract",
    "Criticality",
    "Field",
    "Kind",
    "Rule",
    "Unknown",
    "kinds",
]

# Fingerprints were taken before these attributes were there: each counts only where it says something.
_LATER: Final = {each.name: each.default for each in dropwhile(lambda each: each.name != "members", fields(Field))}


class Unknown(StrEnum):
    """What becomes of members no field is named as.

    ``keep`` sets them aside, ``reject`` rejects the record with them, ``evolve`` makes columns of those it can be made
    of and sets the others aside.
    """

    KEEP = "keep"
    REJECT = "reject"
    EVOLVE = "evolve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A condition over several fields of one record. False and null both break it.

    expression: Spark SQL, already checked and made safe by ``headrace.expressions``.
    """

    name: str
    expression: str
    description: str = ""
    criticality: Criticality = Criticality.ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The agreement on one signal.

    id, version, owner, description: as its file has them.
    event_time: the timestamp field that says when the event happened, or by its path the member of an object, as in
        ``payload.ts_ms``. It is required, and so is every object on the way to it.
    fields: in the order of the file, which is the order of the table's columns.
    rules: cross-field rules.
    aggregates: rules over the accepted records of a batch, or of windows of event time.
    max_bytes: a longer record is ``too_large`` and is not parsed.
    unknown: what becomes of members no field is named as.
    former: the contract before this one, whose records are still accepted.
    """

    id: str
    version: str
    event_time: str
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    description: str = ""
    owner: str = ""
    max_bytes: int = 1024 * 1024
    unknown: Unknown = Unknown.KEEP
    former: Contract | None = None

    def field(self, name: str) -> Field:
        """The field of that name; KeyError if there is none."""
        return {field.name: field for field in self.fields}[name]

    def at(self, path: str) -> Field:
        """The field, member or item of a path as in ``lines[].price``; KeyError if there is none."""
        first, *inner = path.replace("[]", ".[]").split(".")
        found = self.field(first)
        for name in inner:
            found = {member.name: member for member in found.inner}["" if name == "[]" else name]
        return found

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    @property
    def kinds(self) -> dict[str, Kind]:
        """The kind of each field by its name, and of each member of an object by its path, as in ``address.zip``."""
        return kinds(self.fields)

    @property
    def primary_key(self) -> tuple[str, ...]:
        keyed = sorted((field.primary_key, field.name) for field in self.fields if field.primary_key)
        return tuple(name for _, name in keyed)

    @property
    def batch_rules(self) -> tuple[Aggregate, ...]:
        """The rules over the accepted records of a batch."""
        return tuple(one for one in self.aggregates if one.window is None)

    @property
    def window_rules(self) -> tuple[tuple[Tumbling, Aggregate], ...]:
        """The rules over windows of event time, each with its windows."""
        return tuple((one.window, one) for one in self.aggregates if one.window is not None)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over everything that decides about records; descriptions and owner do not."""
        deciding = asdict(self) | {"description": "", "owner": ""}
        deciding["fields"] = [_deciding(field) for field in deciding["fields"]]
        for rule in (*deciding["rules"], *deciding["aggregates"]):
            rule["description"] = ""
        for rule in deciding["aggregates"]:
            if rule["window"] is None:
                del rule["window"]
        if not self.aggregates:
            del deciding["aggregates"]
        if self.unknown is Unknown.KEEP:
            del deciding["unknown"]
        del deciding["former"]
        if self.former is not None:
            deciding["former"] = self.former.fingerprint
        return hashlib.sha256(json.dumps(deciding, sort_keys=True, default=str).encode()).hexdigest()


def kinds(members: Sequence[Field], before: str = "") -> dict[str, Kind]:
    """The kind of each field by its name, and of each member of an object by its path."""
    found: dict[str, Kind] = {}
    for field in members:
        found |= {before + field.name: field.kind, **kinds(field.members, f"{before}{field.name}.")}
    return found


def _deciding(field: Mapping[str, Any]) -> dict[str, Any]:
    """What of a field decides."""
    said = {name: value for name, value in field.items() if name not in _LATER or value != _LATER[name]}
    if field["members"]:
        said["members"] = [_deciding(member) for member in field["members"]]
    if field["items"]:
        said["items"] = _deciding(field["items"])
    return said | {"description": ""}
