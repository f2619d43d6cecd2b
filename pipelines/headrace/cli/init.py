"""``headrace init``: a small project that works, to change into one's own."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from shutil import copytree
from typing import Annotated

import typer

from headrace.errors import UsageError

__all__ = ["init"]

# A new project has a model, but no version of it yet that could score.
_NEXT = """  headrace validate
  headrace run ingest features --once
  headrace status"""


def init(directory: Annotated[Path, typer.Argument(help="A folder that does not exist yet, or is empty.")]) -> None:
    """Write a small project that works.

    One signal with its contract and a few records, one feature set, one model; every file explains itself.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(f"{directory} is not an empty folder: name one that is, or one that does not exist")
    try:
        with as_file(files("headrace.cli") / "template") as template:
            copytree(template, directory, dirs_exist_ok=True)
    except OSError as error:
        raise UsageError(f"{directory} cannot be written: {error.strerror}") from error
    typer.echo(f"Wrote a project to {directory}. Next:\n\n  cd {directory}\n{_NEXT}")
