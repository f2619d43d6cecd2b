"""Topics of dead letters: none may lead back to itself; what Kafka says of them is told in words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from headrace.config import KafkaSource, Settings
from headrace.documents import Mistakes, check, read
from headrace.errors import ConfigError
from headrace.flows.topics import check_rings
from headrace.io.kafka_failures import explained

SIGNAL = """\
  {name}:
    contract: c
    source: {{kind: kafka, bootstrap: "b:9092", topic: {reads}}}
    dead_letter_topic: {{bootstrap: "b:9092", topic: {copies}}}
"""


def told(folder: Path, *ways: tuple[str, str]) -> list[str]:
    signals = "".join(SIGNAL.format(name=f"s{n}", reads=reads, copies=copies) for n, (reads, copies) in enumerate(ways))
    file = folder / "headrace.yml"
    file.write_text(f"project: p\nstorage: {{root: t}}\nregistry: {{tracking_uri: m}}\nsignals:\n{signals}")
    tree, mistakes = read(file, folder), Mistakes()
    check_rings(tree, check(tree, Settings), mistakes)
    try:
        mistakes.done()
    except ConfigError as error:
        return list(error.mistakes)
    return []


@pytest.mark.parametrize(
    ("ways", "wrong"),
    [
        ([("a", "x"), ("b", "x"), ("x", "y")], []),
        ([("a", "a")], [0]),
        ([("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")], [0, 1, 2]),
    ],
)
def test_no_dead_letter_comes_back_to_where_it_came_from(
    tmp_path: Path, ways: list[tuple[str, str]], wrong: list[int]
) -> None:
    assert told(tmp_path, *ways) == [
        f"headrace.yml:{8 + 4 * n}: signals.s{n}.dead_letter_topic.topic: leads back to {ways[n][0]}: "
        "each dead letter would come again as a record"
        for n in wrong
    ]


GONE = (
    "KafkaIllegalStateException: Some data may have been lost because they are not available in Kafka any more;\n"
    "Caused by: org.apache.kafka.clients.consumer.OffsetOutOfRangeException: Fetch position FetchPosition{offset=100, "
    "offsetEpoch=Optional.empty} is out of range for partition t_ret-0"
)


@pytest.mark.parametrize(
    ("text", "passing", "said"),
    [
        (GONE, False, "topic t_ret, partition 0: offset 100 is gone from the broker before it was read"),
        (
            "TimeoutException: Topic t_dead not present in metadata after 60000 ms.",
            True,
            "the broker has no topic t_dead",
        ),
        (
            "RecordTooLargeException: The message is 3000936 bytes when serialized\n\tat",
            True,
            "too large for the copy in Kafka (The message is 3000936 bytes when serialized): lower",
        ),
    ],
)
def test_what_kafka_says_is_told_in_words(text: str, passing: bool, said: str) -> None:
    found = explained(text)
    assert found is not None
    assert found[0] is passing
    assert said in found[1]


def test_what_is_none_of_kafkas() -> None:
    assert explained("[DELTA_SCHEMA_CHANGED] the schema changed") is None


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("bootstrap", "broker", "must name each broker as host:port, with commas between"),
        ("bootstrap", "a:9092,b", "must name each broker as host:port, with commas between"),
        ("topic", "a/b", "is no name of a topic: letters, digits, '.', '_' and '-', at most 249"),
        ("topic", "", "is no name of a topic: letters, digits, '.', '_' and '-', at most 249"),
    ],
)
def test_what_names_no_topic(key: str, value: str, said: str) -> None:
    given = {"kind": "kafka", "bootstrap": "a:9092, b:9092", "topic": "orders.v1"}
    assert KafkaSource.model_validate(given).topic == "orders.v1"
    with pytest.raises(ValidationError, match=re.escape(said)):
        KafkaSource.model_validate({**given, key: value})
