"""What the files in ``jobs/`` call: one flow as an application of its own, for spark-submit and scheduled jobs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["features", "ingest", "maintain", "score", "submit"]


def submit(flow: str, arguments: Sequence[str] | None = None) -> None:
    """Run one flow, or of it only the subjects named, as ``headrace run`` would.

    Raises what went wrong, so that the application fails, and returns when all is well: a platform may take any
    exit, even one with code 0, for a failure.
    """
    from headrace.cli.run import take

    parser = argparse.ArgumentParser(prog=flow, description=f"headrace's {flow} flow as an application of its own.")
    parser.add_argument("subject", nargs="*", help="only these signals, feature sets or models")
    parser.add_argument("--conf-dir", type=Path, default=Path("conf"))
    parser.add_argument("--env", default="cluster")
    parser.add_argument("--once", action="store_true", help="take in what is there, then end")
    given = parser.parse_args(sys.argv[1:] if arguments is None else list(arguments))
    flows = [f"{flow}.{subject}" for subject in given.subject] or [flow]
    take(flows, once=given.once, conf_dir=given.conf_dir, env=given.env)


def ingest() -> None:
    """Sources → signals and dead letters."""
    submit("ingest")


def features() -> None:
    """Signals → windows."""
    submit("features")


def score() -> None:
    """Signals and features → decisions."""
    submit("score")


def maintain(arguments: Sequence[str] | None = None) -> None:
    """The upkeep of the tables, as ``headrace maintain`` does it; raises what went wrong."""
    from headrace.cli.maintain import upkeep

    parser = argparse.ArgumentParser(prog="maintain", description="The upkeep of headrace's tables as an application.")
    parser.add_argument("--conf-dir", type=Path, default=Path("conf"))
    parser.add_argument("--env", default="cluster")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, change nothing")
    given = parser.parse_args(sys.argv[1:] if arguments is None else list(arguments))
    upkeep(given.conf_dir, given.env, dry_run=given.dry_run, say=print)
