"""Sources that are held back: the log of their transitions, and how one comes about."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from uuid import NAMESPACE_URL, uuid5

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from headrace.errors import InfrastructureError, UsageError
from headrace.flows.source_state import SourceState
from headrace.io import ledger
from headrace.io.lake import Lake, Writer
from headrace.io.table_query import query_table
from headrace.io.wall import now
from headrace.tables import SOURCE_LOG

__all__ = ["Cause", "Transition", "current", "hold_back", "pause", "paused", "resume"]

_TRIES = 10


class Cause(StrEnum):
    """Who or what made a transition."""

    OPERATOR = "operator"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One row of ``source_log``, by the names of its columns. A signal that has none is running, at sequence 0."""

    signal: str
    sequence: int = 0
    state: SourceState = SourceState.RUNNING
    cause: Cause = Cause.OPERATOR
    note: str = ""
    held_query_id: str | None = None
    held_batch_id: int | None = None
    waived: bool = False
    changed_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    @property
    def standing(self) -> tuple[object, ...]:
        """What a transition changes; one that leaves all of it as it is is none."""
        return self.state, self.waived, self.held_query_id, self.held_batch_id

    def waives(self, batch: Writer) -> bool:
        """Whether that batch may pass, whatever limit it breaks."""
        return self.waived and (self.held_query_id, self.held_batch_id) == (batch.query_id, batch.batch_id)


def current(spark: SparkSession, lake: Lake, signal: str) -> Transition:
    """How the source of one signal stands."""
    rows = lake.read(spark, SOURCE_LOG.name).where(F.col("signal") == signal)
    row = rows.orderBy(F.desc("sequence")).first()
    if row is None:
        return Transition(signal=signal)
    read = row.asDict()
    typed = {
        "state": SourceState(row["state"]),
        "cause": Cause(row["cause"]),
        "changed_at": row["changed_at"].astimezone(UTC),
    }
    return Transition(**{**read, **typed})


def paused(spark: SparkSession, lake: Lake) -> frozenset[str]:
    """The signals whose sources are not to be read."""
    newest = "SELECT signal FROM {table} GROUP BY signal HAVING max_by(state, sequence) = ?"
    rows = query_table(spark, lake, SOURCE_LOG, newest, SourceState.PAUSED.value)
    return frozenset(row["signal"] for row in rows)


def pause(spark: SparkSession, lake: Lake, signal: str, note: str) -> Transition:
    """Pause a source by hand: its query ends after the batch it is in. One that is paused stays so."""
    held = current(spark, lake, signal)
    wanted = replace(held, state=SourceState.PAUSED, cause=Cause.OPERATOR, note=note, waived=False)
    return _next(spark, lake, wanted)


def hold_back(spark: SparkSession, lake: Lake, signal: str, batch: Writer, note: str) -> Transition:
    """Pause a source because of a batch that broke a limit; also one that was paused by hand meanwhile."""
    wanted = Transition(
        signal=signal,
        state=SourceState.PAUSED,
        cause=Cause.LIMIT,
        note=note,
        held_query_id=batch.query_id,
        held_batch_id=batch.batch_id,
    )
    return _next(spark, lake, wanted)


def resume(spark: SparkSession, lake: Lake, signal: str, note: str, *, waive: bool) -> Transition:
    """Let a source be read again. ``waive``: the batch that was held back passes once, whatever limit it breaks.

    Raises UsageError where a batch is to be waived and none is held back.
    """
    held = current(spark, lake, signal)
    ended = ledger.last_batches(spark, lake, ("ingest",), signal).get(held.held_query_id or "", -1) if waive else -1
    if waive and (held.held_batch_id is None or held.held_batch_id <= ended):
        raise UsageError(f"no batch of {signal} is held back: resume it without --let-pass")
    wanted = replace(held, state=SourceState.RUNNING, cause=Cause.OPERATOR, note=note, waived=waive)
    return _next(spark, lake, wanted)


def _next(spark: SparkSession, lake: Lake, wanted: Transition) -> Transition:
    """Append the transition as the next of its signal, unless the source stands so already.

    Of two writers at one moment Delta lets one have the number; the other sees that, and takes the next.
    """
    for _ in range(_TRIES):
        before = current(spark, lake, wanted.signal)
        if before.standing == wanted.standing:
            return before
        row = replace(wanted, sequence=before.sequence + 1, changed_at=now())
        writer = Writer(str(uuid5(NAMESPACE_URL, f"headrace:sources/{row.signal}")), row.sequence)
        lake.append_rows(spark, [asdict(row)], SOURCE_LOG, writer)
        if current(spark, lake, wanted.signal) == row:
            return row
    raise InfrastructureError(f"source_log: {_TRIES} times somebody else wrote of signal {wanted.signal} at once")
