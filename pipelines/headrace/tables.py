"""Every table and view headrace keeps: names, schemas, grain, keys, comments. The one place that names them.

Types are Spark DDL. Tables use no feature that delta-rs cannot read (no deletion vectors, no column mapping, no v2
checkpoints), so DuckDB, polars and pandas read them without a JVM.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = [
    "BATCH_PLANS",
    "DEAD_LETTERS",
    "HEADERS",
    "LEDGER",
    "REASON",
    "SOURCE",
    "Column",
    "Table",
    "View",
    "all_predictions",
    "feature_views",
    "features_log",
    "ledgered",
    "predictions",
    "signals",
]

SOURCE = "STRUCT<kind: STRING, name: STRING, partition: INT, position: BIGINT, arrived_at: TIMESTAMP>"
REASON = "STRUCT<code: STRING, rule: STRING, field: STRING, message: STRING>"
RECORD_ID = "Where the record came from: signal, file and line, or topic, partition and offset."
HEADERS = "ARRAY<STRUCT<key: STRING, value: BINARY>>"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, Spark DDL type, and what it says, with its unit."""

    name: str
    type: str
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table: what a row of it is (``grain``), which columns identify a row (``key``), how it is laid out."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    partitioned_by: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True, slots=True)
class View:
    """A query under a plain name, in the SQL that Spark, Databricks and DuckDB share."""

    name: str
    grain: str
    sql: str


WRITER = (
    Column("query_id", "STRING", "Query that wrote the row; a new checkpoint is a new query."),
    Column("batch_id", "BIGINT", "Micro-batch of that query."),
)

DEAD_LETTERS = Table(
    name="dead_letters",
    grain="one rejected record, as it came",
    key=("record_id", "stage", "query_id"),
    columns=(
        Column("record_id", "STRING", RECORD_ID),
        Column("signal", "STRING", "Signal it was sent as."),
        Column("stage", "STRING", "Flow that rejected it."),
        Column("reasons", f"ARRAY<{REASON}>", "Every rule it broke."),
        Column("key", "BINARY", "Key, as it came."),
        Column("value", "BINARY", "Payload, as it came."),
        Column("headers", HEADERS, "Headers, as they came."),
        Column("source", SOURCE, "Position in the source; position is an offset or a line counted from 1."),
        Column("event_time", "TIMESTAMP", "When it happened, if that could be read."),
        Column("rejected_at", "TIMESTAMP", "Time of the batch that rejected it."),
        Column("contract_id", "STRING", "Contract it was judged by."),
        Column("contract_version", "STRING", "Version of that contract."),
        Column("contract_fingerprint", "STRING", "SHA-256 of that contract's rules."),
        *WRITER,
    ),
    partitioned_by=("signal",),
)

LEDGER = Table(
    name="ledger",
    grain="one slice of one batch of one query; the last write of its batch",
    key=("query_id", "batch_id", "slice"),
    columns=(
        Column("flow", "STRING", "ingest, features or score."),
        Column("subject", "STRING", "Signal, feature set or model."),
        Column("slice", "STRING", "Topic partition, file, or upstream query/batch; '*' is the batch as a whole."),
        Column("slice_from", "BIGINT", "First offset or line of the slice in this batch."),
        Column("slice_to", "BIGINT", "One past the last."),
        Column("rows_in", "BIGINT", "Rows counted at the source."),
        Column("digest_in", "STRING", "rows:hash over the raw payloads, in any order."),
        Column("outcomes", "MAP<STRING, BIGINT>", "Where those rows went; adds up to rows_in."),
        Column("digests", "MAP<STRING, STRING>", "Per table, rows:hash over what was committed, in any order."),
        Column("high_water", "TIMESTAMP", "The signal's high-water mark after this batch."),
        Column("watermark", "TIMESTAMP", "No later batch changes a window that ended at or before this."),
        Column("engine_watermark", "TIMESTAMP", "Spark's own watermark in this batch, from its offsets log."),
        Column("batch_time", "TIMESTAMP", "The batch's time, from Spark's offsets log; the same on every attempt."),
        Column("durations", "MAP<STRING, BIGINT>", "Milliseconds of each step of the attempt that ended the batch."),
        Column("end_of_input", "BOOLEAN", "Nothing more comes after this batch."),
        *WRITER,
    ),
    partitioned_by=("flow", "subject"),
)

BATCH_PLANS = Table(
    name="batch_plans",
    grain="the choices fixed for one batch before it had effects",
    key=("query_id", "batch_id"),
    columns=(
        Column("flow", "STRING", "ingest, features or score."),
        Column("subject", "STRING", "Signal, feature set or model."),
        Column("planned_at", "TIMESTAMP", "The batch's time."),
        Column("choices", "STRING", "JSON: high-water marks and limits; model version; cuts; contract fingerprint."),
        *WRITER,
    ),
    partitioned_by=("flow", "subject"),
)


