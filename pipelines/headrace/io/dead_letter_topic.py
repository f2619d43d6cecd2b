"""The copy of dead letters in a Kafka topic."""

from __future__ import annotations

from pyspark.sql import DataFrame

from headrace.config import DeadLetterTopic

__all__ = ["send"]


def send(records: DataFrame, topic: DeadLetterTopic) -> None:
    """Send ``key``, ``value`` and ``headers`` to the topic; a batch that is tried again sends them again.

    An option of the user's goes before ours. Returns once the brokers have acknowledged all.
    """
    (
        records.coalesce(1)
        .write.format("kafka")
        .option("kafka.bootstrap.servers", topic.bootstrap)
        .option("topic", topic.topic)
        .option("includeHeaders", "true")
        .option("kafka.acks", "all")
        .option("kafka.enable.idempotence", "true")
        .options(**{f"kafka.{name}": value for name, value in topic.opened.items()})
        .save()
    )
