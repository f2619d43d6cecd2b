"""The command line: which commands there are, and what becomes of an error.

Exit codes: 0 done; 1 a check found something wrong; 2 the command line or the configuration is wrong; 3 something
else failed. What went wrong is one clear text on standard error.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from headrace.cli.extras import extra_of_module
from headrace.errors import HeadraceError

__all__ = ["COMMANDS", "app", "main"]

# Name → module:attribute, a function (one command) or a Typer (a group of them), in the order help lists them. A
# module is imported when its command is called, and all are for help: what is slow they import inside functions.
COMMANDS = MappingProxyType(
    {
        "init": "headrace.cli.init:init",
        "validate": "headrace.cli.validate:validate",
        "contracts": "headrace.cli.contracts:app",
        "doctor": "headrace.cli.doctor:doctor",
        "jars": "headrace.cli.jars:jars",
        "demo": "headrace.cli.demo:demo",
        "run": "headrace.cli.run:run",
        "status": "headrace.cli.status:status",
        "ledger": "headrace.cli.ledger:app",
        "sources": "headrace.cli.sources:app",
        "dead-letters": "headrace.cli.dead_letters:app",
        "features": "headrace.cli.features:app",
        "quality": "headrace.cli.quality:app",
        "sql": "headrace.cli.sql:sql",
        "train": "headrace.cli.train:train",
        "models": "headrace.cli.models:app",
        "maintain": "headrace.cli.maintain:maintain",
    }
)


class Commands(TyperGroup):
    """The commands of the table, and the one place where an error becomes a text and an exit code.

    A ``HeadraceError`` is its own text and exit code. Anything else is a fault of headrace itself, exit 3. Neither
    shows a traceback without ``--debug``.
    """

    debug = False

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in COMMANDS:
            return _loaded(cmd_name)
        # What typer looks through for a name like the mistyped one.
        self.commands = cast(Any, dict.fromkeys(COMMANDS))
        return None

    def main(self, args: Sequence[str] | None = None, *rest: Any, **settings: Any) -> Any:
        given = sys.argv[1:] if args is None else list(args)
        self.debug = "--debug" in given
        try:
            return super().main([each for each in given if each != "--debug"], *rest, **settings)
        except HeadraceError as error:
            self._fail(str(error), error.exit_code)
        except Exception as error:
            missing = error.name if isinstance(error, ModuleNotFoundError) else None
            extra = extra_of_module(missing)
            if extra is not None:
                self._fail(f"This needs {missing}, which is not installed here: {extra.remedy}", 3)
            hint = "" if self.debug else "\n--debug shows where."
            self._fail(f"{_JVM_GONE if _is_jvm_gone(error) else _told(error)}{hint}", 3)

    def _fail(self, text: str, exit_code: int) -> None:
        if self.debug:
            traceback.print_exc()
        # A text may quote a file or a record: nothing in it gets to steer the terminal.
        typer.echo("".join(each if each.isprintable() or each == "\n" else " " for each in text), err=True)
        sys.exit(exit_code)


_JVM_GONE = (
    "Spark's JVM ended while headrace needed it. Its own log, spark.log beside the checkpoints, says why; too little "
    "memory is the usual reason (spark.conf: spark.driver.memory). Nothing is lost: start again."
)


def _is_jvm_gone(error: Exception) -> bool:
    """py4j's connection to the JVM broke, or a new one was refused."""
    return isinstance(error, ConnectionRefusedError) or type(error).__name__ == "Py4JNetworkError"


def _told(error: Exception) -> str:
    from headrace.io.spark_failures import telling

    return f"headrace failed, and should not: {type(error).__name__}: {telling(str(error))}"


def _loaded(name: str) -> Any:
    module, attribute = COMMANDS[name].split(":")
    found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        group = get_group(found)
        group.name = name
        return group
    single = typer.Typer(add_completion=False)
    single.command(name)(found)
    return get_command(single)


app = typer.Typer(
    name="headrace", cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


def _print_version(asked: bool) -> None:
    if not asked:
        return
    try:
        typer.echo(f"headrace {version('headrace')}")
    except PackageNotFoundError:
        typer.echo("headrace, from a source tree that is not installed")
    raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error. Anywhere in the line.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Carry fresh signals to models: contracts, dead letters, windowed features and scores on Spark and Delta Lake."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command the arguments (left out: this process's) name, and end the process with its exit code."""
    app(arguments, prog_name="headrace")