def signals(signal: str, fields: Sequence[Column]) -> Table:
    """The accepted records of one signal: its contract's fields, then how each came to be here."""
    return Table(
        name=f"signals_{signal}",
        grain="one accepted record",
        key=("record_id", "query_id"),
        columns=(
            *fields,
            Column(
                "record_id", "STRING", "Where the record came from: signal, file and line or topic, partition, offset."
            ),
            Column("event_time", "TIMESTAMP", "When it happened."),
            Column("late_by", "BIGINT", "Milliseconds behind the signal's high-water mark; negative is ahead."),
            Column("warnings", f"ARRAY<{REASON}>", "Rules it broke that only warn."),
            Column("source", SOURCE, "Position in the source; position is an offset or a line counted from 1."),
            Column("contract_version", "STRING", "Version of the contract that accepted it."),
            *WRITER,
        ),
    )


def features_log(feature_set: str, entity: Sequence[Column], features: Sequence[Column]) -> Table:
    """Every value each batch gave to a window of a feature set; the newest value of a window counts."""
    return Table(
        name=f"features_{feature_set}_log",
        grain="one value of one entity's window as of one batch; append-only",
        key=(*(column.name for column in entity), "window_start", "query_id", "batch_id"),
        columns=(
            *entity,
            Column("window_start", "TIMESTAMP", "Start of the window, inclusive."),
            Column("window_end", "TIMESTAMP", "End of the window, exclusive."),
            *features,
            Column("records", "BIGINT", "Records in the window so far."),
            Column("computed_at", "TIMESTAMP", "Time of the batch that computed it."),
            Column("window_date", "DATE", "Date of window_end, in UTC."),
            *WRITER,
        ),
        partitioned_by=("window_date",),
    )


def predictions(model: str, inputs: Sequence[Column], output: str) -> Table:
    """Every decision of one model, with all that led to it."""
    members = ", ".join(f"`{column.name}`: {column.type}" for column in inputs)
    return Table(
        name=f"predictions_{model}",
        grain="one decision on one record",
        key=("prediction_id", "query_id"),
        columns=(
            Column("prediction_id", "STRING", "Model and record."),
            Column("record_id", "STRING", "Record the decision is about."),
            Column("event_time", "TIMESTAMP", "When that happened."),
            Column(output, "DOUBLE", "What the model answered."),
            Column("confidence", "DOUBLE", "max(p, 1 - p) of a probability; null for other answers."),
            Column("model_version", "STRING", "Version in the registry, pinned for the batch."),
            Column("model_id", "STRING", "MLflow's id of the logged model."),
            Column("inputs", f"STRUCT<{members}>", "What the model saw."),
            Column(
                "feature_ages",
                "MAP<STRING, BIGINT>",
                "Per set, ms from its window's end to event_time; null: no value.",
            ),
            Column("behind", "ARRAY<STRING>", "Sets that had not reached event_time at the cut."),
            Column("signal_age", "BIGINT", "Milliseconds from arrival to the batch that decided."),
            Column("lane", "STRING", "Lane that decided."),
            Column("predicted_at", "TIMESTAMP", "Time of the batch that decided."),
            Column("signal_query_id", "STRING", "Ingest query that accepted the record."),
            Column("signal_batch_id", "BIGINT", "Its batch."),
            *WRITER,
        ),
    )


def feature_views(feature_set: str, log: Table, entity: Sequence[str]) -> tuple[View, View]:
    """``features_<set>``, the values that change no more, and ``features_<set>_latest``, the newest of each entity."""
    keys = ", ".join(entity)
    values = ", ".join(name for name in log.names if name not in ("window_date", "query_id"))
    mine = f"flow = 'features' AND subject = '{feature_set}'"
    generation = f"(SELECT max_by(query_id, batch_time) FROM ledger WHERE {mine})"
    newest = (
        f"SELECT *, row_number() OVER (PARTITION BY {keys}, window_start ORDER BY batch_id DESC) AS place "
        f"FROM {log.name} WHERE query_id = {generation}"
    )
    watermark = f"(SELECT max(watermark) FROM ledger WHERE {mine} AND query_id = {generation})"
    rank = f"row_number() OVER (PARTITION BY {keys} ORDER BY window_end DESC) AS rank"
    last = f"SELECT *, {rank} FROM newest WHERE place = 1"
    return (
        View(
            f"features_{feature_set}",
            "one final value of one entity's window",
            f"WITH newest AS ({newest}) SELECT {values} FROM newest WHERE place = 1 AND window_end <= {watermark}",
        ),
        View(
            f"features_{feature_set}_latest",
            "one entity's newest value, final or not",
            f"WITH newest AS ({newest}), last AS ({last}) SELECT {values} FROM last WHERE rank = 1",
        ),
    )


def all_predictions(outputs: Mapping[str, str]) -> View:
    """``predictions``: the decisions of every model, given each model's output column, under common names."""
    common = "prediction_id, record_id, event_time, {output} AS answer, confidence, model_version, behind, predicted_at"
    parts = [
        f"SELECT '{model}' AS model, {common.format(output=output)} FROM predictions_{model}"
        for model, output in outputs.items()
    ]
    return View("predictions", "one decision of any model", " UNION ALL ".join(parts))


def ledgered(table: Table) -> View:
    """``<table>_ledgered``: only rows of batches that are in the ledger, so of batches that are whole."""
    known = "SELECT 1 FROM ledger WHERE ledger.query_id = rows.query_id AND ledger.batch_id = rows.batch_id"
    return View(
        f"{table.name}_ledgered", table.grain, f"SELECT rows.* FROM {table.name} AS rows WHERE EXISTS ({known})"
    )
