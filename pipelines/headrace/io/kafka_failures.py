"""Why Kafka ended a query, in words that say what to do. Its own name an option that would skip records in silence."""

from __future__ import annotations

import re

__all__ = ["explained"]

_GONE = re.compile(r"offset=(\d+).*? is out of range for partition ([\w.-]+)-(\d+)")
_NO_TOPIC = re.compile(r"Topic (\S+) not present in metadata")
_TOO_LARGE = re.compile(r"RecordTooLargeException: (.+?)(?:\n|$)")


def explained(text: str) -> tuple[bool, str] | None:
    """Whether a restart can help, and what happened; None for what Kafka has no part in."""
    gone = _GONE.search(text)
    if gone is not None or "not available in Kafka any more" in text:
        where = f"topic {gone[2]}, partition {gone[3]}: offset {gone[1]} is" if gone else "records of the topic are"
        return False, (
            f"{where} gone from the broker before it was read, and cannot be brought back. To go on with what the "
            "topic still has, move the checkpoint away: a new one reads it from its start"
        )
    missing = _NO_TOPIC.search(text)
    if missing is not None:
        return True, f"the broker has no topic {missing[1]}: create it, or correct dead_letter_topic.topic"
    large = _TOO_LARGE.search(text)
    if large is not None:
        return True, (
            f"a dead letter is too large for the copy in Kafka ({large[1].strip()}): lower dead_letter_topic.max_bytes"
        )
    return None
