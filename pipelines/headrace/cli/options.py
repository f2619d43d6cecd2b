"""Options that commands share."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.documents import instead
from headrace.errors import UsageError

if TYPE_CHECKING:
    from headrace.flows.project import Project

__all__ = ["ConfDir", "Env", "Json", "known", "project", "utc"]

ConfDir = Annotated[Path, typer.Option("--conf-dir", envvar="HEADRACE_CONF", help="Folder of the configuration.")]
Env = Annotated[str, typer.Option("--env", envvar="HEADRACE_ENV", help="Folder of it that is laid over base.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def project(conf_dir: Path, env: str) -> Project:
    """The project in ``conf_dir``, with references to variables taken from this process's environment.

    Raises ``ConfigError`` with all mistakes there are.
    """
    from headrace.flows.project import load

    return load(conf_dir, env, os.environ)


def utc(said: datetime | None) -> datetime | None:
    """The instant of an option: in UTC, unless it says another zone."""
    if said is None:
        return None
    return said.replace(tzinfo=UTC) if said.tzinfo is None else said.astimezone(UTC)


def known(what: str, said: Sequence[str], there: Sequence[str]) -> None:
    """Raises UsageError where one of the names said is none of those there are."""
    for name in said:
        if name not in there:
            raise UsageError(f"there is no {what} {name!r}{instead(name, there)}")
