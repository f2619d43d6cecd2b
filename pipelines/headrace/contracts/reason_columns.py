"""Reasons as columns of a frame."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from headrace.contracts.reasons import Reason
from headrace.tables import REASON

__all__ = ["NONE", "reason"]

# No reason at all, in Spark SQL.
NONE = f"CAST(array() AS ARRAY<{REASON}>)"


def reason(
    code: Reason,
    *,
    field: str | Column | None = None,
    rule: str | None = None,
    message: str | None = None,
    found: Column | None = None,
) -> Column:
    """One reason as a column of ``tables.REASON``. ``found``: what was there instead, put behind the message."""
    told: Column = F.lit(message or code.message)
    if found is not None:
        told = F.coalesce(F.concat(told, F.lit(": "), found), told)
    named = F.concat(field, F.lit(f".{code}")) if isinstance(field, Column) else f"{field}.{code}" if field else code
    return F.struct(
        F.lit(code.value).alias("code"),
        (F.lit(rule) if rule else F.lit(named)).alias("rule"),
        F.lit(field).cast("string").alias("field"),
        told.alias("message"),
    )
