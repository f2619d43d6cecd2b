"""Contracts in the styles people publish them in: each is right, and judges the records its file lists as it says.

A file in ``tests/styles`` ends in lines ``# accepts <record>`` and ``# rejects <rule>,… <record>``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.contracts.judge import judge
from headrace.contracts.odcs import read_contract
from headrace.documents import read

STYLES = sorted((Path(__file__).parents[1] / "styles").glob("*.odcs.yaml"))


def records(path: Path) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The contract's name, a record, and the rules it breaks."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# accepts "):
            yield path.name, line.removeprefix("# accepts "), ()
        elif line.startswith("# rejects "):
            rules, record = line.removeprefix("# rejects ").split(" ", 1)
            yield path.name, record, tuple(rules.split(","))


def judged(spark: SparkSession, path: Path) -> DataFrame:
    rows = [(name, record.encode()) for name, record, _ in records(path)]
    frame = spark.createDataFrame(rows, "name STRING, value BINARY").coalesce(1)
    return judge(frame, read_contract(read(path))).select(
        "envelope.name", F.decode("envelope.value", "UTF-8"), "reasons.rule", F.col("others").isNull()
    )


def test_each_contract_judges_its_records_as_it_says(spark: SparkSession) -> None:
    assert len(STYLES) == 30
    listed = {(name, record): rules for path in STYLES for name, record, rules in records(path)}

    # One job of many small plans, which would take longer to compile than to run.
    spark.conf.set("spark.sql.codegen.wholeStage", "false")
    try:
        rows = reduce(DataFrame.unionAll, [judged(spark, path) for path in STYLES]).collect()
    finally:
        spark.conf.unset("spark.sql.codegen.wholeStage")

    assert {(name, record): tuple(sorted(rules)) for name, record, rules, _ in rows} == {
        key: tuple(sorted(rules)) for key, rules in listed.items()
    }
    # What is accepted is in columns, all of it.
    assert [name for name, _, rules, is_named in rows if not rules and not is_named] == []
