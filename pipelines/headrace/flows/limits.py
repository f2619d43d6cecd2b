"""Limits of a source: a batch that holds too much that is bad is held back whole, before it has any effect.

Looked at before the batch is planned, so a plan is a batch that may pass. What the limits saw is kept in the plan:
every attempt tells the same of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pyspark.sql import Column, DataFrame

from headrace.config import Limits
from headrace.contracts.counts import counts
from headrace.contracts.model import Contract, Criticality
from headrace.contracts.runs import Run, runs
from headrace.errors import HeldBack
from headrace.flows import verdicts
from headrace.flows.batch import Batch
from headrace.flows.ingest_job import Ingest
from headrace.flows.sources import current, hold_back
from headrace.flows.verdicts import BREACH, WAIVED, WARN, Verdict
from headrace.io import ledger
from headrace.tables import MEASUREMENTS

__all__ = ["Weighed", "record", "weighed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What the limits saw in a batch.

    tails: by slice, how many rejected records in a row it ended with. measured: by rule, the value compared.
    attempt: how many transitions its source had behind it.
    """

    tails: Mapping[str, int] = field(default_factory=dict)
    measured: Mapping[str, float] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    attempt: int = 0

    @property
    def breaches(self) -> tuple[Verdict, ...]:
        return tuple(one for one in self.verdicts if one.verdict == BREACH)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Weighed:
        return cls(**{**stored, "verdicts": tuple(Verdict(**one) for one in stored["verdicts"])})


def weighed(
    ingest: Ingest,
    batch: Batch,
    judged: DataFrame,
    rejected: Column,
    *,
    slices: Collection[str],
    rows: int,
    bad: int,
    tails: Mapping[str, int],
) -> Weighed:
    """What the limits and the contract's rules over many records say of a batch that may pass.

    rejected: true of a record that is not accepted. slices: those the batch has records of. rows, bad: its records, and
    those rejected. tails: by slice, how many rejected records in a row its last batch ended with. Raises ``HeldBack``
    if the batch may not pass: by then its verdicts are stored and its source is paused.
    """
    goes_on = ingest.continued and ingest.limits.max_consecutive_invalid is not None
    waiting = {name: tail for name, tail in tails.items() if goes_on and name not in slices}
    if not rows:
        return Weighed(tails=waiting)
    looked = _looked(ingest, judged, rejected, rows=rows, bad=bad, tails=tails)
    return _passed(ingest, batch, replace(looked, tails={**waiting, **looked.tails}))


def record(ingest: Ingest, batch: Batch, seen: Weighed) -> None:
    """Write what was measured, and the verdicts there are."""
    if seen.measured:
        _measure(ingest, batch, seen.measured)
    if seen.verdicts:
        _judge(ingest, batch, seen)


def _measure(ingest: Ingest, batch: Batch, measured: Mapping[str, float]) -> None:
    shared = {"metric": "rule", "subject": ingest.signal, "measured_at": batch.offsets.time, **asdict(batch.writer)}
    rules = {one.name: one for one in ingest.contract.batch_rules}
    each = [
        {"segment": name, "value": value, "details": {"rule": str(rules[name])}} for name, value in measured.items()
    ]
    each = [{**one, **shared} for one in each]
    ingest.lake.append_rows(batch.spark, each, MEASUREMENTS, batch.writer)


def _judge(ingest: Ingest, batch: Batch, seen: Weighed) -> None:
    """Write the verdicts, once for each time the source was resumed."""
    at, output = batch.offsets.time, str(seen.attempt)
    verdicts.record(batch.spark, ingest, batch.writer, seen.verdicts, at=at, attempt=seen.attempt, output=output)


def _looked(
    ingest: Ingest, judged: DataFrame, rejected: Column, *, rows: int, bad: int, tails: Mapping[str, int]
) -> Weighed:
    contract, bounds, good = ingest.contract, ingest.limits, rows - bad
    found = _runs(bounds, judged, rejected, bad=bad, tails=tails)
    measured = _measured(contract, judged.where(~rejected), good)
    unmet = (
        *_ratio(bounds, rows, bad),
        *_consecutive(bounds, found, rows),
        *_aggregates(contract, measured, good),
    )
    ended_with = {name: run.tail for name, run in found.items() if run.tail}
    return Weighed(tails=ended_with, measured=measured, verdicts=unmet)


def _passed(ingest: Ingest, batch: Batch, seen: Weighed) -> Weighed:
    """The same; what the batch broke and is let pass with is ``waived``."""
    if not seen.verdicts:
        return seen
    stands = current(batch.spark, ingest.lake, ingest.signal)
    numbered = replace(seen, attempt=stands.sequence)
    if not seen.breaches:
        return numbered
    if stands.waives(batch.writer):
        waived = (replace(one, verdict=WAIVED) if one.verdict == BREACH else one for one in seen.verdicts)
        return replace(numbered, verdicts=tuple(waived))
    _judge(ingest, batch, numbered)
    told = "; ".join(map(str, seen.breaches))
    hold_back(batch.spark, ingest.lake, ingest.signal, batch.writer, told)
    raise HeldBack(
        f"batch {batch.writer.batch_id} of signal {ingest.signal} is held back, nothing of it was written: {told}. "
        f"Mend the source, or the contract and start the driver again, then: headrace sources resume {ingest.signal} "
        "(with --let-pass to take this batch as it is)"
    )


def _ratio(limits: Limits, rows: int, bad: int) -> Iterator[Verdict]:
    most = limits.max_invalid_ratio
    if most is not None and rows >= limits.min_records and bad > most * rows:
        yield Verdict(
            objective="limits.max_invalid_ratio",
            verdict=BREACH,
            value=bad / rows,
            must=f"at most {most:g}",
            rows_in=rows,
            evidence={"rejected": f"{bad:,} of {rows:,}"},
        )


def _runs(limits: Limits, judged: DataFrame, rejected: Column, *, bad: int, tails: Mapping[str, int]) -> dict[str, Run]:
    """The runs of rejected records; none is looked for where there is no limit or nothing was rejected."""
    if limits.max_consecutive_invalid is None or not bad:
        return {}
    return runs(judged, rejected, ledger.source_slice("envelope.source"), tails)


def _consecutive(limits: Limits, found: Mapping[str, Run], rows: int) -> Iterator[Verdict]:
    most = limits.max_consecutive_invalid
    for name, run in sorted(found.items()):
        if most is not None and run.longest > most:
            yield Verdict(
                objective="limits.max_consecutive_invalid",
                verdict=BREACH,
                value=run.longest,
                must=f"at most {most}",
                rows_in=rows,
                evidence={"slice": name, "from": str(run.position)},
            )


def _measured(contract: Contract, accepted: DataFrame, rows: int) -> dict[str, float]:
    rules = contract.batch_rules
    if not rules:
        return {}
    row = accepted.agg(*[column.alias(str(place)) for place, column in enumerate(counts(rules))]).first()
    values = {one.name: one.value(row[place], rows) for place, one in enumerate(rules) if row is not None}
    return {name: value for name, value in values.items() if value is not None}


def _aggregates(contract: Contract, measured: Mapping[str, float], rows: int) -> Iterator[Verdict]:
    for one in contract.batch_rules:
        if one.name in measured and not one.must.holds(measured[one.name]):
            yield Verdict(
                objective=one.name,
                verdict=BREACH if one.criticality is Criticality.ERROR else WARN,
                value=measured[one.name],
                must=str(one.must),
                rows_in=rows,
                evidence={"rule": str(one)},
            )
