"""Late labels: the ground truth that another signal brings, joined to the records it is about."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from headrace.models.spec import LABEL, Label

__all__ = ["LABEL", "labelled"]


def labelled(asked: DataFrame, told: DataFrame, label: Label, *, classifies: bool) -> DataFrame:
    """The rows of ``asked`` whose label has come in time, each with its ``label``: BOOLEAN if it classifies, or DOUBLE.

    asked: any columns with ``event_time`` and the field the two are joined by. told: the fields of the label's signal,
    ``event_time`` and ``record_id``. A row without a label, or with one that is null, is left out. Of several the first
    by event time counts, and of those that tell of one time the one with the least record id.
    """
    value = F.expr(label.expression).try_cast("boolean" if classifies else "double")
    first = told.groupBy(F.col(label.by).alias("_by")).agg(
        F.min_by(value, F.struct("event_time", "record_id")).alias(LABEL), F.min("event_time").alias("_at")
    )
    joined = asked.join(first, F.col(label.by) == F.col("_by"), how="inner")
    wait = F.expr(f"INTERVAL '{int(label.within.total_seconds())}' SECOND")
    return joined.where((F.col("_at") <= F.col("event_time") + wait) & F.col(LABEL).isNotNull()).drop("_by", "_at")
