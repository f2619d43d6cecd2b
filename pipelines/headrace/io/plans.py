"""Batch plans: the choices of one batch, stored before its first effect and reused by every later attempt."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from headrace.io.lake import Lake, Writer, local_rows
from headrace.tables import BATCH_PLANS

__all__ = ["Choices", "plan_of", "planned"]

Choices = Mapping[str, Any]


# The newest plan of each query that this process stored or read: what the next batch asks for first. Only a saving;
# the table decides, and a plan does not change once it is stored.
_newest: dict[str, tuple[int, Choices]] = {}


def plan_of(spark: SparkSession, lake: Lake, flow: str, subject: str, writer: Writer) -> Choices | None:
    """The stored choices of one batch; None if it was never planned."""
    batch_id, choices = _newest.get(writer.query_id, (-1, {}))
    if batch_id == writer.batch_id:
        return choices
    rows = lake.batches(spark, BATCH_PLANS.name, writer.query_id, writer.batch_id, writer.batch_id)
    row = rows.where((F.col("flow") == flow) & (F.col("subject") == subject)).select("choices").first()
    return json.loads(row["choices"]) if row is not None else None


def planned(
    spark: SparkSession,
    lake: Lake,
    flow: str,
    subject: str,
    writer: Writer,
    *,
    at: datetime,
    choose: Callable[[], Choices],
) -> Choices:
    """The choices of this batch: those stored by an earlier attempt, or else chosen now and stored."""
    stored = plan_of(spark, lake, flow, subject, writer)
    if stored is not None:
        return _remembered(writer, stored)
    choices = choose()
    row = {
        "flow": flow,
        "subject": subject,
        "planned_at": at,
        "choices": json.dumps(choices, sort_keys=True),
        "query_id": writer.query_id,
        "batch_id": writer.batch_id,
    }
    lake.append(local_rows(spark, BATCH_PLANS, [row]), BATCH_PLANS, writer)
    return _remembered(writer, choices)


def _remembered(writer: Writer, choices: Choices) -> Choices:
    _newest[writer.query_id] = (writer.batch_id, choices)
    return choices
