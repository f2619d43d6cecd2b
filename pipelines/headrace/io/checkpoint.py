"""What Spark itself wrote about a query: its id, and for each batch its time, watermark and source offsets.

A batch function asks here, never a clock: the answers are the same on every attempt of the batch. The files are
Spark's own (``metadata`` and ``offsets/<batch>``, org.apache.spark.sql.execution.streaming.OffsetSeqLog).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from headrace.errors import InfrastructureError
from headrace.io.local_path import local_path
from headrace.io.offsets import Offsets, parse_offsets
from headrace.io.paths import literal
from headrace.io.session import create_file

__all__ = ["Checkpoint"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The checkpoint folder of one query, local or at any URI Spark can read."""

    path: str

    def query_id(self, spark: SparkSession) -> str | None:
        """The query's id; None if the query never started here."""
        text = self._read(spark, "metadata")
        return str(json.loads(text)["id"]) if text else None

    def begun(self, spark: SparkSession) -> str:
        """The query's id; where the query never started here, a new one that it will have when it does."""
        there = self.query_id(spark)
        if there is not None:
            return there
        chosen = str(uuid4())
        create_file(spark, f"{self.path}/metadata", json.dumps({"id": chosen}))
        return chosen

    def offsets(self, spark: SparkSession, batch_id: int) -> Offsets | None:
        """The log entry of one batch; None if there is none."""
        text = self._read(spark, f"offsets/{batch_id}") if batch_id >= 0 else None
        return None if text is None else parse_offsets(text)

    def ended(self, spark: SparkSession, batch_id: int) -> bool:
        """Whether Spark took down that the batch is done: it is not tried again."""
        return self._read(spark, f"commits/{batch_id}") is not None

    def pinned(self, spark: SparkSession, name: str, choose: Callable[[], str]) -> str:
        """What was chosen under a name when the query first started here; chosen now if this is the first time."""
        folder = f"{self.path}/{name}"
        kept = _kept_in(local_path(folder))
        if kept is not None:
            return kept
        try:
            row = spark.read.text(literal(folder)).first()
        except AnalysisException as error:
            if error.getCondition() != "PATH_NOT_FOUND":
                raise
            row = None
        if row is not None:
            return str(row["value"])
        chosen = choose()
        spark.range(0, 1, 1, 1).select(F.lit(chosen).alias("value")).write.mode("overwrite").text(folder)
        return chosen

    def _read(self, spark: SparkSession, name: str) -> str | None:
        folder = local_path(self.path)
        if folder is not None:
            return (folder / name).read_text(encoding="utf-8") if (folder / name).exists() else None
        try:
            row = spark.read.text(literal(f"{self.path}/{name}"), wholetext=True).first()
        except Exception as error:
            if "PATH_NOT_FOUND" in str(error):
                return None
            raise InfrastructureError(f"{self.path}/{name} cannot be read: {type(error).__name__}") from error
        return str(row["value"]) if row is not None else None


def _kept_in(folder: Path | None) -> str | None:
    """What Spark wrote as the one line of a text into a folder of this machine; None where it wrote none there."""
    parts = sorted(folder.glob("part-*.txt")) if folder is not None else []
    return parts[0].read_text(encoding="utf-8").removesuffix("\n") or None if parts else None
