"""Score: accepted records + features as of their event time → the model's pinned version → ``predictions_<model>``.

The plan of a batch holds everything a second attempt needs to decide alike: the version, and per feature set the
cut, that is the last batch of the set's query that was committed when this batch began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StringType, StructField, StructType

from headrace.errors import HeadraceError
from headrace.features.spec import FeatureSet
from headrace.flows.batch import Batch, Upstream, opened, readable_at, rows_of, upstream
from headrace.flows.decisions import ARRIVED_AT, EVENT_TIME, decisions, end_of, unanswered
from headrace.flows.plans.score import ScorePlan
from headrace.flows.score_job import FLOW, Score, eligible_records, input_values, with_features
from headrace.io import ledger, registry
from headrace.io.cuts import wait_for
from headrace.io.plans import planned, withdraw
from headrace.io.spark_failures import of_headrace
from headrace.models.scoring import REASON, answered
from headrace.tables import DEAD_LETTERS, Table, predictions

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["opened_stream", "score_batch", "stream"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What of a batch the model is asked about, and per slice how many records it is not.

    between: the first and the last second of event time among those; None without one.
    """

    count: int
    between: tuple[int, int] | None
    skipped: Mapping[str, int]


def stream(spark: SparkSession, score: Score) -> DataFrame:
    """The accepted records of the model's signal, as they were committed."""
    return score.lake.stream(spark, f"signals_{score.model.signal}", version=0, max_files=score.at_most)


def opened_stream(score: Score, spark: SparkSession) -> tuple[DataFrame, Callable[[DataFrame, int], None]]:
    """The stream and what takes its batches."""
    return stream(spark, score), partial(score_batch, score)


def score_batch(score: Score, records: DataFrame, batch_id: int) -> None:
    """Take one batch through the flow. Any number of attempts leave what one would have left."""
    watch = ledger.Stopwatch()
    batch = opened(records, batch_id, score.checkpoint)
    target = predictions(score.model.name, score.inputs, score.model.output.name)
    kept = list[DataFrame]()
    try:
        with watch.lap("plan"):
            signal = f"signals_{score.model.signal}"
            read = upstream(batch, score.lake, signal)
            # Of what a batch is handed no column can be left out; of the same files by their names all but a few are.
            if (rows := rows_of(batch.spark, score.lake, signal, read)) is not None:
                records = rows
            else:
                kept.append(records.persist())
            asked = _asked(score, records)
            plan = _planned(score, batch, asked, target)
        unusable = 0
        if asked.between:
            with watch.lap("score"), _planned_anew_if_it_fails(score, batch, target):
                decided, answers = _decided(score, records, plan, batch, asked)
                if answers is None:
                    kept.append(decided.persist())
                    unusable = decided.where(F.col(score.model.output.name).isNull()).count()
                else:
                    unusable = int(answers[score.model.output.name].isna().sum())
            with watch.lap("write"):
                _write(score, batch, records, decided, target, plan, unusable=unusable, few=answers is not None)
    finally:
        for frame in kept:
            frame.unpersist()
    with watch.lap("account"):
        entries = _entries(score, batch, target, read, asked.skipped, watch, plan.after, unusable=unusable)
    note = f"version {plan.version}" if plan.version else ""
    ledger.record(batch.spark, score.lake, entries, batch.writer, note)


def _asked(score: Score, records: DataFrame) -> _Asked:
    asked = eligible_records(score.model)
    second = F.when(asked, F.unix_seconds("event_time"))
    counted = (
        records.groupBy(F.concat_ws("/", "query_id", "batch_id").alias("slice"))
        .agg(
            F.count_if(asked).alias("asked"),
            F.count_if(~asked).alias("skipped"),
            F.min(second).alias("first"),
            F.max(second).alias("last"),
        )
        .collect()
    )
    times = [row[end] for row in counted for end in ("first", "last") if row[end] is not None]
    return _Asked(
        count=sum(row["asked"] for row in counted),
        between=(min(times), max(times)) if times else None,
        skipped={row["slice"]: row["skipped"] for row in counted},
    )


def _planned(score: Score, batch: Batch, asked: _Asked, target: Table) -> ScorePlan:
    """The version and the cuts, chosen once. Without a record to score nothing is chosen, and no model is needed."""

    def choose() -> ScorePlan:
        if asked.between is None:
            return ScorePlan(version=None, cuts={})
        model = score.model
        pinned = registry.pin(score.registry, model.registered_model, model.alias, remedy=model.first_version)
        registry.load(pinned)  # one that cannot be is not chosen
        needed = {name: _newest_end(feature_set, asked.between[1]) for name, feature_set in score.feature_sets.items()}
        patience = model.wait.total_seconds() if score.patient else 0.0
        found = wait_for(batch.spark, score.lake, needed, patience=patience)
        after = batch.versions(score.lake, (target, DEAD_LETTERS))
        return ScorePlan(version=pinned.version, cuts=found, after=after)

    spark, lake, at = batch.spark, score.lake, batch.offsets.time
    return planned(spark, lake, ScorePlan, score.model.name, batch.writer, at=at, choose=choose)


@contextmanager
def _planned_anew_if_it_fails(score: Score, batch: Batch, target: Table) -> Iterator[None]:
    """Withdraw the plan of a batch whose version fails, while it has no effects: the next attempt asks the alias."""
    try:
        yield
    except Exception as error:
        if isinstance(error, HeadraceError) or of_headrace(str(error)) is not None:
            spark, lake, writer = batch.spark, score.lake, batch.writer
            if not any(lake.has_commit(spark, table.name, writer) for table in (DEAD_LETTERS, target)):
                withdraw(spark, lake, ScorePlan, score.model.name, writer, at=batch.offsets.time)
        raise


