"""What ``ledger check`` finds wrong."""

from __future__ import annotations

from pyspark.sql import SparkSession

from headrace.flows.ledger_check import check
from headrace.flows.project import Project

__all__ = ["differences"]


def differences(spark: SparkSession, project: Project) -> dict[str, tuple[str, ...]]:
    """What is wrong, by the check and what it is about; empty where all agrees."""
    return {f"{one.check} {one.subject}": one.wrong for one in check(spark, project) if one.wrong}
