"""The nouns of a contract: what a good record of one signal is.

Written in a file of the Open Data Contract Standard (ODCS v3.1, ``conf/contracts/<name>.odcs.yaml``);
``contracts.odcs`` reads that file into these frozen values, ``contracts.judge`` applies them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.contracts.aggregates import Aggregate

__all__ = ["EARLIEST", "LATEST", "Bound", "Contract", "Criticality", "Field", "Kind", "Rule", "Unknown"]

Bound = int | float | Decimal | date | datetime

# The bounds of a timestamp that has no others: Python cannot hold a year beyond 9999, and Delta readers differ on old
# calendars, so what lies outside is a mistake.
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class Criticality(StrEnum):
    """``error`` rejects a record that breaks the rule, ``warn`` keeps and marks it."""

    ERROR = "error"
    WARN = "warn"


class Kind(StrEnum):
    """The logical type of a field, in ODCS's words; ``DECIMAL`` is its ``number`` with a physical decimal type."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    DATE = "date"


class Unknown(StrEnum):
    """What becomes of members no field is named as: ``keep`` sets them aside, ``reject`` the record with them."""

    KEEP = "keep"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a record.

    name, description: as the contract has them.
    kind: its logical type; a value sent as any other JSON type is ``wrong_type``.
    required: null or absent is ``required``.
    primary_key: its place in the primary key, from 1; 0 if it has none.
    precision, scale: of a decimal.
    minimum, maximum: inclusive bounds, ``out_of_range`` (a time outside is ``implausible_time``).
    exclusive_minimum, exclusive_maximum: the same, exclusive.
    min_length, max_length: in characters, ``length``.
    pattern: a Java regular expression the whole text must match, ``pattern``.
    format: ``uuid``, ``email``, ``uri``, ``ipv4``, ``ipv6`` or ``hostname``, ``format``.
    allowed: the only values, ``not_allowed``.
    outlier: the robust z-score from which on a value is marked as ``outlier``; it never rejects.
    criticality: of every check above but that, type and required, which always reject.
    """

    name: str
    kind: Kind
    description: str = ""
    required: bool = False
    primary_key: int = 0
    precision: int = 38
    scale: int = 0
    minimum: Bound | None = None
    maximum: Bound | None = None
    exclusive_minimum: Bound | None = None
    exclusive_maximum: Bound | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    format: str | None = None
    allowed: tuple[str | int | float, ...] = ()
    outlier: float | None = None
    criticality: Criticality = Criticality.ERROR

    @property
    def lowest(self) -> Bound | None:
        """The inclusive bound below; a timestamp without any has ``EARLIEST``."""
        unbounded = self.minimum is None and self.exclusive_minimum is None
        return EARLIEST if self.kind is Kind.TIMESTAMP and unbounded else self.minimum

    @property
    def highest(self) -> Bound | None:
        """The inclusive bound above; a timestamp without any has ``LATEST``."""
        unbounded = self.maximum is None and self.exclusive_maximum is None
        return LATEST if self.kind is Kind.TIMESTAMP and unbounded else self.maximum


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
    event_time: the timestamp field that says when the event happened.
    fields: in the order of the file, which is the order of the table's columns.
    rules: cross-field rules.
    aggregates: rules over the accepted records of a batch.
    max_bytes: a longer record is ``too_large`` and is not parsed.
    unknown: what becomes of members no field is named as.
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

    def field(self, name: str) -> Field:
        """The field of that name; KeyError if there is none."""
        return {field.name: field for field in self.fields}[name]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    @property
    def kinds(self) -> dict[str, Kind]:
        """The kind of each field by its name."""
        return {field.name: field.kind for field in self.fields}

    @property
    def primary_key(self) -> tuple[str, ...]:
        keyed = sorted((field.primary_key, field.name) for field in self.fields if field.primary_key)
        return tuple(name for _, name in keyed)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over everything that decides about records; descriptions and owner do not."""
        deciding = asdict(self) | {"description": "", "owner": ""}
        for part in (*deciding["fields"], *deciding["rules"], *deciding["aggregates"]):
            part["description"] = ""
        for field in deciding["fields"]:
            if field["outlier"] is None:
                del field["outlier"]
        if not self.aggregates:
            del deciding["aggregates"]
        if self.unknown is Unknown.KEEP:
            del deciding["unknown"]
        return hashlib.sha256(json.dumps(deciding, sort_keys=True, default=str).encode()).hexdigest()
