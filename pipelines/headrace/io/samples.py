"""Samples of a signal's accepted records as frames of pandas: the same records from the same rows, by either engine.

Which are taken is decided by a digest of their ids: as good as chance, and the same each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    from pyspark.sql import DataFrame

__all__ = ["of_rows", "of_table"]


def of_table(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], most: int, *, but: str | None = None
) -> pd.DataFrame:
    """At most so many rows of a table, those of ``columns`` that it has. No JVM.

    but: the version of a contract whose rows are left out.
    """
    there = [name for name in connection.table(table).columns if name in columns]
    names = ", ".join(f'"{name}"' for name in there)
    query = (
        f"SELECT {names} FROM {table} WHERE contract_version IS DISTINCT FROM ? "
        f"ORDER BY md5(record_id), query_id LIMIT {most}"
    )
    return _frame(connection.sql(query, params=[but]).to_arrow_table())


def of_rows(rows: DataFrame, columns: Sequence[str], most: int) -> pd.DataFrame:
    """The same of Spark's rows."""
    from pyspark.sql import functions as F

    there = [name for name in rows.columns if name in columns]
    return _frame(rows.orderBy(F.md5("record_id"), "query_id").limit(most).select(*there).toArrow())


def _frame(sample: Any) -> pd.DataFrame:
    """With types that keep a null a null, where an integer would become a float; times in UTC, to the microsecond."""
    import pandas as pd
    import pyarrow as pa

    kept = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    frame: pd.DataFrame = sample.to_pandas(types_mapper=kept.get)
    for name in frame.select_dtypes(["datetime", "datetimetz"]):
        frame[name] = frame[name].dt.tz_localize(None).dt.as_unit("us")
    return frame
