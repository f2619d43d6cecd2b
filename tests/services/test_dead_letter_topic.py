"""Dead letters copied to a topic, and a dead-letter topic as a source, through a real broker."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer
from pyspark.sql import SparkSession
from tests import flights
from tests.services.projects import place

from headrace.io import kafka_admin
from headrace.io.broker import Broker
from headrace.io.lake import Lake

pytestmark = pytest.mark.long

GOOD = {"occurred_at": "2013-01-01T06:00:00Z", "origin": "EWR"}


def test_a_copy_of_each_dead_letter_and_a_dead_letter_topic_as_source(
    spark: SparkSession, broker: Broker, tmp_path: Path
) -> None:
    topics = ("letters-in", "letters-out")
    for topic in topics:
        kafka_admin.create_topic(broker.bootstrap, topic, 1, {})
    source = {"kind": "kafka", "bootstrap": broker.bootstrap, "topic": topics[0]}
    copies_to = {"bootstrap": broker.bootstrap, "topic": topics[1], "max_bytes": 1_000}
    signal = {"source": source, "dead_letter_topic": copies_to}
    project = place(tmp_path, {"signals": {"weather": signal}}).project
    # As Connect leaves them in a dead-letter topic of its own.
    came = [("__connect.errors.topic", b"weather-raw"), ("__connect.errors.offset", b"17")]
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all")
    sent = {b"k0": json.dumps(GOOD).encode(), b"k1": b'{"occurred_at"', b"k2": b"\xff\x00", b"k3": b"x" * 1_000}
    for key, value in sent.items():
        producer.send(topics[0], key=key, value=value, headers=came)
    producer.flush()
    producer.close()
    flights.taken(spark, project, "ingest.weather", ends=False)

    lake = Lake(project.settings.storage)
    assert [row["origin"] for row in lake.read(spark, "signals_weather").collect()] == ["EWR"]
    letters = {bytes(row["key"]): row for row in lake.read(spark, "dead_letters").collect()}
    assert {key: row["reasons"][0]["code"] for key, row in letters.items()} == {
        b"k1": "malformed",
        b"k2": "invalid_utf8",
        b"k3": "malformed",
    }
    assert bytes(letters[b"k3"]["value"]) == sent[b"k3"]
    assert [(one["key"], bytes(one["value"])) for one in letters[b"k1"]["headers"]] == came

    consumer = KafkaConsumer(
        topics[1], bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=300_000
    )
    copies = {record.key: record for record in islice(consumer, 3)}
    consumer.close()
    assert {key: record.value for key, record in copies.items()} == {
        b"k1": sent[b"k1"],
        b"k2": sent[b"k2"],
        b"k3": None,
    }
    without = dict(copies[b"k3"].headers)
    assert "__connect.errors.offset" in without
    assert (
        without["headrace.bytes_left_out"] == str(1_000 + sum(len(name) + len(value) for name, value in came)).encode()
    )
    headers = copies[b"k1"].headers
    assert headers[:2] == came
    ours = {name: value.decode() for name, value in headers[2:]}
    assert json.loads(ours.pop("headrace.reasons"))[0]["code"] == "malformed"
    assert ours.pop("headrace.rejected_at").endswith("Z")
    contract = project.contracts["weather"]
    assert ours == {
        "__connect.errors.topic": topics[0],
        "__connect.errors.partition": "0",
        "__connect.errors.offset": "1",
        "__connect.errors.connector.name": "headrace",
        "__connect.errors.task.id": "0",
        "__connect.errors.stage": "ingest",
        "__connect.errors.class.name": contract.id,
        "__connect.errors.exception.class.name": "malformed",
        "__connect.errors.exception.message": "the text is not JSON",
        "headrace.record_id": letters[b"k1"]["record_id"],
        "headrace.signal": "weather",
        "headrace.contract_version": contract.version,
        "headrace.contract_fingerprint": contract.fingerprint,
    }
