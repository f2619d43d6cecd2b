"""What failed, in Spark's account of a failed query: frames of Python and Java, plans and offsets stand around it."""

from __future__ import annotations

import re

from headrace.errors import one_line

__all__ = ["TRACEBACK", "of_headrace", "telling"]

TRACEBACK = "Traceback (most recent call last):"
_QUERY = re.compile(r"^=== Streaming Query ===", re.MULTILINE)
_JAVA_FRAME = re.compile(r"^\s+at |^Driver stacktrace:")
_PLAN = re.compile(r"(SQLSTATE: \w{5}).*", re.DOTALL)
_OF_JAVA, _CAUSED_BY = "py4j.protocol.Py4JJavaError", "Caused by: "
_OURS = re.compile(r"headrace\.errors\.(\w+): (.+)")


def of_headrace(text: str) -> tuple[str, str] | None:
    """The class and the text of the error headrace raised; None where it raised none."""
    said = "; ".join(_said(text))
    at_the_end = _OURS.match(said)
    if at_the_end is not None:
        return at_the_end[1], at_the_end[2]
    # What it was raised from stands before it.
    found = _OURS.findall(text)
    return found[-1] if found else None


def telling(text: str) -> str:
    """What says in one line what went wrong: all lines of the error's own text."""
    said = _said(text)
    if said and said[0].startswith(_OF_JAVA):
        causes = [line.removeprefix(_CAUSED_BY) for line in _lines(text) if line.startswith(_CAUSED_BY)]
        said = causes[-1:] or [line.removeprefix(": ") for line in said if line.startswith(": ")]
    return one_line(_PLAN.sub(r"\1", "\n".join(said)))


def _said(text: str) -> list[str]:
    """The lines of the last error there is: a Python traceback ends with it, Spark's messages begin with it."""
    said = []
    for line in _lines(text):
        if _JAVA_FRAME.match(line):
            break
        said.append(line.strip())
    return said


def _lines(text: str) -> list[str]:
    _, traceback, last = _QUERY.split(text)[0].rpartition(TRACEBACK)
    lines = [line for line in last.splitlines() if line.strip()]
    frames = 0
    while traceback and frames < len(lines) and lines[frames].startswith(" "):
        frames += 1
    return lines[frames:]
