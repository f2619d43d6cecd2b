"""The plan of a batch of a backfill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from headrace.flows.stretch import Stretch
from headrace.io.cut import Cut

__all__ = ["BackfillPlan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillPlan:
    """What a backfill batch is fixed by.

    stretch: where its windows end. signals: by query, the last batch of records it takes in.
    features: what it compares with. definition: the fingerprint of the set. at: when it was begun.
    """

    flow: ClassVar[str] = "backfill"

    stretch: Stretch
    signals: Mapping[str, int]
    features: Cut
    definition: str
    at: datetime

    def to_json(self) -> dict[str, Any]:
        return {
            "first": self.stretch.first.isoformat(),
            "end": self.stretch.end.isoformat(),
            "signals": dict(self.signals),
            "features": self.features.to_json(),
            "definition": self.definition,
            "at": self.at.isoformat(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> BackfillPlan:
        first, end, at = (datetime.fromisoformat(stored[name]) for name in ("first", "end", "at"))
        values = {**stored, "stretch": Stretch(first, end), "features": Cut.from_json(stored["features"]), "at": at}
        return cls(**{name: value for name, value in values.items() if name not in ("first", "end")})
