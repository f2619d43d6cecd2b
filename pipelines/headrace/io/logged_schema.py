"""The columns of a Delta table as Spark has them, from its log alone."""

from __future__ import annotations

import json

from pyspark.errors import PySparkException
from pyspark.sql.types import StructType

from headrace.io.table_log import open_log_in_folder

__all__ = ["logged_schema"]


def logged_schema(path: str) -> StructType | None:
    """The columns of the table in a folder of this machine; None where there is none, or only Spark can say."""
    table = open_log_in_folder(path)
    try:
        return None if table is None else StructType.fromJson(json.loads(table.schema().to_json()))
    except PySparkException:
        return None
