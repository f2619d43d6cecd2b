"""Tables of a project with a few rows of one's own, written by delta-rs: no JVM."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake import write_deltalake
from sqlglot import exp

from headrace.flows.catalog import tables
from headrace.flows.project import Project
from headrace.tables import Table

Rows = Mapping[str, Sequence[Mapping[str, object]]]


def write_tables(project: Project, rows: Rows) -> None:
    """Every table of the project, with the rows that stand under its name; a member that a row lacks is null."""
    for table in tables(project):
        path = Path(f"{project.settings.storage.root}/{table.name}")
        write_deltalake(
            path, as_arrow(table, rows.get(table.name, ())), mode="append", partition_by=[*table.partitioned_by]
        )


def as_arrow(table: Table, rows: Sequence[Mapping[str, object]]) -> pa.Table:
    """The rows as Arrow's of the table's types."""
    types = {column.name: exp.DataType.build(column.type, dialect="spark").sql("duckdb") for column in table.columns}
    with closing(duckdb.connect()) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        members = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
        connection.execute(f"CREATE TABLE made ({members})")
        connection.execute(
            "INSERT INTO made SELECT row.* FROM (SELECT unnest(from_json(?, ?)) AS row)",
            [json.dumps(list(map(dict, rows)), default=str), json.dumps([types])],
        )
        return connection.table("made").to_arrow_table()
