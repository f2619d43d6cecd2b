"""The plan of a batch of ingest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Final

from headrace.contracts.clock import Mark
from headrace.contracts.evolve import read_columns
from headrace.contracts.model import Kind
from headrace.contracts.outliers import UsualValues
from headrace.flows.ingest_job import FLOW
from headrace.flows.limits import Weighed
from headrace.flows.schema_drift import DriftReport

__all__ = ["IngestPlan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestPlan:
    """What an ingest batch is fixed by. What has a default may be missing in a plan of format 1.

    contract, contract_version: fingerprint and version of what its records are judged by.
    before, mark: the signal's clock before the batch and after it. limit: the last second the clock lets in.
    first_seen: the earliest second of any record the query ever accepted.
    slices: the digest of each part of the source it reads.
    limits, drift, outliers: what was seen in it, and what the next batch goes on from.
    columns: those of the table that members the contract does not name fill.
    accepted_before: by query, the last batch whose records make a record of this one a duplicate.
    after: behind which version of each table it commits; none where another driver may write the same batch.
    """

    flow: ClassVar[str] = FLOW

    contract: str
    contract_version: str
    source_id: str | None
    before: Mark
    mark: Mark
    limit: int
    slices: Mapping[str, str]
    first_seen: int | None = None
    limits: Weighed = field(default_factory=Weighed)
    drift: DriftReport = field(default_factory=DriftReport)
    columns: Mapping[str, Kind] = field(default_factory=dict)
    outliers: UsualValues = field(default_factory=UsualValues)
    accepted_before: Mapping[str, int] = field(default_factory=dict)
    after: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> IngestPlan:
        values = {_RENAMED.get(name, name): value for name, value in stored.items()}
        return cls(**{name: _READ[name](value) if name in _READ else value for name, value in values.items()})


# Before tables were sources only a topic had an id.
_RENAMED: Final = {"topic_id": "source_id"}
_READ: Final[Mapping[str, Callable[[Mapping[str, Any]], Any]]] = {
    "before": Mark.from_json,
    "mark": Mark.from_json,
    "limits": Weighed.from_json,
    "drift": DriftReport.from_json,
    "columns": read_columns,
    "outliers": UsualValues.from_json,
}
