"""The plan of a batch of a feature set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

__all__ = ["FeaturesPlan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeaturesPlan:
    """What a features batch is fixed by. What has a default may be missing in a plan of format 1.

    definition: the fingerprint of the set. read: the batches of the signal it consists of, as query/batch.
    high_water, watermark: in seconds, how far the signal had come, and up to where windows are final.
    after: behind which version of each table it commits; none where another driver may write the same batch.
    """

    flow: ClassVar[str] = "features"

    definition: str
    read: tuple[str, ...]
    high_water: int | None
    watermark: int | None
    after: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> FeaturesPlan:
        return cls(**{**stored, "read": tuple(stored["read"])})
