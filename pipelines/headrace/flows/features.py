"""Features: accepted signals → event-time windows an entity → ``features_<set>_log``, ``ledger``.

Every batch appends the new value of each window it touched. Which value is final is not written on it: the ledger
records how far the signal had come, and a window that ended at or before that can change no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.contracts.model import Contract
from headrace.contracts.types import column_type
from headrace.errors import ConfigError
from headrace.features.spec import FeatureSet
from headrace.features.windows import feature_type, on_time, windowed
from headrace.flows.batch import Batch, Upstream, instant, opened, stamped, upstream
from headrace.flows.online_follow import Follower, catch_up
from headrace.flows.project import Project
from headrace.io import ledger
from headrace.io.checkpoint import Checkpoint
from headrace.io.lake import Lake, Writer
from headrace.io.online.codec import Codec
from headrace.io.plans import plan_of, planned
from headrace.tables import Column, Table, features_log

__all__ = ["Features", "features_batch", "job", "opened_stream", "stream", "table"]

FLOW = "features"


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """All that one feature set's batches need.

    at_most: how many upstream batches a batch takes.
    leeway: how far a record may run ahead of the high-water mark; Spark's own watermark stays behind by this much
        more than the set's delay, so that one record far ahead cannot make it drop the others.
    online: what brings the online view up to the log; None where the settings name none.
    """

    feature_set: FeatureSet
    contract: Contract
    leeway: timedelta
    lake: Lake
    checkpoint: Checkpoint
    at_most: int
    online: Follower | None = None


def table(feature_set: FeatureSet, contract: Contract) -> Table:
    """The log of a feature set."""
    entity = [
        Column(name, column_type(contract.field(name)), contract.field(name).description) for name in feature_set.entity
    ]
    features = []
    for name, feature in feature_set.features.items():
        field_type = column_type(contract.field(feature.of)) if feature.of else None
        comment = f"{feature.description} [{feature.unit}]" if feature.unit else feature.description
        features.append(Column(name, feature_type(feature, field_type), comment))
    return features_log(feature_set.name, entity, features)


def job(project: Project, name: str) -> Features:
    """The flow of one feature set as the project declares it."""
    feature_set = project.feature_sets[name]
    return Features(
        feature_set=feature_set,
        contract=project.contracts[feature_set.signal],
        leeway=project.settings.signals[feature_set.signal].clock.max_jump,
        lake=Lake(project.settings.storage),
        at_most=project.settings.upstream_batches,
        checkpoint=Checkpoint(f"{project.settings.storage.checkpoint_root}/features/{name}"),
        online=_follower(project, feature_set),
    )


def _follower(project: Project, feature_set: FeatureSet) -> Follower | None:
    if project.settings.online is None:
        return None
    log = table(feature_set, project.contracts[feature_set.signal])
    return Follower(
        feature_set=feature_set,
        codec=Codec.of(log, feature_set.entity, feature_set.columns),
        log=log.name,
        leeway=project.settings.signals[feature_set.signal].clock.max_jump,
        lake=Lake(project.settings.storage),
        place=project.settings.online,
    )


def stream(spark: SparkSession, features: Features) -> DataFrame:
    """The set's windows as a stream in update mode, from the first version of the signal's table on."""
    _refuse_other_definition(spark, features)
    rows = features.lake.stream(spark, f"signals_{features.feature_set.signal}", version=0, max_files=features.at_most)
    return windowed(rows, features.feature_set, watermark=features.feature_set.delay + features.leeway)


def opened_stream(features: Features, spark: SparkSession) -> tuple[DataFrame, Callable[[DataFrame, int], None]]:
    """The stream and what takes its batches. What the online view lacks from before is made up for first."""
    frame = stream(spark, features)
    catch_up(spark, features.online)
    return frame, partial(features_batch, features)


def features_batch(features: Features, windows: DataFrame, batch_id: int) -> None:
    """Take one batch through the flow. Any number of attempts leave what one would have left."""
    watch = ledger.Stopwatch()
    batch = opened(windows, batch_id, features.checkpoint)
    tried_before = True

    def choose() -> Mapping[str, Any]:
        nonlocal tried_before
        tried_before = False
        return _choices(features, batch, read)

    with watch.lap("plan"):
        read = upstream(batch, features.lake, f"signals_{features.feature_set.signal}")
        name, at = features.feature_set.name, batch.offsets.time
        choices = planned(batch.spark, features.lake, FLOW, name, batch.writer, at=at, choose=choose)
    target = table(features.feature_set, features.contract)
    with watch.lap("write"):
        rows = _logged(windows, batch)
        # What is there already is not written again, and so would not be computed; but Spark wants its state anew.
        rows = _computed(rows) if tried_before else rows
        features.lake.append(rows, target, batch.writer)
        rows.unpersist()
    with watch.lap("account"):
        entries = _entries(features, batch, target, read, choices, watch)
    ledger.record(batch.spark, features.lake, entries, batch.writer)
    catch_up(batch.spark, features.online)


def _refuse_other_definition(spark: SparkSession, features: Features) -> None:
    query_id = features.checkpoint.query_id(spark)
    if query_id is None:
        return
    rows = features.lake.read(spark, "batch_plans").where((F.col("query_id") == query_id) & (F.col("flow") == FLOW))
    stored = rows.select(F.get_json_object("choices", "$.definition").alias("definition")).first()
    if stored is not None and stored["definition"] != features.feature_set.fingerprint:
        raise ConfigError(
            [
                f"features/{features.feature_set.name}.yml: the definition of this set changed, and its checkpoint "
                "holds windows of the old one: give the new definition another name, or put the old one back"
            ]
        )


def _choices(features: Features, batch: Batch, read: Sequence[Upstream]) -> Mapping[str, Any]:
    """How far the signal had come with the last upstream batch of this one that ingest wrote, or else before it."""
    signal = features.feature_set.signal
    plans = (plan_of(batch.spark, features.lake, "ingest", signal, part.writer) for part in reversed(read))
    last = next((plan for plan in plans if plan is not None), None)
    high_water = last["mark"]["high_water"] if last else _reached_before(features, batch)
    return {
        "definition": features.feature_set.fingerprint,
        "read": [part.slice for part in read],
        "high_water": high_water,
        "watermark": _watermark(features, high_water),
    }


def _reached_before(features: Features, batch: Batch) -> int | None:
    before = Writer(batch.writer.query_id, batch.writer.batch_id - 1)
    plan = plan_of(batch.spark, features.lake, FLOW, features.feature_set.name, before)
    return plan["high_water"] if plan else None


def _watermark(features: Features, high_water: int | None) -> int | None:
    """No record with an earlier event time will ever be on time again: ``late_by`` is at most the delay."""
    return None if high_water is None else high_water - int(features.feature_set.delay.total_seconds())


def _computed(rows: DataFrame) -> DataFrame:
    kept = rows.persist()
    kept.count()
    return kept


def _logged(windows: DataFrame, batch: Batch) -> DataFrame:
    return stamped(windows, batch).withColumns(
        {"computed_at": F.lit(batch.offsets.time), "window_date": F.to_date("window_end")}
    )


def _entries(
    features: Features,
    batch: Batch,
    target: Table,
    read: Sequence[Upstream],
    choices: Mapping[str, Any],
    watch: ledger.Stopwatch,
) -> list[ledger.Entry]:
    """One entry an upstream batch, and one for what this batch committed as a whole."""
    spark, lake = batch.spark, features.lake
    written = ledger.committed(spark, lake, (target,), batch.writer, F.lit(ledger.WHOLE))[target.name]
    outcomes = _outcomes(features, batch, read)
    common: dict[str, Any] = {
        "flow": FLOW,
        "subject": features.feature_set.name,
        "high_water": instant(choices["high_water"]),
        "watermark": instant(choices["watermark"]),
        "engine_watermark": batch.offsets.watermark,
        "batch_time": batch.offsets.time,
        "durations": watch.laps,
    }
    digests = {target.name: written[ledger.WHOLE][1]} if written else {}
    whole = ledger.Entry(slice=ledger.WHOLE, rows_in=0, outcomes={}, digests=digests, **common)
    parts = [
        ledger.Entry(slice=part.slice, rows_in=part.rows, outcomes=outcomes.get(part.slice, {}), **common)
        for part in read
    ]
    return [whole, *parts]


def _outcomes(features: Features, batch: Batch, read: Sequence[Upstream]) -> dict[str, dict[str, int]]:
    """How many records of each upstream batch are in windows and how many were left out, counted in its table."""
    if not read:
        return {}
    rows = features.lake.read(batch.spark, f"signals_{features.feature_set.signal}")
    first, last = read[0].writer.batch_id, read[-1].writer.batch_id
    if read[0].writer.query_id == read[-1].writer.query_id:
        rows = rows.where((F.col("query_id") == read[0].writer.query_id) & F.col("batch_id").between(first, last))
    timely = on_time(features.feature_set)
    counted = rows.groupBy(F.concat_ws("/", "query_id", "batch_id").alias("slice")).agg(
        F.count_if(timely).alias("windowed"), F.count_if(~timely).alias("late")
    )
    return {row["slice"]: {"windowed": row["windowed"], "late": row["late"]} for row in counted.collect()}
