"""``headrace jars``: the jars that Spark has to be given. Starts no Spark."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.options import ConfDir
from headrace.cli.output import notes

__all__ = ["jars"]


def jars(
    reader: Annotated[
        bool, typer.Option("--reader", help="Only headrace's own, for a platform that brings Delta Lake and Kafka.")
    ] = False,
    conf_dir: ConfDir = Path("conf"),
) -> None:
    """Print the jars that Spark has to be given, with commas between, as spark-submit --jars takes them.

    They are fetched and made where this machine has not got them yet.
    """
    from headrace.io.jars import built_reader, cache_folder, for_spark

    cache, say = cache_folder(os.environ), notes().print
    found = (built_reader(cache, say),) if reader else for_spark(conf_dir=conf_dir, cache=cache, say=say)
    typer.echo(",".join(str(jar) for jar in found))
