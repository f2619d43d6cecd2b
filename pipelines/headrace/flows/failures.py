"""Why a query failed, in one text for people, and whether another start can help. Pure: it looks at the error alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from headrace.errors import CheckpointDamaged, HeadraceError, SourceChanged
from headrace.io import checkpoint_failures, delta_failures, file_failures, kafka_failures, spark_failures

__all__ = ["OTHER_COLUMNS", "Failure", "explain"]

OTHER_COLUMNS: Final = "OtherColumns"
"""The kind of a failure that says only that a table which is read was given other columns."""

# Whatever is done meanwhile outside the files that are read at a start.
_FINAL: Final = frozenset({"CheckpointDamaged", "ConfigError", "SourceChanged", "UsageError"})
# What somebody may put right while a driver runs; a run that ends does not wait for that.
_MISSING: Final = frozenset({"NotRegistered", "SourceMissing"})
# A batch that fails so is handed the same records by the same code at every start.
_OF_CODE: Final = frozenset(
    {
        "ArithmeticError",
        "AssertionError",
        "AttributeError",
        "ImportError",
        "IndexError",
        "KeyError",
        "ModelFailed",
        "ModuleNotFoundError",
        "NameError",
        "NotImplementedError",
        "ParseException",
        "PicklingError",
        "RecursionError",
        "TypeError",
        "UnboundLocalError",
        "ValueError",
        "ZeroDivisionError",
    }
)
_CODE_OF_JAVA: Final = re.compile(
    r"^(?:java\.lang\.)?(?:ClassCast|NullPointer|ClassNotFound)Exception\b|^java\.lang\.(?:NoSuchMethod|NoClassDefFound)Error"
)
_CONDITION: Final = re.compile(r"\[(?:UNRESOLVED_|DATATYPE_MISMATCH)")
_PYTHON: Final = re.compile(r"^(?:\w+\.)*(\w+)(?::|$)")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a query failed. kind: class of the error at the bottom of it."""

    kind: str
    text: str

    def is_final(self, *, once: bool) -> bool:
        """Whether another start can only fail the same way. once: of a run that ends, which waits for nobody."""
        return self.kind in _FINAL or (once and (self.kind in _MISSING or self.is_of_code))

    @property
    def is_of_code(self) -> bool:
        """Whether the code failed, ours, Spark's or a model's, and not something it asked."""
        return self.kind in _OF_CODE or bool(_CODE_OF_JAVA.search(self.text) or _CONDITION.search(self.text))


def explain(error: BaseException) -> Failure:
    """The error headrace raised, wherever it stands in Spark's account of it.

    Of any other error what says what it was.
    """
    if isinstance(error, HeadraceError):
        return Failure(type(error).__name__, str(error))
    text = str(error)
    ours = spark_failures.of_headrace(text)
    if ours is not None:
        return Failure(*ours)
    of_source = delta_failures.explained(text)
    if of_source is not None:
        passing, told = of_source
        return Failure(OTHER_COLUMNS if passing else SourceChanged.__name__, told)
    of_checkpoint = checkpoint_failures.explained(text)
    if of_checkpoint is not None:
        return Failure(CheckpointDamaged.__name__, of_checkpoint)
    of_others = file_failures.explained(text) or kafka_failures.explained(text)
    if of_others is not None:
        passing, told = of_others
        return Failure(type(error).__name__ if passing else SourceChanged.__name__, told)
    told = spark_failures.telling(text) or type(error).__name__
    raised = _PYTHON.match(told) if spark_failures.TRACEBACK in text else None
    return Failure(raised[1] if raised else type(error).__name__, told)
