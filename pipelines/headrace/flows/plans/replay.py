"""The plan of a batch of a replay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from headrace.contracts.dead_letters import Action, Choice
from headrace.contracts.evolve import read_columns
from headrace.contracts.model import Kind

__all__ = ["ReplayPlan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPlan:
    """What a batch of dead letters is fixed by. What has a default may be missing in a plan of format 1.

    action, choice, patch, note: what was asked for. at: when it was begun.
    cut: by query, the last batch it reads of every table. limit: the last second the signal's clock let in.
    columns: those of the signal's table that members the contract does not name fill.
    contract, contract_version: fingerprint and version of what the records are judged by.
    """

    flow: ClassVar[str] = "replay"

    action: Action
    choice: Choice
    patch: Mapping[str, str]
    note: str
    cut: Mapping[str, int]
    limit: int | None
    contract: str
    contract_version: str
    at: datetime
    columns: Mapping[str, Kind] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "choice": self.choice.to_json(), "at": self.at.isoformat()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ReplayPlan:
        values = {
            "action": Action(stored["action"]),
            "choice": Choice.from_json(stored["choice"]),
            "at": datetime.fromisoformat(stored["at"]),
            "columns": read_columns(stored.get("columns", {})),
        }
        return cls(**{**stored, **values})
