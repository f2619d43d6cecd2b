"""What one batch of ingest is fixed by: the clock, the limits it passed, what was known, what of it is new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from headrace.contracts.clock import Mark, advance
from headrace.contracts.drift import Known
from headrace.contracts.evolve import new_members, with_new
from headrace.contracts.model import Contract, Kind, Unknown
from headrace.contracts.outliers import UsualValues, bounds, quartiles, trailing
from headrace.errors import ConfigError, SourceChanged
from headrace.flows import limits, schema_drift
from headrace.flows.batch import Batch, seconds
from headrace.flows.catalog import signal_table
from headrace.flows.ingest_job import ACCEPTING, Ingest
from headrace.flows.plans.ingest import IngestPlan
from headrace.io import ledger
from headrace.io.plans import plan_before, planned
from headrace.tables import DEAD_LETTERS

__all__ = ["Seen", "is_accepted", "look", "planned_batch"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at the judged records of a batch says of those that broke no rule so far.

    slices: what of the source the batch holds, bad records too. bytes: of all payloads. seconds, counts: the event
    times of those that broke no rule, and how many of them have one. present: of each field that may be absent, in how
    many it is. odd: how many have a warning or a member their contract does not name.
    """

    slices: list[ledger.Slice]
    bytes: int
    seconds: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    present: Mapping[str, int]
    odd: int

    @property
    def rows(self) -> int:
        """How many records the batch has, bad ones too."""
        return sum(part.rows for part in self.slices)

    def accepted(self, limit: int) -> int:
        """How many of them the clock lets in, given the last second it does."""
        return int(self.counts[self.seconds <= limit].sum())


def look(judged: DataFrame, contract: Contract) -> Seen:
    """Look at what ``judge`` gave, in one job."""
    good = F.size("reasons") == 0
    odd = F.count_if((F.size("warnings") > 0) | F.col("others").isNotNull()).alias("_odd")
    optional = [field.name for field in contract.fields if not field.required]
    present = [F.count(F.col(name)).alias(f"_present_{name}") for name in optional]
    grouped = judged.groupBy(
        ledger.source_slice("envelope.source").alias("slice"),
        good.alias("_good"),
        F.when(good, F.unix_seconds("event_time")).alias("_second"),
    )
    size = F.sum(F.coalesce(F.length("envelope.value"), F.lit(0))).alias("_bytes")
    groups = grouped.agg(*ledger.slice_parts("envelope."), size, odd, *present).toPandas()
    counted = groups[groups["_good"]]
    return Seen(
        slices=ledger.slices_of(groups),
        bytes=int(groups["_bytes"].sum()),
        seconds=counted["_second"].to_numpy(np.int64),
        counts=counted["rows"].to_numpy(np.int64),
        present={name: int(counted[f"_present_{name}"].sum()) for name in optional},
        odd=int(counted["_odd"].sum()),
    )


def _mark(ingest: Ingest, last: IngestPlan | None) -> Mark:
    """Where the signal's clock stood after a batch of its query; a declared end of input had moved it on."""
    if last is None:
        return Mark()
    mark = last.mark
    return Mark(max(mark.high_water or 0, ingest.ended_at)) if ingest.ended_at is not None else mark


def planned_batch(ingest: Ingest, batch: Batch, judged: DataFrame, seen: Seen) -> IngestPlan:
    """The plan of the batch; a stored plan whose source or contract is no longer the same ends the query for good.

    A batch that breaks a limit of its source gets no plan: ``HeldBack`` ends the query instead.
    """

    def choose() -> IngestPlan:
        return _chosen(ingest, batch, judged, seen)

    spark, lake, at = batch.spark, ingest.lake, batch.offsets.time
    plan = planned(spark, lake, IngestPlan, ingest.signal, batch.writer, at=at, choose=choose)
    vanished = sorted(set(plan.slices) - {part.name for part in seen.slices})
    if vanished:
        raise SourceChanged(
            f"{vanished[0]} of signal {ingest.signal} is empty or gone since batch {batch.writer.batch_id} read it: "
            "put the original back; or, if the batch has written nothing yet, leave an empty file in its place and run "
            f"headrace sources resume {ingest.signal} --replan."
        )
    for part in seen.slices:
        if plan.slices.get(part.name) != part.digest:
            raise SourceChanged(
                f"{part.name} of signal {ingest.signal} was altered after batch {batch.writer.batch_id} had read it: "
                "sources are append-only. Put the original back, or send the new content under a new name."
            )
    if plan.contract != ingest.contract.fingerprint:
        raise ConfigError(
            [
                f"batch {batch.writer.batch_id} of signal {ingest.signal} was begun under contract "
                f"{plan.contract_version} and has to end under it: put it back and run once, then change it; "
                f"or, if it has written nothing yet: headrace sources resume {ingest.signal} --replan."
            ]
        )
    return plan


