"""What a query chose at its first start holds at every later one."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from headrace.io.checkpoint import Checkpoint


def never() -> str:
    raise AssertionError("it was chosen before")


@pytest.mark.parametrize("value", ["the files of /data/ä [1]", "41"])
def test_a_choice_is_made_once(spark: SparkSession, tmp_path: Path, value: str) -> None:
    checkpoint = Checkpoint(str(tmp_path / "checkpoint"))
    assert checkpoint.pinned(spark, "source", lambda: value) == value
    assert checkpoint.pinned(spark, "source", never) == value
    (part,) = (tmp_path / "checkpoint/source").glob("part-*.txt")
    assert part.read_text(encoding="utf-8") == f"{value}\n"


def test_a_choice_that_was_not_written_to_its_end_is_made_anew(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "source/_temporary/0").mkdir(parents=True)
    (tmp_path / "source/_temporary/0/part-00000.txt").write_text("half", encoding="utf-8")
    assert Checkpoint(str(tmp_path)).pinned(spark, "source", lambda: "whole") == "whole"
    assert Checkpoint(str(tmp_path)).pinned(spark, "source", never) == "whole"


def test_a_choice_that_was_written_compressed_is_read_by_spark(spark: SparkSession, tmp_path: Path) -> None:
    rows = spark.sql("SELECT 'the files of /data' AS value").coalesce(1)
    rows.write.option("compression", "gzip").text(str(tmp_path / "source"))
    assert Checkpoint(str(tmp_path)).pinned(spark, "source", never) == "the files of /data"
