"""Score: accepted records + features as of their event time → the model's pinned version → ``predictions_<model>``.

The plan of a batch holds everything a second attempt needs to decide alike: the version, and per feature set the
cut, that is the last batch of the set's query that was committed when this batch began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StructField, StructType

from headrace.config import Registry
from headrace.contracts.model import Contract, Kind
from headrace.features.as_of import Values, as_of
from headrace.features.spec import FeatureSet
from headrace.flows import features
from headrace.flows.batch import Batch, Upstream, opened, upstream
from headrace.flows.decisions import ARRIVED_AT, EVENT_TIME, decisions, end_of, unanswered
from headrace.flows.project import Project
from headrace.io import ledger, registry
from headrace.io.checkpoint import Checkpoint
from headrace.io.cuts import Cut, wait_for
from headrace.io.lake import Lake
from headrace.io.plans import planned
from headrace.models.scoring import answered
from headrace.models.spec import Model
from headrace.tables import DEAD_LETTERS, Column, Table, predictions

__all__ = ["Score", "described", "job", "opened_stream", "score_batch", "stream", "table", "with_features"]

FLOW = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """All that one model's batches need.

    texts: those of its inputs that are text. at_most: how many upstream batches a batch takes.
    patient: whether it waits for features that are behind.
    """

    model: Model
    contract: Contract
    feature_sets: Mapping[str, FeatureSet]
    texts: frozenset[str]
    registry: Registry
    lake: Lake
    checkpoint: Checkpoint
    at_most: int
    patient: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What of a batch the model is asked about, and per slice how many records it is not.

    between: the first and the last second of event time among those; None without one.
    """

    count: int
    between: tuple[int, int] | None
    skipped: Mapping[str, int]


def table(score: Score) -> Table:
    """The table of a model's decisions."""
    return predictions(score.model.name, input_columns(score), score.model.output.name)


def input_columns(score: Score) -> list[Column]:
    """The model's inputs as columns: numbers as DOUBLE, whatever they were, and text as STRING.

    One type for every number means that a null, which a DataFrame of integers cannot hold, changes no type.
    """
    return [Column(name, "STRING" if name in score.texts else "DOUBLE") for name in score.model.inputs.columns]


def job(project: Project, name: str, *, patient: bool = True) -> Score:
    """The flow of one model as the project declares it."""
    return described(project, project.models[name], patient=patient)


def described(project: Project, model: Model, *, patient: bool = True) -> Score:
    """The flow of a declaration, on the project's contracts, feature sets and tables."""
    contract = project.contracts[model.signal]
    return Score(
        model=model,
        contract=contract,
        feature_sets={part.set: project.feature_sets[part.set] for part in model.inputs.features},
        texts=frozenset((*_texts(contract), *_text_features(project, model))),
        registry=project.settings.registry,
        lake=Lake(project.settings.storage),
        at_most=project.settings.upstream_batches,
        checkpoint=Checkpoint(f"{project.settings.storage.checkpoint_root}/score/{model.name}"),
        patient=patient,
    )


def _texts(contract: Contract) -> Iterator[str]:
    yield from (field.name for field in contract.fields if field.kind is Kind.STRING)


def _text_features(project: Project, model: Model) -> Iterator[str]:
    for part in model.inputs.features:
        feature_set = project.feature_sets[part.set]
        log = features.table(feature_set, project.contracts[feature_set.signal])
        texts = {column.name for column in log.columns if column.type == "STRING"}
        yield from (f"{part.set}_{name}" for name in part.take if name in texts)


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
    records.persist()
    try:
        with watch.lap("plan"):
            read = upstream(batch, score.lake, f"signals_{score.model.signal}")
            asked = _asked(score, records)
            choices = _planned(score, batch, asked)
        target = table(score)
        unusable = 0
        if asked.between:
            with watch.lap("score"):
                decided = _decided(score, records, choices, batch, asked).persist()
                unusable = decided.where(F.col(score.model.output.name).isNull()).count()
            with watch.lap("write"):
                _write(score, batch, records, decided, target, choices, unusable=unusable)
            decided.unpersist()
    finally:
        records.unpersist()
    with watch.lap("account"):
        entries = _entries(score, batch, target, read, asked.skipped, watch, unusable=unusable)
    note = f"version {choices['version']}" if choices["version"] else ""
    ledger.record(batch.spark, score.lake, entries, batch.writer, note)


def with_features(
    rows: DataFrame,
    model: Model,
    feature_sets: Mapping[str, FeatureSet],
    lake: Lake,
    at: Mapping[str, Cut],
    *,
    between: tuple[int, int] | None = None,
) -> DataFrame:
    """The rows with the model's features as of their event time, at the given cuts; for serving and training alike.

    between: the first and the last second of their event times, where they are known; see ``as_of``.
    """
    sets = [
        Values(
            feature_set=feature_sets[part.set],
            log=lake.read(rows.sparkSession, f"features_{part.set}_log"),
            cut=at[part.set].batches,
            backfill=at[part.set].backfill_id,
            by=part.by,
            take=part.take,
        )
        for part in model.inputs.features
    ]
    return as_of(rows, sets, between=between)