def _chosen(ingest: Ingest, batch: Batch, judged: DataFrame, seen: Seen) -> IngestPlan:
    last = plan_before(batch.spark, ingest.lake, IngestPlan, ingest.signal, batch.writer)
    before = _mark(ingest, last)
    step = advance(ingest.clock, before, seen.seconds, seen.counts, now=seconds(batch.offsets.time))
    rows = seen.rows
    bad = rows - seen.accepted(step.limit)
    slices = {part.name: part.digest for part in seen.slices}
    tails = last.limits.tails if last is not None else {}
    weighed = limits.weighed(
        ingest, batch, judged, ~is_accepted(step.limit), slices=slices, rows=rows, bad=bad, tails=tails
    )
    accepted = judged.where(is_accepted(step.limit))
    columns = _columns(ingest, batch, accepted) if seen.odd else {}
    known = last.drift.known if last is not None else Known()
    drift = schema_drift.drifted(
        ingest, judged, seen.present, rows=rows, bad=bad, odd=seen.odd, columns=columns, before=known
    )
    return IngestPlan(
        contract=ingest.contract.fingerprint,
        contract_version=ingest.contract.version,
        source_id=ingest.source_id,
        before=before,
        mark=step.mark,
        limit=step.limit,
        first_seen=_first_seen(seen, step.limit, last.first_seen if last is not None else None),
        slices=slices,
        limits=weighed,
        drift=drift,
        columns=columns,
        outliers=_usual(ingest, accepted, last.outliers if last is not None else UsualValues()),
        accepted_before=_accepted_before(ingest, batch),
        after=batch.versions(ingest.lake, (signal_table(ingest.signal, ingest.contract), DEAD_LETTERS)),
    )


def _first_seen(seen: Seen, limit: int, before: int | None) -> int | None:
    """The earliest second of any record the query's clock ever let in: the batch's own, or of one before it."""
    here = seen.seconds[seen.seconds <= limit]
    known = [before, int(here.min()) if len(here) else None]
    return min((one for one in known if one is not None), default=None)


def _usual(ingest: Ingest, accepted: DataFrame, before: UsualValues) -> UsualValues:
    """The bounds of this batch, from the batches before it, and what the next looks back on."""
    found = quartiles(accepted, ingest.contract)
    return UsualValues(bounds=bounds(ingest.contract, before.trailing), trailing=trailing(before.trailing, found))


def _columns(ingest: Ingest, batch: Batch, accepted: DataFrame) -> dict[str, Kind]:
    """The columns that members of this batch fill, new ones among them; which there are already, the table says."""
    if ingest.contract.unknown is not Unknown.EVOLVE:
        return {}
    types = ingest.lake.types(batch.spark, signal_table(ingest.signal, ingest.contract).name)
    return with_new(types, new_members(accepted, ingest.contract, types), ingest.contract)


def _accepted_before(ingest: Ingest, batch: Batch) -> Mapping[str, int]:
    """The cut of what had been accepted before this batch, by whomever: what makes a record of it a duplicate."""
    if ingest.duplicates is None:
        return {}
    others = ledger.last_batches(batch.spark, ingest.lake, ACCEPTING, ingest.signal)
    return {**others, batch.writer.query_id: batch.writer.batch_id - 1}


def is_accepted(limit: int) -> Column:
    """True of a judged record that broke no rule and that the clock lets in."""
    return (F.size("reasons") == 0) & F.coalesce(F.unix_seconds("event_time") <= limit, F.lit(True))
