"""The custom properties ``window`` and ``delay`` of a library rule → the windows it is judged over."""

from __future__ import annotations

from datetime import timedelta

from headrace.config import duration
from headrace.contracts.odcs_parts import custom_properties
from headrace.contracts.tumbling import DELAY, Tumbling
from headrace.documents import Mistakes, Node

__all__ = ["read_window"]

_LONGEST = timedelta(days=366)


def read_window(node: Node, mistakes: Mistakes) -> Tumbling | None:
    """The windows of the rule; None where it is judged over each batch."""
    said = custom_properties(node, ("window", "delay"), mistakes)
    if "window" not in said:
        if "delay" in said:
            mistakes.add(said["delay"], "is for a rule over windows: add {property: window, value: 1 hour}")
        return None
    length = _duration(said["window"], mistakes, shortest=timedelta(seconds=1))
    delay = _duration(said["delay"], mistakes, shortest=timedelta(0)) if "delay" in said else DELAY
    return Tumbling(length, delay)


def _duration(node: Node, mistakes: Mistakes, *, shortest: timedelta) -> timedelta:
    try:
        found = duration(node.value if isinstance(node.value, str) else "")
    except ValueError:
        mistakes.add(node, "must be a duration, as in 1 hour")
    except OverflowError:
        mistakes.add(node, f"must be at most {_LONGEST.days} days")
    else:
        if shortest <= found <= _LONGEST:
            return found
        mistakes.add(node, "must be more than 0" if found < shortest else f"must be at most {_LONGEST.days} days")
    return timedelta(seconds=1)
