"""Replay: open dead letters → contract as it is now → ``signals_<signal>``, ``dead_letter_actions``, ``ledger``.

A replay is a batch like any other: planned before it has effects, written through the same door, ledgered last. Its
writer is one a signal, its batches are numbered from 0, and a lease lets one process at a time be that writer. A batch
that was begun and not ended is ended first, with the letters and the contract it was begun with; one that wrote
nothing yet, and whose contract was changed since, is as if it had never been asked for.

A replayed record keeps its ``record_id`` and ``source``. Its ``late_by`` is null: it is late by nature, so no stream
puts it into a window; a backfill does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.config import Duplicates
from headrace.contracts.dead_letters import Action, Choice, Outcome, outcome, with_state
from headrace.contracts.duplicates import duplicates
from headrace.contracts.evolve import evolved, grown
from headrace.contracts.judge import judge
from headrace.contracts.model import Contract
from headrace.contracts.patch import patched
from headrace.errors import InfrastructureError
from headrace.features.spec import FeatureSet
from headrace.features.windows import windowed
from headrace.flows import ingest, ingest_job
from headrace.flows.batch import stamped
from headrace.flows.catalog import signal_table
from headrace.flows.plans.replay import ReplayPlan
from headrace.flows.project import Project
from headrace.io import ledger
from headrace.io.lake import Lake, Writer
from headrace.io.lease import hold
from headrace.io.plans import plan_of, planned, withdraw
from headrace.io.wall import now
from headrace.tables import BATCH_PLANS, DEAD_LETTER_ACTIONS, DEAD_LETTERS, Table

__all__ = ["Done", "Missed", "act", "rehearse"]

FLOW = ReplayPlan.flow
_ENVELOPE = ("record_id", "key", "value", "headers", "source", "stage", "attempts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """The windows of a feature set that replayed records belong in: how many, and the first and last of their ends."""

    feature_set: str
    windows: int
    first: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What an action did: how many letters it was for, how many had which outcome, and which windows missed them."""

    action: str
    letters: int
    outcomes: Mapping[str, int]
    missed: tuple[Missed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Replay:
    """All that the batches of one signal's replay need."""

    signal: str
    contract: Contract
    feature_sets: tuple[FeatureSet, ...]
    models: tuple[str, ...]
    duplicates: Duplicates | None
    lake: Lake
    query_id: str

    @property
    def target(self) -> Table:
        return signal_table(self.signal, self.contract)


def act(
    spark: SparkSession,
    project: Project,
    signal: str,
    action: Action,
    choice: Choice,
    *,
    note: str = "",
    patch: Mapping[str, str] | None = None,
) -> list[Done]:
    """Replay, park or discard the chosen letters; first end what an earlier run began. One result a batch.

    What was cut off and is asked for again is ended, and not begun a second time: no letter is tried twice by it.
    patch: expressions, by field, that mend the records on their way back; the letters stay as they came.
    Raises InfrastructureError when another process replays this signal, or when the contract changed since a batch
    wrote its first rows.
    """
    hold(f"{project.settings.storage.checkpoint_root}/replay/{signal}")
    here, patch = _described(project, signal), dict(patch or {})
    next_ = Writer(here.query_id, _last_ended(spark, here) + 1)
    begun = _begun(spark, here, next_)
    done = []
    if begun is not None:
        done.append(_batch(spark, here, next_, begun))
        if (begun.action, begun.choice, begun.patch) == (action, choice, patch):
            return done
        next_ = Writer(here.query_id, next_.batch_id + 1)
    plan = _chosen(spark, here, action, choice, note, patch, last=next_.batch_id - 1)
    if _letters(spark, here, plan).isEmpty():
        return done
    return [*done, _batch(spark, here, next_, plan)]


def rehearse(
    spark: SparkSession, project: Project, signal: str, choice: Choice, patch: Mapping[str, str] | None = None
) -> DataFrame:
    """What a replay would do now, without doing it: the letters with ``outcome`` and the reasons they would have."""
    here = _described(project, signal)
    last = _last_ended(spark, here)
    return _judged(spark, here, _chosen(spark, here, Action.REPLAY, choice, "", dict(patch or {}), last=last))


def _described(project: Project, signal: str) -> _Replay:
    contract, storage = project.contract(signal), project.settings.storage
    return _Replay(
        signal=signal,
        contract=contract,
        feature_sets=tuple(one for one in project.feature_sets.values() if one.signal == signal),
        models=tuple(name for name, one in project.models.items() if one.signal == signal),
        duplicates=project.settings.signals[signal].duplicates,
        lake=Lake(storage),
        query_id=str(uuid5(NAMESPACE_URL, f"headrace:replay/{storage.place}/{signal}")),
    )


def _last_ended(spark: SparkSession, here: _Replay) -> int:
    return ledger.last_batches(spark, here.lake, (FLOW,), here.signal).get(here.query_id, -1)


def _begun(spark: SparkSession, here: _Replay, writer: Writer) -> ReplayPlan | None:
    """What the batch was begun with; None if it was not, or wrote nothing and was withdrawn for its contract changed.

    Raises InfrastructureError when it has written, by a contract that is another now.
    """
    plan = plan_of(spark, here.lake, ReplayPlan, here.signal, writer)
    if plan is None or plan.action is not Action.REPLAY or plan.contract == here.contract.fingerprint:
        return plan
    if any(here.lake.has_commit(spark, table.name, writer) for table in (here.target, DEAD_LETTER_ACTIONS)):
        raise InfrastructureError(
            f"replay {writer.batch_id} of signal {here.signal} was begun under contract "
            f"{plan.contract_version}, has written, and has to end under it: put it back, replay once, then "
            "change it"
        )
    withdraw(spark, here.lake, ReplayPlan, here.signal, writer, at=now())
    return None


def _chosen(
    spark: SparkSession,
    here: _Replay,
    action: Action,
    choice: Choice,
    note: str,
    patch: Mapping[str, str],
    *,
    last: int,
) -> ReplayPlan:
    """What a batch is fixed by: what was asked, a cut of the tables it reads, and the columns there are to fill.

    last: the newest batch of replay that has ended.
    """
    lake = here.lake
    mine = (F.col("flow") == ingest_job.FLOW) & (F.col("subject") == here.signal) & F.col("choices").isNotNull()
    plans = lake.read(spark, BATCH_PLANS.name).where(mine)
    newest = plans.select(F.max_by(F.get_json_object("choices", "$.limit"), "planned_at").alias("limit")).first()
    cut = ledger.last_batches(spark, lake, ingest_job.ACCEPTING, here.signal)
    for model in here.models:
        cut |= ledger.last_batches(spark, lake, ("score",), model)
    return ReplayPlan(
        action=action,
        choice=choice,
        patch=patch,
        note=note,
        cut={**cut, here.query_id: last},
        limit=int(newest["limit"]) if newest is not None and newest["limit"] is not None else None,
        columns=grown(lake.types(spark, here.target.name), here.contract),
        contract=here.contract.fingerprint,
        contract_version=here.contract.version,
        at=now(),
    )


def _letters(spark: SparkSession, here: _Replay, plan: ReplayPlan) -> DataFrame:
    """The chosen letters: the same on every attempt, whatever has been written since.

    Only what ingest rejected can be replayed; a letter of another stage is of a record that was accepted.
    """
    mine = F.col("signal") == here.signal
    if plan.action is Action.REPLAY:
        mine &= F.col("stage") == ingest_job.FLOW
    letters, actions = (
        here.lake.as_of(spark, table.name, plan.cut).where(mine) for table in (DEAD_LETTERS, DEAD_LETTER_ACTIONS)
    )
    return with_state(letters, actions).where(plan.choice.condition())


def _judged(spark: SparkSession, here: _Replay, plan: ReplayPlan) -> DataFrame:
    """The chosen letters with the reasons they have now, their ``attempt`` and its ``outcome``."""
    letters = _letters(spark, here, plan).select(*_ENVELOPE)
    if plan.patch:
        letters = patched(letters, here.contract, plan.patch)
    decided = judge(letters, here.contract)
    if plan.limit is not None:
        decided = ingest.without_future(decided, here.contract, plan.limit)
    if here.duplicates is not None:
        before = here.lake.as_of(spark, here.target.name, plan.cut)
        accepted = decided.where(F.size("reasons") == 0)
        repeats = duplicates(accepted, before, here.contract.primary_key, here.duplicates.within)
        decided = ingest.with_duplicates(decided, repeats, here.contract)
    attempt = F.col("envelope.attempts") + 1
    return decided.withColumns({"attempt": attempt, "outcome": outcome(F.col("reasons"), attempt)})


def _set_aside(spark: SparkSession, here: _Replay, plan: ReplayPlan) -> DataFrame:
    """The chosen letters, parked or discarded."""
    said = {Action.PARK: Outcome.PARKED, Action.DISCARD: Outcome.DISCARDED}[plan.action]
    letters = _letters(spark, here, plan)
    return letters.select(
        F.struct(*_ENVELOPE).alias("envelope"),
        "reasons",
        F.col("attempts").alias("attempt"),
        F.lit(said.value).alias("outcome"),
    )


def _batch(spark: SparkSession, here: _Replay, writer: Writer, chosen: ReplayPlan) -> Done:
    watch = ledger.Stopwatch()
    with watch.lap("plan"):
        plan = planned(spark, here.lake, ReplayPlan, here.signal, writer, at=chosen.at, choose=lambda: chosen)
    replays = plan.action is Action.REPLAY
    decided = (_judged if replays else _set_aside)(spark, here, plan).persist()
    try:
        with watch.lap("write"):
            if replays:
                rows = evolved(_accepted(spark, here, decided, writer), plan.columns)
                here.lake.append(rows, signal_table(here.signal, here.contract, plan.columns), writer)
            here.lake.append(_actions(here, decided, plan, writer), DEAD_LETTER_ACTIONS, writer)
    finally:
        decided.unpersist()
    with watch.lap("account"):
        entries = _entries(spark, here, plan, writer, watch)
    ledger.record(spark, here.lake, entries, writer, note=plan.action.value)
    return Done(
        action=plan.action.value,
        letters=sum(entry.rows_in for entry in entries),
        outcomes=_totals(entries),
        missed=_missed(spark, here, writer) if replays else (),
    )


def _missed(spark: SparkSession, here: _Replay, writer: Writer) -> tuple[Missed, ...]:
    back = here.lake.batches(spark, here.target.name, writer.query_id, writer.batch_id, writer.batch_id)
    found = []
    for feature_set in here.feature_sets:
        windows = windowed(back, feature_set, late=True)
        row = windows.agg(
            F.count(F.lit(1)), F.min(F.unix_seconds("window_end")), F.max(F.unix_seconds("window_end"))
        ).first()
        if row is not None and row[0]:
            first, end = (datetime.fromtimestamp(at, tz=UTC) for at in (row[1], row[2]))
            found.append(Missed(feature_set=feature_set.name, windows=row[0], first=first, end=end))
    return tuple(found)


def _accepted(spark: SparkSession, here: _Replay, decided: DataFrame, writer: Writer) -> DataFrame:
    """Rows of the signal's table. A record that is in it already, by another writer, is not written again."""
    mine = (F.col("query_id") == writer.query_id) & (F.col("batch_id") == writer.batch_id)
    there = here.lake.read(spark, here.target.name).where(~mine).select("record_id")
    good = decided.where(F.col("outcome") == Outcome.ACCEPTED).withColumns(
        {
            "record_id": F.col("envelope.record_id"),
            "late_by": F.lit(None).cast("bigint"),
            "source": F.col("envelope.source"),
        }
    )
    return stamped(good, writer).join(there, "record_id", how="left_anti")


def _actions(here: _Replay, decided: DataFrame, plan: ReplayPlan, writer: Writer) -> DataFrame:
    acted = decided.select(
        *[F.col(f"envelope.{name}").alias(name) for name in ("record_id", "stage", "source")],
        F.lit(here.signal).alias("signal"),
        F.lit(plan.action.value).alias("action"),
        "outcome",
        F.col("attempt").cast("bigint").alias("attempt"),
        "reasons",
        F.lit(plan.note).alias("note"),
        _text_map(plan.patch).alias("patch"),
        F.lit(plan.at).alias("acted_at"),
        F.lit(here.contract.version).alias("contract_version"),
        F.lit(here.contract.fingerprint).alias("contract_fingerprint"),
    )
    return stamped(acted, writer)


def _text_map(texts: Mapping[str, str]) -> Column:
    if not texts:
        return F.lit(None).cast("map<string,string>")
    return F.create_map(*[F.lit(part) for pair in texts.items() for part in pair])


def _entries(
    spark: SparkSession, here: _Replay, plan: ReplayPlan, writer: Writer, watch: ledger.Stopwatch
) -> list[ledger.Entry]:
    """One entry a slice of the source: letters counted in their table, outcomes in what was committed."""
    source = ledger.source_slice()
    letters = _letters(spark, here, plan).groupBy(source.alias("slice")).count().collect()
    written = ledger.committed(spark, here.lake, (here.target, DEAD_LETTER_ACTIONS), writer, source)
    actions = here.lake.batches(spark, DEAD_LETTER_ACTIONS.name, writer.query_id, writer.batch_id, writer.batch_id)
    counted = actions.groupBy(source.alias("slice"), "outcome").count().collect()
    entries = []
    for name, rows in letters:
        outcomes = {row["outcome"]: row["count"] for row in counted if row["slice"] == name}
        accepted = written[here.target.name].get(name, (0, ""))[0]
        # Accepted, but in the table already: another generation took it in since.
        known = outcomes.get(Outcome.ACCEPTED.value, 0) - accepted
        outcomes |= {Outcome.ACCEPTED.value: accepted, "known": known}
        entries.append(
            ledger.Entry(
                flow=FLOW,
                subject=here.signal,
                slice=name,
                rows_in=rows,
                outcomes={key: count for key, count in outcomes.items() if count},
                digests={table: parts[name][1] for table, parts in written.items() if name in parts},
                batch_time=plan.at,
                durations=watch.laps,
            )
        )
    return entries


def _totals(entries: Sequence[ledger.Entry]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for entry in entries:
        for name, count in entry.outcomes.items():
            totals[name] = totals.get(name, 0) + count
    return totals