def _newest_end(feature_set: FeatureSet, second: int) -> int:
    """The end of the newest window that had ended by then: windows are aligned to the epoch.

    0 for sessions: they come too late to be waited for.
    """
    if feature_set.window.gap is not None:
        return 0
    step = int(feature_set.window.step.total_seconds())
    return second // step * step


def _decided(
    score: Score, records: DataFrame, plan: ScorePlan, batch: Batch, asked: _Asked
) -> tuple[DataFrame, pd.DataFrame | None]:
    """Identity, inputs, answer and ages of each record that is scored: plain columns, a row each; see ``scored``."""
    model = score.model
    entities = [field for part in model.inputs.features for field in part.by.values()]
    rows = records.where(eligible_records(model)).select(
        *dict.fromkeys((*model.inputs.signal, *entities)),
        "record_id",
        "event_time",
        F.col("source.arrived_at").alias(ARRIVED_AT),
        F.col("query_id").alias("signal_query_id"),
        F.col("batch_id").alias("signal_batch_id"),
    )
    joined = with_features(rows, model, score.feature_sets, score.lake, plan.cuts, between=asked.between)
    plain = joined.select(
        "record_id",
        F.col("event_time").alias(EVENT_TIME),
        ARRIVED_AT,
        "signal_query_id",
        "signal_batch_id",
        *[F.col(f"{part.name}_end").alias(end_of(part.name)) for part in model.inputs.features],
        *input_values(score),
    )
    pinned = _pinned(score, plan)
    kinds = {model.output.name: DoubleType(), "confidence": DoubleType(), REASON: StringType()}
    added = StructType([StructField(name, kind) for name, kind in kinds.items()])
    return registry.scored(plain, pinned, partial(answered, model), added, count=asked.count)


def _write(
    score: Score,
    batch: Batch,
    records: DataFrame,
    decided: DataFrame,
    target: Table,
    plan: ScorePlan,
    *,
    unusable: int,
    few: bool,
) -> None:
    answer, model, pinned = F.col(score.model.output.name), score.model, _pinned(score, plan)
    if unusable:
        lost = records.join(decided.where(answer.isNull()).select("record_id", REASON), "record_id")
        letters = unanswered(lost, batch, model, score.contract, version=pinned.version)
        score.lake.append(letters, DEAD_LETTERS, batch.writer, after=plan.after.get(DEAD_LETTERS.name))
    rows = decisions(
        decided.where(answer.isNotNull()),
        batch,
        model,
        version=pinned.version,
        model_id=registry.load(pinned).model_id,
        feature_sets=score.feature_sets,
        at=plan.cuts,
    )
    score.lake.append(rows, target, batch.writer, after=plan.after.get(target.name), few=few)


def _pinned(score: Score, plan: ScorePlan) -> registry.Pinned:
    assert plan.version is not None, "a batch with a record to score has a version"
    return registry.Pinned(score.registry, score.model.registered_model, plan.version)


def _entries(
    score: Score,
    batch: Batch,
    target: Table,
    read: Sequence[Upstream],
    skipped: Mapping[str, int],
    watch: ledger.Stopwatch,
    after: Mapping[str, int],
    *,
    unusable: int,
) -> list[ledger.Entry]:
    """One entry an upstream batch: rows by its commit, outcomes by what was committed here."""
    spark, lake = batch.spark, score.lake
    origin = F.concat_ws("/", "signal_query_id", "signal_batch_id")
    readable = readable_at(batch, lake, target, after)
    decided = ledger.committed(spark, lake, (target,), batch.writer, origin, after)[target.name]
    letters = _letters_entry(score, batch, after) if unusable else []
    rejected = _rejected_by_slice(score, batch) if unusable else {}
    return [
        ledger.Entry(
            flow=FLOW,
            subject=score.model.name,
            slice=part.slice,
            rows_in=part.rows,
            outcomes={
                "predicted": decided.get(part.slice, (0, ""))[0],
                "rejected": rejected.get(part.slice, 0),
                "skipped": skipped.get(part.slice, 0),
            },
            digests={target.name: decided[part.slice][1]} if part.slice in decided else {},
            engine_watermark=batch.offsets.watermark,
            batch_time=batch.offsets.time,
            readable_at=readable,
            durations=watch.laps,
        )
        for part in read
    ] + letters


def _letters_entry(score: Score, batch: Batch, after: Mapping[str, int]) -> list[ledger.Entry]:
    """The batch's dead letters as a whole: they do not hold which upstream batch their record came in."""
    letters, slice_ = (DEAD_LETTERS,), F.lit(ledger.WHOLE)
    whole = ledger.committed(batch.spark, score.lake, letters, batch.writer, slice_, after)
    return [
        ledger.Entry(
            flow=FLOW,
            subject=score.model.name,
            slice=ledger.WHOLE,
            rows_in=0,
            outcomes={},
            digests={DEAD_LETTERS.name: total},
            batch_time=batch.offsets.time,
        )
        for _, total in whole[DEAD_LETTERS.name].values()
    ]


def _rejected_by_slice(score: Score, batch: Batch) -> dict[str, int]:
    writer, lake = batch.writer, score.lake
    letters = lake.batches(batch.spark, DEAD_LETTERS.name, writer.query_id, writer.batch_id, writer.batch_id)
    accepted = lake.read(batch.spark, f"signals_{score.model.signal}")
    accepted = accepted.join(letters.select("record_id"), "record_id", how="left_semi")
    counted = accepted.groupBy(F.concat_ws("/", "query_id", "batch_id").alias("slice")).count()
    return {row["slice"]: row["count"] for row in counted.collect()}
