"""A record read in Spark's JVM, once from its first byte to its last, by the classes in ``jvm/``."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pyspark.errors import AnalysisException
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from headrace.contracts.column_types import read_type
from headrace.contracts.model import Contract, Field
from headrace.contracts.reasons import Reason
from headrace.errors import InfrastructureError
from headrace.tables import REASON

__all__ = ["provide", "read"]

_CLASS = "headrace.ReadRecord"


def read(contract: Contract, value: Column) -> Column:
    """BINARY → STRUCT<reasons, others, sent>; no bytes make it raise. The session has to be ``provide``d with it.

    reasons: what is wrong with the bytes or with what was sent in them, as ``tables.REASON``; null if nothing is.
    others: MAP<STRING, STRING>, the members that are no field and those fields in which such are nested, by what they
    are sent as and each as the JSON text it was; null if there are none. sent: the contract's fields, times as they
    were sent; null if the bytes are no JSON object.
    """
    shape = {
        "max_bytes": contract.max_bytes,
        "fields": [_told(field) for field in contract.fields],
        "messages": {reason.value: reason.message for reason in Reason},
    }
    return F.call_function(_name(contract), value, F.lit(json.dumps(shape).encode()))


def provide(spark: SparkSession, contract: Contract) -> None:
    """Make ``read`` known to the session. Raises InfrastructureError where headrace's own jar is not in it."""
    try:
        spark.udf.registerJavaFunction(_name(contract), _CLASS, _type(contract))
    except AnalysisException as error:
        raise InfrastructureError(
            f"Spark has no class {_CLASS}: the jar of headrace is not among its jars. "
            "Give it all that 'headrace jars' prints, as in spark-submit --jars."
        ) from error


def _name(contract: Contract) -> str:
    """A function has one type."""
    return f"headrace_read_{hashlib.sha256(_type(contract).encode()).hexdigest()[:16]}"


def _type(contract: Contract) -> str:
    fields = ", ".join(f"`{field.name}`: {read_type(field)}" for field in contract.fields)
    return f"STRUCT<reasons: ARRAY<{REASON}>, others: MAP<STRING, STRING>, sent: STRUCT<{fields}>>"


def _told(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "member": field.member,
        "kind": field.sent_kind.value,
        "coerce": field.coerce,
        "required": field.required,
        "precision": field.precision,
        "scale": field.scale,
        "members": [_told(member) for member in field.members],
        "items": _told(field.items) if field.items else None,
    }