def eligible_records(model: Model) -> SparkColumn:
    """True for a record the model is asked about; a condition that is null means no."""
    condition = F.coalesce(F.expr(model.where), F.lit(False)) if model.where else F.lit(True)
    return condition & (F.col("event_time") >= F.lit(model.start)) if model.start else condition


def input_values(score: Score) -> list[SparkColumn]:
    """The model's inputs under their names and types."""
    return [F.col(column.name).cast(column.type).alias(column.name) for column in input_columns(score)]


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


def _planned(score: Score, batch: Batch, asked: _Asked) -> Mapping[str, Any]:
    """The version and the cuts, chosen once. Without a record to score nothing is chosen, and no model is needed."""

    def choose() -> Mapping[str, Any]:
        if asked.between is None:
            return {"version": None, "cuts": {}}
        needed = {name: _newest_end(feature_set, asked.between[1]) for name, feature_set in score.feature_sets.items()}
        patience = score.model.wait.total_seconds() if score.patient else 0.0
        found = wait_for(batch.spark, score.lake, needed, patience=patience)
        pinned = registry.pin(score.registry, score.model.registered_model, score.model.alias)
        return {"version": pinned.version, "cuts": {name: cut.to_json() for name, cut in found.items()}}

    return planned(batch.spark, score.lake, FLOW, score.model.name, batch.writer, at=batch.offsets.time, choose=choose)


def _newest_end(feature_set: FeatureSet, second: int) -> int:
    """The end of the newest window that had ended by then: windows are aligned to the epoch."""
    step = int(feature_set.window.step.total_seconds())
    return second // step * step


def _decided(score: Score, records: DataFrame, choices: Mapping[str, Any], batch: Batch, asked: _Asked) -> DataFrame:
    """Identity, inputs, answer and ages of each record that is scored: plain columns, a row each."""
    model = score.model
    rows = records.where(eligible_records(model)).select(
        *score.contract.names,
        "record_id",
        "event_time",
        F.col("source.arrived_at").alias(ARRIVED_AT),
        F.col("query_id").alias("signal_query_id"),
        F.col("batch_id").alias("signal_batch_id"),
    )
    joined = with_features(rows, model, score.feature_sets, score.lake, _cuts(choices), between=asked.between)
    plain = joined.select(
        "record_id",
        F.col("event_time").alias(EVENT_TIME),
        ARRIVED_AT,
        "signal_query_id",
        "signal_batch_id",
        *[F.col(f"{name}_end").alias(end_of(name)) for name in score.feature_sets],
        *input_values(score),
    )
    pinned = registry.Pinned(score.registry, model.registered_model, choices["version"])
    added = StructType([StructField(model.output.name, DoubleType()), StructField("confidence", DoubleType())])
    return registry.scored(plain, pinned, partial(answered, model), added, count=asked.count)


def _write(
    score: Score,
    batch: Batch,
    records: DataFrame,
    decided: DataFrame,
    target: Table,
    choices: Mapping[str, Any],
    *,
    unusable: int,
) -> None:
    answer, model = F.col(score.model.output.name), score.model
    if unusable:
        failed = decided.where(answer.isNull()).select("record_id")
        lost = records.join(failed, "record_id", how="left_semi")
        letters = unanswered(lost, batch, model, score.contract, version=choices["version"])
        score.lake.append(letters, DEAD_LETTERS, batch.writer)
    pinned = registry.Pinned(score.registry, model.registered_model, choices["version"])
    rows = decisions(
        decided.where(answer.isNotNull()),
        batch,
        model,
        version=pinned.version,
        model_id=registry.model_id(pinned),
        feature_sets=score.feature_sets,
        at=_cuts(choices),
    )
    score.lake.append(rows, target, batch.writer)


def _cuts(choices: Mapping[str, Any]) -> dict[str, Cut]:
    return {name: Cut.from_json(cut) for name, cut in choices["cuts"].items()}


def _entries(
    score: Score,
    batch: Batch,
    target: Table,
    read: Sequence[Upstream],
    skipped: Mapping[str, int],
    watch: ledger.Stopwatch,
    *,
    unusable: int,
) -> list[ledger.Entry]:
    """One entry an upstream batch: rows by its commit, outcomes by what was committed here."""
    spark, lake = batch.spark, score.lake
    origin = F.concat_ws("/", "signal_query_id", "signal_batch_id")
    decided = ledger.committed(spark, lake, (target,), batch.writer, origin)[target.name]
    letters = _letters_entry(score, batch) if unusable else []
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
            durations=watch.laps,
        )
        for part in read
    ] + letters


def _letters_entry(score: Score, batch: Batch) -> list[ledger.Entry]:
    """The batch's dead letters as a whole: they do not hold which upstream batch their record came in."""
    whole = ledger.committed(batch.spark, score.lake, (DEAD_LETTERS,), batch.writer, F.lit(ledger.WHOLE))
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
