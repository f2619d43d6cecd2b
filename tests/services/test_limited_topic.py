"""A limit on records in a row, across the batches of a topic, through a real broker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kafka import KafkaProducer
from pyspark.sql import SparkSession
from tests.differences import differences
from tests.services.projects import place
from tests.streams.test_limits import take

from headrace.errors import CheckFailed
from headrace.flows import sources
from headrace.io import kafka_admin
from headrace.io.broker import Broker
from headrace.io.lake import Lake

pytestmark = pytest.mark.long

TOPIC, BAD = "limited", b"no json"
# Four offsets a batch: no batch has three bad records in a row, the first two together have.
SENT = "gggb bbgg gbbg".replace(" ", "")


def taken_in(spark: SparkSession, lake: Lake) -> list[tuple[int, int, int]]:
    """Of each batch: the offsets it took, and how many of its records were accepted."""
    rows = lake.read(spark, "ledger").orderBy("batch_id").collect()
    return [(row["slice_from"], row["slice_to"], row["outcomes"]["accepted"]) for row in rows]


def test_bad_records_in_a_row_are_counted_from_batch_to_batch(
    spark: SparkSession, broker: Broker, tmp_path: Path
) -> None:
    kafka_admin.create_topic(broker.bootstrap, TOPIC, 1, {})
    good = (
        json.dumps({"occurred_at": f"2013-01-01T{hour:02}:00:00Z", "origin": "EWR"}).encode()
        for hour in range(len(SENT))
    )
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all")
    for kind, record in zip(SENT, good, strict=True):
        producer.send(TOPIC, value=record if kind == "g" else BAD)
    producer.flush()
    producer.close()
    source = {"kind": "kafka", "bootstrap": broker.bootstrap, "topic": TOPIC, "max_offsets": 4}
    signal = {"source": source, "limits": {"max_consecutive_invalid": 2}}
    project = place(tmp_path, {"signals": {"weather": signal}}).project
    lake = Lake(project.settings.storage)

    with pytest.raises(CheckFailed, match=r"ingest\.weather is paused: .*max_consecutive_invalid is 3, at most 2"):
        take(spark, project)
    assert taken_in(spark, lake) == [(0, 4, 3)]
    (verdict,) = lake.read(spark, "verdicts").collect()
    assert (verdict["batch_id"], verdict["value"]) == (1, 3.0)
    assert verdict["evidence"] == {"slice": f"{TOPIC}/0", "from": "4"}

    sources.resume(spark, lake, "weather", "known", waive=True)
    take(spark, project)
    assert taken_in(spark, lake) == [(0, 4, 3), (4, 8, 2), (8, 12, 2)]
    assert differences(spark, project) == {}


def test_a_partition_without_a_record_in_a_batch_keeps_its_count(
    spark: SparkSession, broker: Broker, tmp_path: Path
) -> None:
    topic = f"{TOPIC}_apart"
    kafka_admin.create_topic(broker.bootstrap, topic, 2, {})
    source = {"kind": "kafka", "bootstrap": broker.bootstrap, "topic": topic}
    signal = {"source": source, "limits": {"max_consecutive_invalid": 2}}
    project = place(tmp_path, {"signals": {"weather": signal}}).project
    good = json.dumps({"occurred_at": "2013-01-01T10:00:00Z", "origin": "EWR"}).encode()

    def sent(partition: int, *values: bytes) -> None:
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all")
        for value in values:
            producer.send(topic, value=value, partition=partition)
        producer.flush()
        producer.close()

    sent(1, BAD, BAD)
    take(spark, project)
    sent(0, good)
    take(spark, project)
    sent(1, BAD)
    with pytest.raises(CheckFailed, match=r"max_consecutive_invalid is 3, at most 2"):
        take(spark, project)
