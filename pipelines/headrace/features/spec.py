"""A feature set as declared in ``conf/features/<name>.yml``."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from enum import StrEnum

from pydantic import Field, model_validator

from headrace.config import Duration, Name, Section

__all__ = ["Feature", "FeatureSet", "Op", "Window"]


class Op(StrEnum):
    """What a feature says of the records in its window."""

    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    STDDEV = "stddev"


class Feature(Section):
    """One aggregate over a window.

    of: the signal's field it is taken of; a count without one counts records, with one its non-null values.
    """

    op: Op
    of: str | None = None
    unit: str = ""
    description: str = ""

    @model_validator(mode="after")
    def _has_field(self) -> Feature:
        if self.of is None and self.op is not Op.COUNT:
            raise ValueError(f"{self.op} needs 'of': the field it is taken of")
        return self


class Window(Section):
    """Event-time windows of one length, aligned to the epoch; sliding if ``slide`` is shorter than that."""

    length: Duration
    slide: Duration | None = None

    @model_validator(mode="after")
    def _whole(self) -> Window:
        if not timedelta(0) < self.step <= self.length or self.length % self.step:
            raise ValueError("slide must be shorter than length and divide it")
        return self

    @property
    def step(self) -> timedelta:
        return self.slide or self.length

    @property
    def overlap(self) -> int:
        """How many windows one record falls into."""
        return self.length // self.step


class FeatureSet(Section):
    """Features that share signal, entity, window and delay.

    entity: the signal's fields that name what is described; a record without one of them is in no window.
    delay: a record more than this behind its signal's high-water mark is late, and left out.
    time_to_live: a value older than this, from its window's end, is not used.
    """

    name: Name
    signal: Name
    description: str = ""
    entity: tuple[str, ...] = Field(min_length=1)
    window: Window
    delay: Duration
    time_to_live: Duration
    features: dict[Name, Feature] = Field(min_length=1)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names its values have, in the log and for a model."""
        return tuple(self.features)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over everything that decides about a value; descriptions and units do not."""
        text = self.model_dump_json(
            exclude={"description": True, "features": {"__all__": {"description", "unit"}}, "time_to_live": True}
        )
        return hashlib.sha256(text.encode()).hexdigest()
