"""A few plain values appended to a Delta table in a folder of this machine, without Spark.

Spark takes some twenty times as long for a row, most of it to put the table's state together again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headrace.errors import InfrastructureError
from headrace.io.table_log import open_log

__all__ = ["append_rows"]


def append_rows(
    path: str, rows: Sequence[Mapping[str, object]], *, app_id: str, app_version: int, metadata: str
) -> None:
    """Append rows under the names of the table's columns, once for an application's version; what they lack is null.

    Only while nobody else writes to the table. Raises InfrastructureError where there is no table, or it cannot be
    written.
    """
    import pyarrow
    from deltalake import CommitProperties, Transaction, write_deltalake

    table = open_log(path)
    if table is None:
        raise InfrastructureError(f"there is no table at {path}")
    latest = table.transaction_version(app_id)
    if latest is not None and latest >= app_version:
        return
    values = pyarrow.Table.from_pylist(list(rows), schema=pyarrow.schema(table.schema().to_arrow()))
    try:
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
