"""Rules over many records at once: the library metrics of ODCS v3.1, judged on the accepted records of a batch.

A rule of severity error that does not hold keeps the whole batch out; one of severity warn lets it in and is
remembered. A rule over windows of event time is judged on the records of each window, and alarms. (https://bitol-io.github.io/open-data-contract-standard/v3.1.0/data-quality/)
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from headrace.contracts.model import Criticality
from headrace.contracts.tumbling import Tumbling

__all__ = ["Aggregate", "Metric", "Must", "Operator"]


class Metric(StrEnum):
    """What is counted, in ODCS's words."""

    NULL_VALUES = "nullValues"
    MISSING_VALUES = "missingValues"
    INVALID_VALUES = "invalidValues"
    DUPLICATE_VALUES = "duplicateValues"
    ROW_COUNT = "rowCount"


class Operator(StrEnum):
    """How a measured value is compared with what was declared, in ODCS's words."""

    BE = "mustBe"
    NOT_BE = "mustNotBe"
    GREATER_THAN = "mustBeGreaterThan"
    GREATER_OR_EQUAL = "mustBeGreaterOrEqualTo"
    LESS_THAN = "mustBeLessThan"
    LESS_OR_EQUAL = "mustBeLessOrEqualTo"
    BETWEEN = "mustBeBetween"
    NOT_BETWEEN = "mustNotBeBetween"


@dataclass(frozen=True, slots=True)
class Must:
    """One comparison. ``bounds`` holds one number, or the two inclusive ends of a range."""

    operator: Operator
    bounds: tuple[float, ...]

    def holds(self, value: float) -> bool:
        low, high = self.bounds[0], self.bounds[-1]
        match self.operator:
            case Operator.BE:
                return value == low
            case Operator.NOT_BE:
                return value != low
            case Operator.GREATER_THAN:
                return value > low
            case Operator.GREATER_OR_EQUAL:
                return value >= low
            case Operator.LESS_THAN:
                return value < low
            case Operator.LESS_OR_EQUAL:
                return value <= low
            case Operator.BETWEEN:
                return low <= value <= high
            case Operator.NOT_BETWEEN:
                return not low <= value <= high

    def implies(self, other: Must) -> bool:
        """Whether the other holds for every count or share this one holds for. Neither turns but at its bounds."""
        ends = sorted({0.0, *self.bounds, *other.bounds})
        between = [(low + high) / 2 for low, high in pairwise(ends)]
        return all(other.holds(value) for value in (*ends, *between, ends[-1] + 1) if value >= 0 and self.holds(value))

    def __str__(self) -> str:
        return f"{self.operator} {' and '.join(f'{bound:.15g}' for bound in self.bounds)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """One rule over the accepted records of a batch, or of a window.

    fields: what it looks at; several only for duplicates; none for the row count.
    percent: the count is taken as a share of the rows, 0 to 100.
    missing: values that stand for a missing one, beside null. allowed, pattern: what makes a value valid.
    criticality: ``error`` keeps the batch out, ``warn`` does not.
    window: the windows of event time it is judged over; None is a batch. With one, the criticality is ``warn``.
    """

    name: str
    metric: Metric
    must: Must
    fields: tuple[str, ...] = ()
    percent: bool = False
    missing: tuple[str | int | float | Decimal, ...] = ()
    allowed: tuple[str | int | float | Decimal, ...] = ()
    pattern: str | None = None
    description: str = ""
    criticality: Criticality = Criticality.ERROR
    window: Tumbling | None = None

    def value(self, count: int, rows: int) -> float | None:
        """What is compared: the count, or its share of the rows; None where there is no row to judge."""
        if self.metric is Metric.ROW_COUNT:
            return float(rows)
        if rows == 0:
            return None
        return 100.0 * count / rows if self.percent else float(count)

    def __str__(self) -> str:
        of = f" of {', '.join(self.fields)}" if self.fields else ""
        over = f" in windows of {self.window}" if self.window else ""
        return f"{self.metric}{of} {self.must}{' percent' if self.percent else ''}{over}"
