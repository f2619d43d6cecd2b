"""Rows that this process holds, appended to a Delta table in a folder of this machine without Spark.

Spark takes some twenty times as long for a row, most of it to put the table's state together again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headrace.errors import InfrastructureError
from headrace.io.table_log import open_log

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["append_rows"]


def append_rows(
    path: str, rows: pa.Table | Sequence[Mapping[str, object]], *, app_id: str, app_version: int, metadata: str
) -> None:
    """Append rows under the names of the table's columns, once for an application's version; what they lack is null.

    rows: of Arrow with all columns of the table, or plain values. Only while nobody else writes to the table.
    Raises InfrastructureError where there is no table, or it cannot be written.
    """
    import pyarrow
    from deltalake import CommitProperties, Transaction, write_deltalake

    table = open_log(path)
    if table is None:
        raise InfrastructureError(f"there is no table at {path}")
    latest = table.transaction_version(app_id)
    if latest is not None and latest >= app_version:
        return
    schema = pyarrow.schema(table.schema().to_arrow())
    try:
        if isinstance(rows, pyarrow.Table):
            values = rows.select(schema.names)
        else:
            values = pyarrow.Table.from_pylist(list(rows), schema=schema)
        write_deltalake(
            table,
            values,
            mode="append",
            commit_properties=CommitProperties(
                custom_metadata={"userMetadata": metadata}, app_transactions=[Transaction(app_id, app_version)]
            ),
        )
    except Exception as error:
        raise InfrastructureError(f"the table at {path} cannot be written: {error}") from error
