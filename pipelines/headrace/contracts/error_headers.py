"""Dead letters as records of a Kafka topic, with the headers Kafka Connect gives its own and those of headrace.

Names and meanings of Connect's: KIP-298 (https://cwiki.apache.org/confluence/display/KAFKA/KIP-298). Whatever reads
Connect's dead-letter topics can read these.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from headrace.tables import HEADERS

__all__ = ["kafka_records"]

_CONNECT, _OURS = "__connect.errors.", "headrace."


def kafka_records(letters: DataFrame, max_bytes: int) -> DataFrame:
    """The letters as Kafka's sink takes them.

    In: rows of ``dead_letters``. Out: ``key``, ``value`` as they came, ``headers``: those that came, then ours; the
    first reason is the exception, ``headrace.reasons`` has all as JSON. ``headrace.record_id`` tells a letter that is
    sent twice, as the sink may. A letter of more than ``max_bytes`` goes without its value and the headers that came;
    ``headrace.bytes_left_out`` says how many bytes they have.
    """
    came = F.coalesce("headers", F.array().cast(HEADERS))
    of_headers = F.aggregate(
        came,
        F.lit(0).cast("bigint"),
        lambda total, one: total + F.octet_length(one["key"]) + F.coalesce(F.length(one["value"]), F.lit(0)),
    )
    whole = of_headers + F.coalesce(F.length("value"), F.lit(0))
    large = whole + F.coalesce(F.length("key"), F.lit(0)) > max_bytes
    source, first = F.col("source"), F.try_element_at("reasons", F.lit(1))
    told = {
        f"{_CONNECT}topic": source["name"],
        f"{_CONNECT}partition": source["partition"].cast("string"),
        f"{_CONNECT}offset": source["position"].cast("string"),
        f"{_CONNECT}connector.name": F.lit("headrace"),
        f"{_CONNECT}task.id": F.col("batch_id").cast("string"),
        f"{_CONNECT}stage": F.col("stage"),
        f"{_CONNECT}class.name": F.col("contract_id"),
        f"{_CONNECT}exception.class.name": first["code"],
        f"{_CONNECT}exception.message": F.concat_ws(": ", first["field"], first["message"]),
        f"{_OURS}record_id": F.col("record_id"),
        f"{_OURS}signal": F.col("signal"),
        f"{_OURS}reasons": F.to_json("reasons"),
        f"{_OURS}contract_version": F.col("contract_version"),
        f"{_OURS}contract_fingerprint": F.col("contract_fingerprint"),
        f"{_OURS}bytes_left_out": F.when(large, whole).cast("string"),
        f"{_OURS}rejected_at": F.date_format("rejected_at", "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"),
    }
    said = F.filter(
        F.array(*[_header(name, text) for name, text in told.items()]), lambda one: one["value"].isNotNull()
    )
    return letters.select(
        "key",
        F.when(~large, F.col("value")).alias("value"),
        F.when(large, said).otherwise(F.concat(came, said)).alias("headers"),
    )


def _header(name: str, text: Column) -> Column:
    return F.struct(F.lit(name).alias("key"), F.encode(text, "UTF-8").alias("value"))
