"""What headrace raises.

::

    HeadraceError                 catch this to catch them all; carries the exit code
    ├── UsageError          (2)   the command line asks for something that does not exist
    ├── ConfigError         (2)   a file under conf/ is wrong; names file, line and key
    ├── CheckFailed         (1)   a check ran and what it found is not right
    │   └── HeldBack        (1)   a batch broke a limit of its source, which is paused
    └── InfrastructureError (3)   Java, a jar, a port, a broker, a registry or a table failed
        ├── NotRegistered   (3)   the registry has no version under a model's alias
        ├── ModelFailed     (3)   a version raises, or its answers cannot be matched to the records
        ├── SourceMissing   (3)   a source's folder, topic or table is not there
        ├── CheckpointDamaged (3) a checkpoint lacks what its query has to know
        └── SourceChanged   (3)   a source no longer is what its checkpoint was made from

Bad data is never an exception: it becomes a row of ``dead_letters``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

__all__ = [
    "CheckFailed",
    "CheckpointDamaged",
    "ConfigError",
    "HeadraceError",
    "HeldBack",
    "InfrastructureError",
    "ModelFailed",
    "NotRegistered",
    "SourceChanged",
    "SourceMissing",
    "UsageError",
    "error_text",
    "one_line",
]

# MLflow quotes the head of the records in front of what is wrong with them.
_QUOTED_RECORDS = re.compile(r"Failed to enforce schema of data '.*' with schema '.*'\. Error: ", re.DOTALL)
_LONGEST_TEXT = 500


class HeadraceError(Exception):
    """Base of every error headrace raises on purpose. Its text is one clear message for the user."""

    exit_code: ClassVar[int] = 3


class UsageError(HeadraceError):
    """The command line names something unknown. The text says what exists instead."""

    exit_code = 2


class ConfigError(HeadraceError):
    """One or more mistakes in ``conf/``, all found in one reading, raised before any query starts.

    ``mistakes`` holds one line for each: ``file:line: key: what is wrong, what to write``.
    """

    exit_code = 2

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


class CheckFailed(HeadraceError):
    """A check (ledger, contract, feature) ran to its end and found something wrong."""

    exit_code = 1


class HeldBack(CheckFailed):
    """A batch broke a limit of its source before it had any effect. The source is paused until it is resumed."""


class InfrastructureError(HeadraceError):
    """Something outside headrace failed. The text names it and the remedy."""

    exit_code = 3


class NotRegistered(InfrastructureError):
    """A model has no version to score with yet.

    A running driver waits for one, and so does the next run of one that ends, if the project says how to train it.
    """


class ModelFailed(InfrastructureError):
    """A version of a model raises for the records it is asked about, or its answers cannot be matched to them."""


class SourceMissing(InfrastructureError):
    """There is no such source yet. A running driver looks again; a run that ends says so at once."""


class CheckpointDamaged(InfrastructureError):
    """A checkpoint lacks a part, or has one that cannot be read. The text says what may be lost or doubled.

    Spark would go on with what is left, or begin anew in the same tables, so the query is not started.
    """


class SourceChanged(InfrastructureError):
    """A topic was made anew, or a file was altered after it was read.

    Going on would lose or double records without a sign, so the query stops before it has any effect.
    """


def error_text(error: BaseException) -> str:
    """What an error says, as ``one_line``, its class in front unless headrace raised it."""
    text = str(error)
    if isinstance(error, HeadraceError):
        return one_line(text)
    return one_line(f"{type(error).__name__}: {text}" if text.strip() else type(error).__name__)


def one_line(text: str) -> str:
    """The text of an error in one printable line of at most 500 characters.

    What is wrong stands in the first line of a library's text, in the last, or between: all are kept, and of what is
    longer the beginning and the end. Records that MLflow quotes are left out.
    """
    words = " ".join(_QUOTED_RECORDS.sub("", text).split())
    printable = "".join(character if character.isprintable() else " " for character in words)
    if len(printable) <= _LONGEST_TEXT:
        return printable
    half = (_LONGEST_TEXT - 3) // 2
    return f"{printable[:half]} … {printable[-half:]}"
