"""A Delta table as DuckDB scans it: the files its log names, with the columns and partitions the log gives them.

No thread that scans may call Python. Those of pyarrow do, to read through a file system of delta-rs, and outlive the
query that started them: the interpreter then ends by a signal, or never. So DuckDB reads the files of this machine
itself, by threads that end with its connection, and those of a store through a stream of delta-rs, which is Rust alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from headrace.errors import InfrastructureError
from headrace.io.local_path import local_path

if TYPE_CHECKING:
    import duckdb
    from deltalake import DeltaTable

__all__ = ["TableScan", "scan_files", "scan_stream", "scan_table"]

# Reader features that change nothing in what a data file holds.
_HARMLESS = {"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"}
# What DuckDB takes for a pattern in a file's name; in brackets each stands for itself.
_PATTERN = re.compile(r"([*?\[])")
_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True)
class TableScan:
    """The rows of a table as a query, and the files of this machine it opens."""

    sql: str
    files: tuple[str, ...] = ()


def scan_table(connection: duckdb.DuckDBPyConnection, name: str, path: str, table: DeltaTable) -> TableScan:
    """All rows of the table at a path, as its log has it: its columns in their order, times as TIMESTAMPs in UTC.

    Raises InfrastructureError where that takes more than reading the files, as with deletion vectors.
    """
    _check_features(name, table)
    folder = local_path(path)
    return scan_stream(connection, name, table) if folder is None else scan_files(connection, name, str(folder), table)


def scan_stream(connection: duckdb.DuckDBPyConnection, name: str, table: DeltaTable) -> TableScan:
    """The table through delta-rs, from whatever store it lies in."""
    connection.register(f"_{name}", _Stream(table))
    columns = ", ".join(
        f"CAST({_quoted(column)} AS {kind}) AS {_quoted(column)}" for column, kind in _types(connection, table).items()
    )
    return TableScan(f"SELECT {columns} FROM {_quoted(f'_{name}')}")


def scan_files(connection: duckdb.DuckDBPyConnection, name: str, folder: str, table: DeltaTable) -> TableScan:
    """The table from its files in a folder; a column that a file has not is null in its rows."""
    types, partitions = _types(connection, table), table.metadata().partition_columns
    files = tuple(_files(name, folder, table, partitions))
    if not files:
        nothing = ", ".join(f"CAST(NULL AS {kind}) AS {_quoted(column)}" for column, kind in types.items())
        return TableScan(f"SELECT {nothing} WHERE false")
    paths = {column: _value_in_path(column, partitions) for column in partitions}
    columns = ", ".join(
        f"CAST({paths[column]} AS {kind}) AS {_quoted(column)}" if column in paths else _quoted(column)
        for column, kind in types.items()
    )
    written = {column: kind for column, kind in types.items() if column not in paths}
    literals = tuple(_PATTERN.sub(r"[\1]", file) for file in files)
    listed = ", ".join(map(_text, literals))
    return TableScan(
        f"SELECT {columns} FROM read_parquet([{listed}], filename = true, schema = {_schema(written)})",
        tuple(dict.fromkeys((*literals, *files))),  # it asks leave to open a file by what it was given, and by its name
    )


@dataclass(frozen=True, slots=True)
class _Stream:
    """What DuckDB asks for the rows, anew for every scan."""

    table: DeltaTable

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        from deltalake import QueryBuilder

        rows: Any = QueryBuilder().register("rows", self.table).execute("SELECT * FROM rows")
        return rows.__arrow_c_stream__(requested_schema)


def _check_features(name: str, table: DeltaTable) -> None:
    features = set(table.protocol().reader_features or ()) - _HARMLESS
    if table.metadata().configuration.get("delta.columnMapping.mode", "none") != "none":
        features.add("columnMapping")
    if features:
        raise InfrastructureError(
            f"table {name} uses {', '.join(sorted(features))}, which only Spark reads: drop that feature from it"
        )


def _types(connection: duckdb.DuckDBPyConnection, table: DeltaTable) -> dict[str, str]:
    """The table's columns by DuckDB's types. Its extensions alone take apart a time with a zone, so none has one."""
    import pyarrow

    empty = connection.from_arrow(pyarrow.schema(table.schema().to_arrow()).empty_table())
    kinds = (str(kind).replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMP") for kind in empty.types)
    return dict(zip(empty.columns, kinds, strict=True))


def _files(name: str, folder: str, table: DeltaTable, partitions: list[str]) -> Iterator[str]:
    """The table's files. Their values of partition columns stand in their paths, which is checked with the log."""
    actions: Any = table.get_add_actions(flatten=True)
    values = [actions.column(f"partition.{column}").to_pylist() for column in partitions]
    for path, *row in zip(actions.column("path").to_pylist(), *values, strict=True):
        file = unquote(path)  # the log has paths as URIs
        texts = (_NULL_PARTITION if value is None else str(value) for value in row)
        folders = [f"{column}={text}" for column, text in zip(partitions, texts, strict=True)]
        if [unquote(part) for part in file.split("/")[:-1]] != folders:
            raise InfrastructureError(f"table {name} has a file outside the folder of its partition: {file}")
        yield f"{folder}/{file}"


def _value_in_path(column: str, partitions: list[str]) -> str:
    deeper = "/[^/]*" * (len(partitions) - partitions.index(column))
    return f"nullif(url_decode(regexp_extract(filename, '/{column}=([^/]*){deeper}$', 1)), '{_NULL_PARTITION}')"


def _schema(types: Mapping[str, str]) -> str:
    """Columns by name, not by the first file: an old file lacks those that came later."""
    columns = (
        f"{_text(column)}: {{name: {_text(column)}, type: {_text(kind)}, default_value: NULL}}"
        for column, kind in types.items()
    )
    return f"MAP {{{', '.join(columns)}}}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
