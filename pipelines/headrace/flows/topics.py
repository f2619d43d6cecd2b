"""Topics that lead to each other: no dead letter may come back to where it came from."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.config import KafkaSource, Settings, Topic
from headrace.documents import Mistakes, Node

__all__ = ["check_rings"]

_Place = tuple[str, str]


def check_rings(tree: Node, settings: Settings, mistakes: Mistakes) -> None:
    """A signal whose dead letters are sent, by way of other signals or not, to the topic it reads is a mistake."""
    reads, copies = dict[str, _Place](), dict[str, _Place]()
    for name, signal in settings.signals.items():
        if isinstance(signal.source, KafkaSource) and signal.dead_letter_topic is not None:
            reads[name], copies[name] = _place(signal.source), _place(signal.dead_letter_topic)
    for name, topic in reads.items():
        if topic in _reached(copies[name], [(reads[other], copies[other]) for other in reads]):
            node = tree.at("signals", name, "dead_letter_topic", "topic")
            mistakes.add(node, f"leads back to {topic[1]}: each dead letter would come again as a record")


def _reached(first: _Place, ways: Sequence[tuple[_Place, _Place]]) -> set[_Place]:
    """The topics that what is sent to the first ends up in, that one too."""
    found, left = set[_Place](), [first]
    while left:
        place = left.pop()
        if place not in found:
            found.add(place)
            left += [end for start, end in ways if start == place]
    return found


def _place(topic: Topic) -> _Place:
    return topic.bootstrap, topic.topic
