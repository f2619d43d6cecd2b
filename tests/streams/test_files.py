"""Files as users send them: folders and names with any letters, compressed, with a byte order mark, unreadable ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests import orders
from tests.differences import differences

from headrace.errors import CheckFailed, InfrastructureError
from headrace.flows.catalog import tables, views
from headrace.flows.source_standings import source_standings
from headrace.flows.status import status
from headrace.io.lake import Lake
from headrace.io.reader import open_tables

BOM = b"\xef\xbb\xbf"
DAMAGED = gzip.compress(orders.order(9))[:-4]
UTF_16 = (orders.order(7) + b"\n" + orders.order(8) + b"\n").decode().encode("utf-16")


def test_a_home_whose_name_is_a_pattern_and_files_of_all_sorts(spark: SparkSession, tmp_path: Path) -> None:
    home = tmp_path / "data [1] {x}* é#`"
    there = orders.project(home)
    orders.land(home, "2026-05-01T10:00.jsonl", BOM + orders.order(0) + b"\n" + orders.order(1) + b"\n", at=1)
    orders.land(home, "b[1].jsonl.gz", gzip.compress(orders.order(2) + b"\n" + BOM + orders.order(3)), at=2)
    orders.land(home, "damaged.gz", DAMAGED, at=3)
    orders.land(home, "wide.jsonl", UTF_16, at=4)
    large = orders.land(home, "large.jsonl", orders.order(4) + b" " * 10_000, at=5)
    orders.land(home, "staging/x.jsonl", b"not one of them\n", at=6)

    with pytest.raises(CheckFailed) as left_out:
        orders.take_in(spark, there)
    line = f"{large} has 10,072 bytes, more than max_file_bytes (10,000): split it, or raise that"
    assert str(left_out.value) == f"ingest.orders has left out a file: {line}"
    lake = Lake(there.settings.storage)
    assert sorted(row["number"] for row in lake.read(spark, "signals_orders").collect()) == [0, 1, 2, 3]
    letters = {row["record_id"]: row for row in lake.read(spark, "dead_letters").collect()}
    assert {name: bytes(row["value"]) for name, row in letters.items()} == {
        "orders/damaged.gz#1": DAMAGED,
        "orders/wide.jsonl#1": UTF_16,
    }
    assert {name: [(one["code"], one["message"]) for one in row["reasons"]] for name, row in letters.items()} == {
        "orders/damaged.gz#1": [
            (
                "foreign_format",
                "the bytes are not JSON in UTF-8, and were not parsed: gzip (a file of it is read, unless it is "
                "damaged or unpacks to more than max_file_bytes)",
            )
        ],
        "orders/wide.jsonl#1": [("foreign_format", "the bytes are not JSON in UTF-8, and were not parsed: UTF-16")],
    }
    assert differences(spark, there) == {}
    (standing,) = source_standings(there)
    assert standing.unread == (line,)
    assert {one.query: (one.rows_in, one.pending) for one in status(there)} == {
        "ingest.orders": (6, "0, 1 unreadable"),
        "features.load": (4, "0"),
    }
    with open_tables(there.settings.storage, tables(there), views(there)) as connection:
        assert connection.execute("SELECT kitchen, orders FROM features_load_latest").fetchall() == [("harbour", 4)]

    large.write_bytes(orders.order(4))
    orders.take_in(spark, there)
    assert sorted(row["number"] for row in lake.read(spark, "signals_orders").collect()) == [0, 1, 2, 3, 4]
    assert differences(spark, there) == {}
    assert source_standings(there)[0].unread == ()


def test_a_source_that_is_not_there_is_said_at_once(spark: SparkSession, tmp_path: Path) -> None:
    there = orders.project(tmp_path, restarts=10)
    with pytest.raises(InfrastructureError, match=r"the source of orders is not there: no folder .*/landing"):
        orders.take_in(spark, there)
    assert source_standings(there)[0].unread[0].startswith("the source of orders is not there: no folder ")
