"""A feature set as declared in ``conf/features/<name>.yml``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from pydantic import Field

from headrace.config import Duration, Name, Section
from headrace.features.feature import Default, Derived, Feature
from headrace.features.window import Window

__all__ = ["FeatureSet", "Value"]


@dataclass(frozen=True, slots=True)
class Value:
    """One feature over one length of window: a column of the set's log. ``length`` is None for sessions."""

    name: str
    feature: Feature
    length: timedelta | None


class FeatureSet(Section):
    """Features that share signal, entity, windows and delay.

    entity: the signal's fields that name what is described; a record without one of them is in no window.
    where: only records for which this holds are in a window.
    delay: a record more than this behind its signal's high-water mark is late, and left out.
    time_to_live: a value older than this, from its window's end, is not used.
    derived: values computed from the others of the same window.
    generation: another number has all windows computed anew, by ``headrace features renew``.
    """

    name: Name
    signal: Name
    description: str = ""
    entity: tuple[str, ...] = Field(min_length=1)
    where: str | None = None
    window: Window
    delay: Duration
    time_to_live: Duration
    features: dict[Name, Feature] = Field(min_length=1)
    derived: dict[Name, Derived] = Field(default_factory=dict)
    generation: int = Field(default=1, ge=1)

    @property
    def values(self) -> tuple[Value, ...]:
        """What is aggregated over its windows, a column each."""
        return tuple(
            Value(name + (self.window.suffix(length) if length else ""), feature, length)
            for name, feature in self.features.items()
            for length in (feature.over or self.window.length or (None,))
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The names its values have, in the log and for a model."""
        return (*(value.name for value in self.values), *self.derived)

    @property
    def defaults(self) -> Mapping[str, Default]:
        """By column, what stands for a missing value."""
        found = {value.name: value.feature.default for value in self.values}
        found |= {name: derived.default for name, derived in self.derived.items()}
        return {name: default for name, default in found.items() if default is not None}

    @property
    def fingerprint(self) -> str:
        """SHA-256 over everything that decides about a value in the log: not what it means, nor how it is used."""
        told = {"description", "unit", "default"}
        text = self.model_dump_json(
            exclude={
                "description": True,
                "time_to_live": True,
                "features": {"__all__": told},
                "derived": {"__all__": told},
            },
            exclude_defaults=True,
        )
        return hashlib.sha256(text.encode()).hexdigest()
