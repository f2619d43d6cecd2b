"""Tables as DuckDB reads them, written by delta-rs: no JVM."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from headrace.config import Storage
from headrace.errors import InfrastructureError, UsageError
from headrace.io.reader import open_tables, rows_of
from headrace.io.table_scan import scan_stream
from headrace.tables import Column, Table, View

NOON = datetime(2013, 1, 1, 12, tzinfo=UTC)
OLD = pa.schema({"day": pa.date32(), "place": pa.string(), "n": pa.int64(), "at": pa.timestamp("us", "UTC")})
INNER = pa.struct({"kind": pa.string(), "arrived_at": pa.timestamp("us", "UTC")})
NEW = pa.schema([*OLD, ("inner", INNER), ("list", pa.list_(pa.struct({"k": pa.string()})))])
WIDER = pa.struct([*INNER, ("more", pa.int64())])
NEWEST = pa.schema(
    [*OLD, ("inner", WIDER), ("list", pa.list_(pa.struct({"k": pa.string(), "m": pa.float64()}))), ("late", pa.bool_())]
)
MADE = Table(name="made", grain="one thing", key=("n",), columns=(Column("n", "BIGINT"),))
DAY = {"day": date(2013, 1, 1), "place": "New York, N/Y + 100%", "n": 1, "at": NOON}
ROWS: list[tuple[pa.Schema, dict[str, Any]]] = [
    (OLD, DAY),
    (NEW, {"day": None, "place": None, "n": 2, "inner": {"kind": "file", "arrived_at": NOON}, "list": [{"k": "a"}]}),
    (NEWEST, {**DAY, "place": "é", "n": 3, "inner": {"more": 7}, "list": [{"k": "b", "m": 0.5}], "late": True}),
]
PLAIN_NOON = NOON.replace(tzinfo=None)
COLUMNS = ["n", "at", "inner", "list", "day", "place", "late"]
BY_NUMBER: list[tuple[Any, ...]] = [
    (1, PLAIN_NOON, None, None, date(2013, 1, 1), "New York, N/Y + 100%", None),
    (
        2,
        None,
        {"kind": "file", "arrived_at": PLAIN_NOON, "more": None},
        [{"k": "a", "m": None}],
        None,
        None,
        None,
    ),
    (
        3,
        PLAIN_NOON,
        {"kind": None, "arrived_at": None, "more": 7},
        [{"k": "b", "m": 0.5}],
        date(2013, 1, 1),
        "é",
        True,
    ),
]


def write(path: Path) -> Path:
    """A table that grew twice: by columns, and by members of an object, alone and in a list."""
    for schema, row in ROWS:
        rows = pa.Table.from_pylist([row], schema=schema)
        write_deltalake(path, rows, mode="append", schema_mode="merge", partition_by=["day", "place"])
    return path


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("a folder's name * with %") / "made").parent


@pytest.fixture
def connection(root: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_tables(Storage(root=str(root)), [MADE], []) as opened:
        yield opened


def test_files_that_lack_columns_and_members_are_read_beside_those_that_have_them(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    assert connection.execute("SELECT * FROM made ORDER BY n").fetchall() == BY_NUMBER
    assert connection.table("made").columns == COLUMNS
    assert connection.execute("SELECT n FROM made WHERE day = '2013-01-01' AND place = 'é'").fetchall() == [(3,)]
    assert connection.execute("SELECT n FROM made WHERE place IS NULL").fetchall() == [(2,)]


def test_a_store_elsewhere_gives_the_same_rows(root: Path) -> None:
    with closing(duckdb.connect()) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        scan = scan_stream(connection, "made", DeltaTable(root / "made"))
        for _ in range(2):
            assert connection.execute(f"SELECT * FROM ({scan.sql}) ORDER BY n").fetchall() == BY_NUMBER


def test_a_partition_that_is_not_asked_for_is_not_opened(connection: duckdb.DuckDBPyConnection) -> None:
    (row,) = connection.execute("EXPLAIN ANALYZE SELECT max(n) FROM made WHERE place = 'é'").fetchall()
    assert "Scanning Files: 1/3" in row[1]


def test_a_table_without_a_file_has_its_columns_and_no_row(tmp_path: Path) -> None:
    DeltaTable.create(tmp_path / "made", NEWEST, partition_by=["day"])
    with open_tables(Storage(root=str(tmp_path)), [MADE], []) as connection:
        assert connection.execute("SELECT * FROM made").fetchall() == []
        assert connection.table("made").columns == NEWEST.names
        assert connection.table("made").types[3] == "TIMESTAMP"


def test_what_was_replaced_is_not_read(tmp_path: Path) -> None:
    write(tmp_path / "made")
    DeltaTable(tmp_path / "made").delete("n = 1")
    with open_tables(Storage(root=str(tmp_path)), [MADE], []) as connection:
        assert connection.execute("SELECT n FROM made ORDER BY n").fetchall() == [(2,), (3,)]


def test_views_of_tables_that_are_not_there_are_left_out(root: Path) -> None:
    views = [View("doubled", "one thing", "SELECT 2 * n AS n FROM made"), View("none", "", "SELECT * FROM nothing")]
    with open_tables(Storage(root=str(root)), [MADE], views) as connection:
        assert rows_of(connection, "SELECT n FROM doubled WHERE n > ? ORDER BY n", [2]) == [{"n": 4}, {"n": 6}]
        with pytest.raises(duckdb.CatalogException):
            connection.execute("SELECT * FROM none")


def test_the_connection_is_closed_at_the_end(root: Path) -> None:
    with pytest.raises(KeyError), open_tables(Storage(root=str(root)), [MADE], []) as connection:
        raise KeyError
    with pytest.raises(duckdb.ConnectionException):
        connection.execute("SELECT 1")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{root}/made/_delta_log/00000000000000000000.json')",
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO '{root}/stolen.csv'",
        "SET enable_external_access = true",
        "SELECT * FROM local_variable",
    ],
)
def test_nothing_but_the_tables_can_be_reached(connection: duckdb.DuckDBPyConnection, root: Path, sql: str) -> None:
    local_variable = pa.table({"n": [1]})
    with pytest.raises(duckdb.Error):
        connection.execute(sql.format(root=root))
    assert local_variable.num_rows == 1


def altered(path: Path, kind: str, **changed: object) -> None:
    """A table of one commit whose log says something else of it."""
    log = path / "_delta_log/00000000000000000000.json"
    actions = [json.loads(line) for line in log.read_text().splitlines()]
    for action in actions:
        action.get(kind, {}).update(changed)
    log.write_text("\n".join(map(json.dumps, actions)))


def test_rows_that_a_deletion_vector_takes_away_are_not_read_as_rows(tmp_path: Path) -> None:
    write_deltalake(tmp_path / "made", pa.table({"n": [1]}))
    features = ["deletionVectors"]
    altered(
        tmp_path / "made",
        "protocol",
        minReaderVersion=3,
        minWriterVersion=7,
        readerFeatures=features,
        writerFeatures=features,
    )
    with (
        pytest.raises(InfrastructureError, match="table made uses deletionVectors, which only Spark reads"),
        open_tables(Storage(root=str(tmp_path)), [MADE], []),
    ):
        pass


def test_columns_that_are_called_otherwise_in_the_files_are_not_read_as_null(tmp_path: Path) -> None:
    write_deltalake(tmp_path / "made", pa.table({"n": [1]}))
    mapped = {"delta.columnMapping.id": 1, "delta.columnMapping.physicalName": "col-1"}
    fields = [{"name": "n", "type": "long", "nullable": True, "metadata": mapped}]
    altered(tmp_path / "made", "protocol", minReaderVersion=2, minWriterVersion=5)
    altered(
        tmp_path / "made",
        "metaData",
        schemaString=json.dumps({"type": "struct", "fields": fields}),
        configuration={"delta.columnMapping.mode": "name"},
    )
    with (
        pytest.raises(InfrastructureError, match="table made uses columnMapping, which only Spark reads"),
        open_tables(Storage(root=str(tmp_path)), [MADE], []),
    ):
        pass


@pytest.mark.parametrize("name", ["data [1]", "data {1,2}", "a|b", "a^b", "a*b", "a?b"])
def test_a_folder_is_read_and_no_other_that_its_name_would_match_as_a_pattern(tmp_path: Path, name: str) -> None:
    for folder, number in (("plain", 1), ("data 1", 2), ("a b", 2)):
        write_deltalake(tmp_path / folder / "made", pa.table({"n": [number]}))
    (written,) = (tmp_path / "plain/made").glob("*.parquet")
    for folder in ("data 1", "a b"):  # the same name of the file, so that the pattern would match it
        (other,) = (tmp_path / folder / "made").glob("*.parquet")
        other.rename(other.with_name(written.name))
    shutil.copytree(tmp_path / "plain", tmp_path / name)
    with open_tables(Storage(root=str(tmp_path / name)), [MADE], []) as connection:
        assert connection.sql("SELECT n FROM made").fetchall() == [(1,)]


def test_a_folder_that_delta_rs_takes_for_another_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a%20b" / "made").mkdir(parents=True)
    with (
        pytest.raises(InfrastructureError, match="move it to a folder without %20 in its name"),
        open_tables(Storage(root=str(tmp_path / "a%20b")), [MADE], []),
    ):
        pass


def test_without_a_table_it_says_so(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match="there is no table under"),
        open_tables(Storage(root=str(tmp_path)), [MADE], []),
    ):
        pass
