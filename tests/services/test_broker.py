from __future__ import annotations

from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from tests.services.conftest import Jars

from headrace.errors import InfrastructureError
from headrace.io import kafka_admin
from headrace.io.broker import Broker, running_broker


def send(bootstrap: str, topic: str, count: int) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
    for number in range(count):
        producer.send(topic, value=b"%d" % number, partition=number % 2, timestamp_ms=1_357_000_000_000)
    producer.flush()
    producer.close()


def test_offsets_count_what_was_sent_to_each_partition(broker: Broker) -> None:
    kafka_admin.create_topic(broker.bootstrap, "counted", 2, {})
    send(broker.bootstrap, "counted", 5)

    assert kafka_admin.beginning_offsets(broker.bootstrap, "counted", {}) == {0: 0, 1: 0}
    assert kafka_admin.end_offsets(broker.bootstrap, "counted", {}) == {0: 3, 1: 2}


def test_creating_a_topic_twice_keeps_it_and_making_it_anew_changes_its_identity(broker: Broker) -> None:
    kafka_admin.create_topic(broker.bootstrap, "remade", 1, {})
    first = kafka_admin.topic_id(broker.bootstrap, "remade", {})
    kafka_admin.create_topic(broker.bootstrap, "remade", 1, {})
    assert kafka_admin.topic_id(broker.bootstrap, "remade", {}) == first

    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.delete_topics(["remade"])
    admin.close()
    kafka_admin.create_topic(broker.bootstrap, "remade", 1, {})
    assert kafka_admin.topic_id(broker.bootstrap, "remade", {}) != first


def test_a_missing_topic_is_named_with_those_like_it_and_not_created(broker: Broker) -> None:
    kafka_admin.create_topic(broker.bootstrap, "departures", 1, {})
    for _ in range(2):
        with pytest.raises(InfrastructureError, match=r"no topic 'departure'\. Similar: departures"):
            kafka_admin.topic_id(broker.bootstrap, "departure", {})


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_what_was_sent_is_there_after_a_restart(jars: Jars, tmp_path: Path, end: str) -> None:
    with running_broker(jars.broker, tmp_path) as first:
        kafka_admin.create_topic(first.bootstrap, "kept", 2, {})
        identity = kafka_admin.topic_id(first.bootstrap, "kept", {})
        send(first.bootstrap, "kept", 100)
        getattr(first, end)()

    with running_broker(jars.broker, tmp_path, port=first.port) as again:
        assert again.bootstrap == first.bootstrap
        assert kafka_admin.topic_id(again.bootstrap, "kept", {}) == identity
        assert kafka_admin.end_offsets(again.bootstrap, "kept", {}) == {0: 50, 1: 50}


def test_a_taken_port_is_named(broker: Broker, jars: Jars, tmp_path: Path) -> None:
    with (
        pytest.raises(InfrastructureError, match=f"Port {broker.port} "),
        running_broker(jars.broker, tmp_path, port=broker.port),
    ):
        pass


def test_a_second_broker_is_kept_from_a_folder_in_use(broker: Broker, jars: Jars) -> None:
    with (
        pytest.raises(InfrastructureError, match="is in use by another broker"),
        running_broker(jars.broker, broker.folder),
    ):
        pass


def test_a_broker_that_cannot_start_says_why(jars: Jars, tmp_path: Path) -> None:
    with running_broker(jars.broker, tmp_path) as first:
        first.kill()
    (tmp_path / "data" / "meta.properties").write_text("version=1\nnode.id=7\ncluster.id=other\n")
    with (
        pytest.raises(InfrastructureError, match=r"ended while it started: .*node id 7"),
        running_broker(jars.broker, tmp_path),
    ):
        pass
