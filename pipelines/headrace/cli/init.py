"""``headrace init``: a small project that works, to change into one's own."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from shutil import copytree
from typing import Annotated

import typer

from headrace.errors import UsageError

__all__ = ["init"]

# The model has no version before it is trained, and the first run says so; the second one decides.
_NEXT = """  headrace run --once
  headrace train overheats
  headrace run --once
  headrace sql \"SELECT record_id, probability FROM predictions_overheats ORDER BY probability DESC LIMIT 5\""""


def init(directory: Annotated[Path, typer.Argument(help="A folder that does not exist yet, or is empty.")]) -> None:
    """Write a small project that works.

    Two signals with their contracts and records of three days, one feature set, one model and what it learns from;
    every file explains itself.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(f"{directory} is not an empty folder: name one that is, or one that does not exist")
    try:
        with as_file(files("headrace.cli") / "template") as template:
            copytree(template, directory, dirs_exist_ok=True)
    except OSError as error:
        raise UsageError(f"{directory} cannot be written: {error.strerror}") from error
    typer.echo(f"Wrote a project to {directory}. Next:\n\n  cd {directory}\n{_NEXT}")
