"""The rows a batch of score writes: a decision for each record that was answered, a dead letter for any other."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from headrace.contracts.model import Contract
from headrace.contracts.reason_columns import reason
from headrace.contracts.reasons import Reason
from headrace.features.spec import FeatureSet
from headrace.flows.batch import Batch, stamped
from headrace.io.cut import Cut
from headrace.io.wall import now
from headrace.models.scoring import REASON
from headrace.models.spec import Model
from headrace.tables import HEADERS

__all__ = ["ARRIVED_AT", "EVENT_TIME", "decisions", "end_of", "unanswered"]

# Beside the inputs, which are named by the model, the columns of an answered row need names of their own.
EVENT_TIME, ARRIVED_AT = "_event_time", "_arrived_at"


def end_of(name: str) -> str:
    """The column with the end of the window that the values of one of a model's ``FeatureInput`` came from."""
    return f"_end_{name}"


def decisions(
    answered: DataFrame,
    batch: Batch,
    model: Model,
    *,
    version: str,
    model_id: str | None,
    feature_sets: Mapping[str, FeatureSet],
    at: Mapping[str, Cut],
) -> DataFrame:
    """Answered rows as rows of ``predictions_<model>``: what was answered, on which inputs, how old those were."""
    event, answered_at = F.col(EVENT_TIME), F.lit(now())
    behind = [_behind(feature_sets[name], at[name], event) for name in feature_sets]
    names = [part.name for part in model.inputs.features]
    ages = [part for name in names for part in (F.lit(name), F.unix_millis(event) - F.unix_millis(end_of(name)))]
    return stamped(answered, batch.writer).select(
        F.concat(F.lit(f"{model.name}/"), "record_id").alias("prediction_id"),
        "record_id",
        event.alias("event_time"),
        model.output.name,
        "confidence",
        F.lit(version).alias("model_version"),
        F.lit(model_id).cast("string").alias("model_id"),
        F.struct(*model.inputs.columns).alias("inputs"),
        F.create_map(*ages).cast("map<string,bigint>").alias("feature_ages"),
        F.array_compact(F.array(*behind)).cast("array<string>").alias("behind"),
        F.col(ARRIVED_AT).alias("arrived_at"),
        (F.unix_millis(answered_at) - F.unix_millis(ARRIVED_AT)).alias("signal_age"),
        F.lit("table").alias("lane"),
        answered_at.alias("predicted_at"),
        "signal_query_id",
        "signal_batch_id",
        "query_id",
        "batch_id",
    )


def unanswered(records: DataFrame, batch: Batch, model: Model, contract: Contract, *, version: str) -> DataFrame:
    """Accepted records as dead letters: their fields as JSON (ingest has the payload), who failed on them, and why.

    records: with the column ``REASON``.
    """
    said = f"{Reason.NOT_SCORED.message}: {model.name} version {version}"
    why = reason(Reason.NOT_SCORED, rule=model.name, message=said, found=F.col(REASON))
    return stamped(records, batch.writer).select(
        "record_id",
        F.lit(model.signal).alias("signal"),
        F.lit("score").alias("stage"),
        F.array(why).alias("reasons"),
        F.lit(None).cast("binary").alias("key"),
        F.to_json(F.struct(*contract.names)).cast("binary").alias("value"),
        F.lit(None).cast(HEADERS).alias("headers"),
        "source",
        "event_time",
        F.lit(batch.offsets.time).alias("rejected_at"),
        F.lit(contract.id).alias("contract_id"),
        "contract_version",
        F.lit(contract.fingerprint).alias("contract_fingerprint"),
        "query_id",
        "batch_id",
    )


def _behind(feature_set: FeatureSet, cut: Cut, event: Column) -> Column:
    """The set's name where its signal had not reached the newest window that had ended by the event, else null."""
    if cut.high_water is None:
        return F.lit(feature_set.name)
    second = F.unix_seconds(event)
    needed = second - F.pmod(second, F.lit(int(feature_set.window.step.total_seconds())))
    return F.when(needed > cut.high_water, feature_set.name)
