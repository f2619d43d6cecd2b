"""Generations of a feature set: one life of its checkpoint, and what the stream of a renewed one begins with.

The first generation reads its signal from the first commit on. A later one has a history: every window that was final
when it began, computed from the tables. Its stream begins with the first record that any other window can hold, and
gives no window of the history a second value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar

from pyspark.sql import SparkSession

from headrace.errors import ConfigError
from headrace.features.spec import FeatureSet
from headrace.flows.checkpoints import checkpoint_path
from headrace.flows.project import Project
from headrace.io import ledger
from headrace.io.checkpoint import Checkpoint
from headrace.io.cut import Cut
from headrace.io.cuts import cuts
from headrace.io.lake import Lake, Writer
from headrace.io.plans import plan_of

__all__ = ["FLOW", "Opening", "begun_with", "checkpoint_of", "current", "opening", "opening_writer"]

FLOW = "generation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a renewed generation begins with, fixed before its first effect.

    boundary: the end, in seconds since 1970, of the newest window that its history can hold; None: it has none.
    version: the first version of the signal's table that its stream reads.
    first: from when on there are records. high_water: how far the signal had come.
    signals: the batches of the signal the history is computed from. at: when it was begun.
    """

    flow: ClassVar[str] = FLOW

    definition: str
    boundary: int | None
    version: int
    first: datetime | None
    high_water: datetime | None
    signals: Mapping[str, int]
    at: datetime

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Opening:
        times = {name: datetime.fromisoformat(value[name]) if value[name] else None for name in _TIMES}
        return cls(**{**value, **times})

    def to_json(self) -> dict[str, Any]:
        value = asdict(self)
        return {**value, **{name: value[name].isoformat() if value[name] else None for name in _TIMES}}


_TIMES = ("first", "high_water", "at")


def current(spark: SparkSession, lake: Lake, feature_set: FeatureSet, checkpoint: Checkpoint) -> Cut | None:
    """The newest cut of the set; None if it has no batch yet.

    Raises ConfigError where that is of another definition than ``checkpoint`` is of.
    """
    cut = cuts(spark, lake, [feature_set.name])[feature_set.name]
    if cut.query_id and cut.query_id != checkpoint.query_id(spark):
        raise _of_another(feature_set.name)
    return cut if cut.query_id else None


def _of_another(name: str) -> ConfigError:
    return ConfigError(
        [
            f"features/{name}.yml: the definition of this set changed, or its checkpoint is gone, and its tables hold "
            f"windows of another generation: 'headrace features renew {name}' computes them anew and lets the new "
            "generation take over; or put the old definition back"
        ]
    )


def checkpoint_of(project: Project, feature_set: FeatureSet) -> Checkpoint:
    """Where the generation of this definition keeps its state: another definition never meets it."""
    return Checkpoint(checkpoint_path(project, "features", feature_set.name))


def opening_writer(query_id: str) -> Writer:
    """Under which the opening of a generation is planned."""
    return Writer(query_id, 0)


def opening(spark: SparkSession, lake: Lake, feature_set: FeatureSet, checkpoint: Checkpoint) -> Opening | None:
    """What the stream begins with; None for a set's first generation.

    Raises ConfigError where the set's tables hold another generation, and this one was not made ready to take over.
    """
    name, query_id = feature_set.name, checkpoint.query_id(spark)
    there = ledger.last_batches(spark, lake, ("features",), name)
    if query_id not in there:
        if there:
            raise _of_another(name)
        return None
    return begun_with(spark, lake, feature_set, query_id)


def begun_with(spark: SparkSession, lake: Lake, feature_set: FeatureSet, query_id: str) -> Opening | None:
    """What that generation of the set began with; None where that is nothing."""
    return plan_of(spark, lake, Opening, feature_set.name, opening_writer(query_id))
