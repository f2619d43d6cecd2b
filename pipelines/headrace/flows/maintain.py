"""Maintain: rows that are old enough expire, small files are merged, files that nobody reads any more are removed.

Every table by itself, beside running queries: an expiry is a batch with a plan and ledger entries, merging changes no
row, and files are removed only once every declared query has read past what replaced them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pyspark.sql import SparkSession

from headrace.errors import UsageError
from headrace.flows.catalog import tables
from headrace.flows.expiry import Expired, begun, expirable, expire, resume
from headrace.flows.expiry_rules import Rule, rules
from headrace.flows.needed import needed
from headrace.flows.project import Project
from headrace.flows.vacuum import replaced
from headrace.io.files import files
from headrace.io.lake import Lake
from headrace.io.lease import hold
from headrace.io.upkeep import merge_files, remove_files
from headrace.tables import LEDGER

__all__ = ["Outcome", "Step", "maintain"]


class Outcome(StrEnum):
    """What came of a step: it was done, it would be, or it was not for a reason that is told."""

    DONE = "done"
    WOULD = "would be done"
    KEPT = "held back"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the upkeep of one table: expire, compact or vacuum. Only steps there was a cause for are told."""

    table: str
    step: str
    outcome: Outcome
    said: str


def maintain(spark: SparkSession, project: Project, at: datetime, *, dry_run: bool = False) -> Iterator[Step]:
    """Do, or say, what every table needs as of a moment; each step as it is done. Twice does nothing more than once.

    Raises UsageError when there is no table yet; InfrastructureError when another process maintains these tables, when
    an expiry that was begun finds a table changed by somebody else, or when the registry cannot be asked what its
    training runs need.
    """
    lake = Lake(project.settings.storage)
    if not lake.exists(spark, LEDGER.name):
        raise UsageError("there is no table to maintain yet: 'headrace run --once' makes them")
    if not dry_run:
        hold(f"{project.settings.storage.checkpoint_root}/maintain")
    unended = begun(spark, project)
    by_table: dict[str, list[Rule]] = {}
    for rule in rules(project):
        by_table.setdefault(rule.output.table.name, []).append(rule)
    for table in tables(project):
        if not lake.exists(spark, table.name):
            continue
        for rule in by_table.get(table.name, ()):
            if rule.output.name in unended and not dry_run:
                yield _expired(table.name, resume(spark, project, rule, at))
            yield from _expire(spark, project, rule, at, dry_run=dry_run)
        yield from _compact(spark, project, table.name, dry_run=dry_run)
        yield from _vacuum(spark, project, table.name, at, dry_run=dry_run)


def _expire(spark: SparkSession, project: Project, rule: Rule, at: datetime, *, dry_run: bool) -> Iterator[Step]:
    table, signal = rule.output.table.name, rule.output.signal
    if rule.age is None:
        return
    if signal is not None and (why := needed(spark, project, signal, rule.age)) is not None:
        yield Step(table, "expire", Outcome.KEPT, why)
    elif dry_run:
        found = expirable(spark, project, rule, at)
        if found is not None:
            yield _expired(table, found, Outcome.WOULD)
    else:
        for done in expire(spark, project, rule, at):
            yield _expired(table, done)


def _expired(table: str, found: Expired, outcome: Outcome = Outcome.DONE) -> Step:
    return Step(table, "expire", outcome, f"{found.rows:,} rows of {found.batches:,} batches")


def _compact(spark: SparkSession, project: Project, table: str, *, dry_run: bool) -> Iterator[Step]:
    lake, budget = Lake(project.settings.storage), project.settings.maintenance
    small = files(spark, lake, table, small=budget.small_file_bytes, more_than=budget.files_per_table).small
    if small <= budget.files_per_table:
        return
    if dry_run:
        yield Step(table, "compact", Outcome.WOULD, f"{small:,} small files")
        return
    gone, made = merge_files(spark, lake, table, small=budget.small_file_bytes)
    yield Step(table, "compact", Outcome.DONE, f"{gone:,} small files became {made:,}")


def _vacuum(spark: SparkSession, project: Project, table: str, at: datetime, *, dry_run: bool) -> Iterator[Step]:
    found = replaced(spark, project, table, at)
    if found is None:
        return
    if found.held:
        yield Step(table, "vacuum", Outcome.KEPT, "; ".join(found.held))
        return
    said = f"files replaced up to version {found.version}"
    if not dry_run:
        remove_files(spark, Lake(project.settings.storage), table, older=project.settings.maintenance.vacuum_after)
    yield Step(table, "vacuum", Outcome.WOULD if dry_run else Outcome.DONE, said)
