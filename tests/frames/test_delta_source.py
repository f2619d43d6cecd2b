"""The rows of a table as payloads, and the number of each in its file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from headrace.errors import ConfigError
from headrace.io.delta_source import arrivals, file_name, payloads, row_envelopes

ROW = """
SELECT 7 AS id, CAST(NULL AS STRING) AS region, CAST(1.10 AS DECIMAL(20,10)) AS price,
       CAST(0 AS DECIMAL(20,10)) AS none, 12345678901234567890.123456789BD AS large,
       timestamp'2026-01-02 05:04:05.000001+02:00' AS at,
       timestamp_ntz'2026-01-02 03:04:05' AS local, date'2026-01-02' AS day, X'00ff10' AS bytes,
       double('NaN') AS nan, 0.1F AS small, named_struct('a', 1, 'b', CAST(NULL AS INT)) AS nested,
       array(1, NULL) AS list, map('k', true) AS `a map`
"""
JSON = (
    '{"id":7,"price":1.1000000000,"none":0E-10,"large":12345678901234567890.123456789,'
    '"at":"2026-01-02T03:04:05.000001Z","local":"2026-01-02T03:04:05.000000","day":"2026-01-02","bytes":"AP8Q",'
    '"nan":"NaN","small":0.1,"nested":{"a":1},"list":[1,null],"a map":{"k":true}}'
)


def test_a_row_is_one_object(spark: SparkSession) -> None:
    (row,) = payloads(spark.sql(ROW), ["id", "day"]).collect()
    assert bytes(row["value"]).decode() == JSON
    assert bytes(row["key"]).decode() == '{"id":7,"day":"2026-01-02"}'


def test_a_key_with_a_null_is_none(spark: SparkSession) -> None:
    (row,) = payloads(spark.sql(ROW), ["id", "region"]).collect()
    assert row["key"] is None


def test_a_key_the_table_does_not_have_is_told(spark: SparkSession) -> None:
    with pytest.raises(ConfigError, match="the table has no column number; there are: id, name"):
        payloads(spark.sql("SELECT 1 AS id, 'a' AS name"), ["number"])


@pytest.fixture
def small_blocks(spark: SparkSession) -> Iterator[None]:
    """Files of many row groups."""
    jvm = spark.sparkContext._jsc
    jvm.hadoopConfiguration().set("parquet.block.size", "50000")
    yield
    jvm.hadoopConfiguration().unset("parquet.block.size")


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(("at_once", "blocks"), [("50000", 11), ("150000", 4), ("128m", 2)])
def test_rows_keep_their_number_however_a_file_is_split(
    spark: SparkSession, tmp_path: Path, at_once: str, blocks: int
) -> None:
    spark.range(4_000).selectExpr("id", "sha2(string(id), 512) AS text").coalesce(1).write.format("delta").save(
        f"{tmp_path}/table"
    )
    spark.conf.set("spark.sql.files.maxPartitionBytes", at_once)
    spark.conf.set("spark.sql.files.openCostInBytes", "1")
    try:
        rows = payloads(spark.read.format("delta").load(f"{tmp_path}/table"), ["id"])
        assert rows.select("_block").distinct().count() == blocks
        found = row_envelopes(rows, "orders", arrivals(spark, f"{tmp_path}/table", [0]))
        wrong = found.where("source.position <> get_json_object(string(key), '$.id') + 1 OR source.arrived_at IS NULL")
        assert (found.count(), wrong.count()) == (4_000, 0)
        assert found.select("record_id").distinct().count() == 4_000
    finally:
        spark.conf.unset("spark.sql.files.maxPartitionBytes")
        spark.conf.unset("spark.sql.files.openCostInBytes")


def test_a_file_has_one_name_wherever_it_is_told(spark: SparkSession, tmp_path: Path) -> None:
    table = f"{tmp_path}/a table"
    rows = spark.sql("SELECT * FROM VALUES (1, 'a/b=c+d %') AS t(id, city)")
    rows.write.format("delta").partitionBy("city").save(table)
    read = spark.read.format("delta").load(table)
    (row,) = row_envelopes(payloads(read, ["id"]), "orders", arrivals(spark, table, [0])).collect()
    (path,) = read.inputFiles()
    assert row["source"]["name"] == file_name(path)
    assert row["source"]["name"].startswith("city=a%2Fb%3Dc+d %25/part-00000-")
    assert row["source"]["arrived_at"] is not None
