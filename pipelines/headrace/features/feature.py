"""What a feature is: one aggregate over the records of a window, or a value derived from several."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr, model_validator

from headrace.config import Duration, Lasting, Section

__all__ = ["Default", "Derived", "Feature", "Op"]

Default = StrictBool | StrictInt | StrictFloat | StrictStr


class Op(StrEnum):
    """What a feature says of the records in its window."""

    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    STDDEV = "stddev"
    APPROX_DISTINCT = "approx_distinct"
    APPROX_QUANTILE = "approx_quantile"
    FIRST = "first"
    LAST = "last"
    SHARE = "share"
    RATE = "rate"
    SINCE_LAST = "since_last"

    @property
    def selects(self) -> bool:
        """Whether its value is one of those it is taken of."""
        return self in (Op.MIN, Op.MAX, Op.FIRST, Op.LAST)


# These can be of all records; the others are of a field.
_OF_RECORDS = (Op.COUNT, Op.RATE, Op.SINCE_LAST)
# What one operation takes beside, and no other does.
_OWN = {Op.APPROX_QUANTILE: "at", Op.RATE: "per"}


class Feature(Section):
    """One aggregate over a window.

    of: the signal's field it is taken of, or an expression over its fields: a number, or for a share a condition.
        Left out, ``count``, ``rate`` and ``since_last`` are of all records; with it, of those where it is not null.
    where: only records for which this holds are taken.
    at: which quantile ``approx_quantile`` gives, 0.5 being the median.
    per: the time a ``rate`` is counted in.
    over: which of the set's window lengths it is computed over; all if left out.
    default: what stands for a missing value where features are joined to records; the log keeps null.
    """

    op: Op
    of: str | None = None
    where: str | None = None
    at: float | None = Field(default=None, gt=0, lt=1)
    per: Lasting | None = None
    over: tuple[Duration, ...] = ()
    default: Default | None = None
    unit: str = ""
    description: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Feature:
        if self.of is None and self.op not in _OF_RECORDS:
            what = "the condition whose share it is" if self.op is Op.SHARE else "the field it is taken of"
            raise ValueError(f"{self.op} needs 'of': {what}")
        for op, key in _OWN.items():
            given = getattr(self, key) is not None
            if given and self.op is not op:
                raise ValueError(f"'{key}' goes with {op} only")
            if self.op is op and not given:
                raise ValueError(f"{op} needs '{key}', as in {'0.9' if key == 'at' else '1 hour'}")
        return self


class Derived(Section):
    """A value computed from the features of the same window.

    expression: over the set's columns and ``records``, the number of records in the longest window.
    kind: ``number``, kept as DOUBLE, or ``condition``, kept as BOOLEAN.
    default: what stands for a missing value where features are joined to records; the log keeps null.
    """

    expression: str
    kind: Literal["number", "condition"] = "number"
    default: Default | None = None
    unit: str = ""
    description: str = ""
