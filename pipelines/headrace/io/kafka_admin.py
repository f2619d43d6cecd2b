"""What only the broker knows: which topics there are, their identity, and how far each partition reaches."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from headrace.errors import InfrastructureError, SourceMissing
from headrace.io import kafka_options

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

__all__ = ["beginning_offsets", "brokers", "create_topic", "end_offsets", "topic_id"]

_PATIENCE_MS: Final = 10_000
# What goes wrong is raised; without a handler the client would also print every attempt.
logging.getLogger("kafka").addHandler(logging.NullHandler())


def brokers(bootstrap: str, options: Mapping[str, str]) -> int:
    """How many brokers answer for the cluster: none while it is still starting."""
    with _admin(bootstrap, options) as admin:
        return len(admin.describe_cluster()["brokers"])


def topic_id(bootstrap: str, topic: str, options: Mapping[str, str]) -> str:
    """The identity a topic got when it was created: a topic deleted and made anew has another."""
    with _admin(bootstrap, options) as admin:
        return str(_described(admin, bootstrap, topic)["topic_id"])


def create_topic(bootstrap: str, topic: str, partitions: int, options: Mapping[str, str]) -> None:
    """Create a topic and wait until every partition has a leader. One that exists already is left as it is."""
    from kafka.errors import TopicAlreadyExistsError

    with _admin(bootstrap, options) as admin:
        try:
            admin.create_topics({topic: {"num_partitions": partitions}}, wait_for_metadata=True)
        except TopicAlreadyExistsError:
            return


def beginning_offsets(bootstrap: str, topic: str, options: Mapping[str, str]) -> dict[int, int]:
    """For each partition the offset of the oldest record that is still there."""
    from kafka.admin import OffsetSpec

    return _offsets(bootstrap, topic, options, OffsetSpec.EARLIEST)


def end_offsets(bootstrap: str, topic: str, options: Mapping[str, str]) -> dict[int, int]:
    """For each partition the offset its next record will get. Records of open transactions are counted."""
    from kafka.admin import OffsetSpec

    return _offsets(bootstrap, topic, options, OffsetSpec.LATEST)


def _offsets(bootstrap: str, topic: str, options: Mapping[str, str], spec: int) -> dict[int, int]:
    from kafka import TopicPartition

    with _admin(bootstrap, options) as admin:
        numbers = [part["partition_index"] for part in _described(admin, bootstrap, topic)["partitions"]]
        answer = admin.list_partition_offsets({TopicPartition(topic, number): spec for number in numbers})
    return {partition.partition: int(found.offset) for partition, found in sorted(answer.items())}


def _described(admin: KafkaAdminClient, bootstrap: str, topic: str) -> dict[str, Any]:
    found: dict[str, Any]
    for found in admin.describe_topics([topic]):
        if found["name"] == topic and not found["error_code"]:
            return found
    topics = admin.list_topics()
    similar = get_close_matches(topic, topics, n=3)
    hint = f"Similar: {', '.join(similar)}" if similar else "None has a similar name"
    # One that is listed is there, and has no leader yet.
    raise (InfrastructureError if topic in topics else SourceMissing)(
        f"Kafka at {bootstrap} shows no topic {topic!r}. {hint}. Create it, or allow this user to."
    )


@contextmanager
def _admin(bootstrap: str, options: Mapping[str, str]) -> Iterator[KafkaAdminClient]:
    """A client for one question. What the broker refuses, or does not answer in time, ends as InfrastructureError."""
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    arguments = kafka_options.translate(options)
    limits = {"bootstrap_timeout_ms": _PATIENCE_MS, "request_timeout_ms": _PATIENCE_MS}
    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap.split(","), **limits, **arguments)
        try:
            yield admin
        finally:
            admin.close()
    except (KafkaError, OSError, ValueError) as error:
        raise InfrastructureError(
            f"Kafka at {bootstrap} did not answer: {_told(error, arguments)}. Check the address, that the broker runs, "
            "and the security options of this source."
        ) from None


def _told(error: Exception, arguments: Mapping[str, object]) -> str:
    text = (str(error) or type(error).__name__).rstrip(".: ")
    for name in ("sasl_plain_password", "ssl_password"):
        secret = arguments.get(name)
        text = text.replace(str(secret), "…") if secret else text
    return text
