"""Paths as Spark takes them: a folder's own name is written so that it is taken for nothing else."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["literal", "sql_path"]

_PATTERN: Final = re.compile(r"([\\*?\[\]{}])")


def literal(path: str) -> str:
    r"""The path for a reader of Spark's that expands patterns: ``data [1]`` → ``data \[1\]``, read as one folder.

    Not for what takes a path as it is: Delta tables, checkpoints, whatever is written.
    """
    return _PATTERN.sub(r"\\\1", path)


def sql_path(path: str) -> str:
    """The Delta table in a folder, as Spark's SQL names it."""
    return "delta.`" + path.replace("`", "``") + "`"
