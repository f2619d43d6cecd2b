"""Values far from what a signal usually sends, told by a robust z-score against its own trailing batches.

The score is the distance from the median in units of the interquartile range over 1.349, which of a normal
distribution is the standard deviation; outliers themselves move neither (Iglewicz and Hoaglin, How to Detect and Handle
Outliers, 1993, have the same with the median absolute deviation).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from headrace.contracts.model import Contract, Field
from headrace.contracts.reason_columns import reason
from headrace.contracts.reasons import Reason

__all__ = ["Quartiles", "UsualValues", "bounds", "marked", "quartiles", "trailing"]

BATCHES = 50
"""How many batches are looked back on."""
LEAST = 100
"""Fewer records than this say nothing of what is usual."""
_SIGMA = 1.349


@dataclass(frozen=True, slots=True, kw_only=True)
class Quartiles:
    """The accepted values of a field in one batch."""

    records: int
    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualValues:
    """What a batch is measured by, and what the next one looks back on, by field.

    bounds: the values that are not far off. trailing: the quartiles of the last batches, oldest first.
    """

    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    trailing: Mapping[str, tuple[Quartiles, ...]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> UsualValues:
        between = {name: (low, high) for name, (low, high) in stored["bounds"].items()}
        batches = {name: tuple(Quartiles(**batch) for batch in known) for name, known in stored["trailing"].items()}
        return cls(bounds=between, trailing=batches)


def quartiles(accepted: DataFrame, contract: Contract) -> dict[str, Quartiles]:
    """The quartiles of every field that is watched for outliers; none for one without a value. One job, or none.

    In: the contract's fields.
    """
    watched = _watched(contract)
    if not watched:
        return {}
    parts = F.array(F.lit(0.25), F.lit(0.5), F.lit(0.75))
    values = {field.name: F.col(field.name).cast("double") for field in watched}
    asked = [F.struct(F.count(each), F.percentile_approx(each, parts, 1_000)).alias(n) for n, each in values.items()]
    row = accepted.agg(*asked).first()
    found = {} if row is None else {name: row[name] for name in values}
    return {
        name: Quartiles(records=count, low=points[0], median=points[1], high=points[2])
        for name, (count, points) in found.items()
        if count
    }


def trailing(
    before: Mapping[str, tuple[Quartiles, ...]], found: Mapping[str, Quartiles]
) -> dict[str, tuple[Quartiles, ...]]:
    """What is looked back on after a batch, by field, oldest first."""
    added = {name: (*before.get(name, ()), newest) for name, newest in found.items()}
    return {name: batches[-BATCHES:] for name, batches in {**before, **added}.items()}


def bounds(contract: Contract, before: Mapping[str, Sequence[Quartiles]]) -> dict[str, tuple[float, float]]:
    """The values that are not far off, by field, from the batches before; none where too little is known of it.

    A field whose usual values are all the same has no scale to measure by, and so no bounds.
    """
    found = {}
    for watched in _watched(contract):
        known = before.get(watched.name, ())
        spread = _middle([(each.high - each.low, each.records) for each in known])
        if watched.outlier is None or sum(each.records for each in known) < LEAST or not spread:
            continue
        median, away = _middle([(each.median, each.records) for each in known]), watched.outlier * spread / _SIGMA
        found[watched.name] = (median - away, median + away)
    return found


def marked(accepted: DataFrame, between: Mapping[str, Sequence[float]]) -> DataFrame:
    """The rows, with a warning more for each field whose value lies outside its bounds."""
    if not between:
        return accepted
    return accepted.withColumn("warnings", F.concat("warnings", _marks(between)))


def _marks(between: Mapping[str, Sequence[float]]) -> Column:
    each = [
        F.when(
            ~F.col(name).cast("double").between(F.lit(low), F.lit(high)),
            reason(Reason.OUTLIER, field=name, found=F.col(name).cast("string")),
        )
        for name, (low, high) in between.items()
    ]
    return F.array_compact(F.array(*each))


def _watched(contract: Contract) -> list[Field]:
    return [field for field in contract.fields if field.outlier is not None]


def _middle(weighed: Sequence[tuple[float, int]]) -> float:
    """The weighted median; 0 of nothing."""
    half, seen = sum(weight for _, weight in weighed) / 2, 0
    for value, weight in sorted(weighed):
        seen += weight
        if seen >= half:
            return value
    return 0.0
