"""Which commands there are, how one is found, and what becomes of an error."""

from __future__ import annotations

import sys
import traceback
from importlib import import_module
from importlib.metadata import version

import click
import typer
from typer.core import TyperGroup
from typer.main import get_command

from headrace.errors import HeadraceError

__all__ = ["main"]

# In the order of help. The module headrace.cli.<command> holds a function, or an app of sub-commands.
COMMANDS = {
    "init": "Write a small project that works into a folder.",
}
