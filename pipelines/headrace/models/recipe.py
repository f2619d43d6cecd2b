"""A recipe: all that a version was made from and what came out, enough to make it again and to compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headrace.config import Section
from headrace.models.spec import Model

__all__ = ["Difference", "Part", "Recipe", "compared"]


class Recipe(Section):
    """What decides about a fitted version, and what it was when it was fitted.

    model: its declaration. signals: of each signal read, by query the last batch that was known.
    features: of each feature set, its cut. rows: digest of the rows that came of those cuts.
    contracts, feature_sets: fingerprints, and of a set its time to live. code: versions of what ran.
    environment: every installed distribution with its version.
    metrics, answers: on the rows held out; the latter a digest of every answer.
    """

    model: Model
    signals: dict[str, dict[str, int]]
    features: dict[str, dict[str, Any]]
    rows: str
    contracts: dict[str, str]
    feature_sets: dict[str, dict[str, str]]
    code: dict[str, str | bool | None]
    environment: dict[str, str]
    metrics: dict[str, float]
    answers: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is another now; None: it is not there."""

    key: str
    recorded: Any
    found: Any


@dataclass(frozen=True, slots=True)
class Part:
    """One part of two recipes compared. ``decides``: if it differs, the version was not reproduced."""

    name: str
    decides: bool
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        return not self.differences


_PARTS = {
    "rows": True,
    "contracts": False,
    "feature_sets": False,
    "model": False,
    "code": False,
    "environment": False,
    "metrics": True,
    "answers": True,
}


def compared(recorded: Recipe, found: Recipe) -> list[Part]:
    """Every part of the two, with exactly what differs. Cuts are left out: the one is made at those of the other."""
    was, is_ = recorded.model_dump(mode="json"), found.model_dump(mode="json")
    return [Part(name, decides, tuple(_differing(was[name], is_[name]))) for name, decides in _PARTS.items()]


def _differing(recorded: Any, found: Any) -> Iterator[Difference]:
    was, is_ = dict(_flat(recorded)), dict(_flat(found))
    for key in sorted(was.keys() | is_.keys()):
        if was.get(key) != is_.get(key):
            yield Difference(key, was.get(key), is_.get(key))


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, value
