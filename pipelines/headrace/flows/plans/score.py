"""The plan of a batch of decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from headrace.io.cut import Cut

__all__ = ["ScorePlan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePlan:
    """What a score batch is fixed by. What has a default may be missing in a plan of format 1.

    version: of the registered model; None where no record is to be scored. cuts: what was known of each feature set.
    after: behind which version of each table it commits; none where another driver may write the same batch.
    """

    flow: ClassVar[str] = "score"

    version: str | None
    cuts: Mapping[str, Cut]
    after: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ScorePlan:
        return cls(**{**stored, "cuts": {name: Cut.from_json(cut) for name, cut in stored["cuts"].items()}})
