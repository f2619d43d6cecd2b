"""Options that every command shares, and the project they name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from headrace.flows.project import Project, load

__all__ = ["ConfDir", "Env", "Json", "project"]

ConfDir = Annotated[
    Path, typer.Option("--conf-dir", envvar="HEADRACE_CONF", help="Folder of the configuration.", show_default=True)
]
Env = Annotated[
    str, typer.Option("--env", envvar="HEADRACE_ENV", help="Environment: the folder of it laid over conf/base.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def project(conf_dir: Path, env: str) -> Project:
    """The project in ``conf_dir`` for one environment; ``${NAME}`` in it means this process's variables.

    Raises ``ConfigError`` with every mistake found.
    """
    return load(conf_dir, env, os.environ)
