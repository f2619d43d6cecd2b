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
    "DEAD_LETTER_ACTIONS",
    "ENDINGS",
    "ENDINGS_OF_SET",
    "HEADERS",
    "LEDGER",
    "MEASUREMENTS",
    "REASON",
    "SCHEMA_DRIFT",
    "SOURCE",
    "SOURCE_LOG",
    "VERDICTS",
    "Column",
    "Table",
    "View",
    "all_predictions",
    "dead_letters_by_state",
    "decision_times",
    "delay_view",
    "feature_views",
    "features_log",
    "ledgered",
    "predictions",
    "signals",
    "sources",
]

# What may stand behind a name in the names of its tables and views.
ENDINGS_OF_SET = ("_log", "_log_ledgered", "_latest", "_cuts", "_delays")
ENDINGS = ("_ledgered",)

SOURCE = "STRUCT<kind: STRING, name: STRING, partition: INT, position: BIGINT, arrived_at: TIMESTAMP>"
REASON = "STRUCT<code: STRING, rule: STRING, field: STRING, message: STRING>"
RECORD_ID = "Where the record came from: signal, file and line or row, or topic, partition and offset."
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

    @property
    def ranged(self) -> tuple[str, ...]:
        """The columns whose range every data file is kept with: times and batches, by which files are apart.

        A file holds one batch, so by any other column a reader would skip none.
        """
        kept = (column.name for column in self.columns if column in WRITER or column.type in ("TIMESTAMP", "DATE"))
        return tuple(name for name in kept if name not in self.partitioned_by)


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
        Column("source", SOURCE, "Position in the source; position is an offset, or a line or row counted from 1."),
        Column("event_time", "TIMESTAMP", "When it happened, if that could be read."),
        Column("rejected_at", "TIMESTAMP", "Time of the batch that rejected it."),
        Column("contract_id", "STRING", "Contract it was judged by."),
        Column("contract_version", "STRING", "Version of that contract."),
        Column("contract_fingerprint", "STRING", "SHA-256 of that contract's rules."),
        *WRITER,
    ),
    partitioned_by=("signal",),
)

DEAD_LETTER_ACTIONS = Table(
    name="dead_letter_actions",
    grain="one action on one dead letter and its outcome; append-only",
    key=("record_id", "stage", "query_id", "batch_id"),
    columns=(
        Column("record_id", "STRING", RECORD_ID),
        Column("stage", "STRING", "Flow that had rejected it."),
        Column("signal", "STRING", "Signal it was sent as."),
        Column("source", SOURCE, "Position in the source; position is an offset, or a line or row counted from 1."),
        Column("action", "STRING", "replay, park or discard."),
        Column("outcome", "STRING", "accepted, rejected, parked or discarded."),
        Column("attempt", "BIGINT", "How many replays the record has had, this one counted."),
        Column("reasons", f"ARRAY<{REASON}>", "Every rule it broke this time."),
        Column("note", "STRING", "What was said of it."),
        Column(
            "patch", "MAP<STRING, STRING>", "The expressions that mended the record on its way, by field; null: none."
        ),
        Column("acted_at", "TIMESTAMP", "When."),
        Column("contract_version", "STRING", "Version of the contract it was judged by this time."),
        Column("contract_fingerprint", "STRING", "SHA-256 of that contract's rules."),
        *WRITER,
    ),
    partitioned_by=("signal",),
)

SCHEMA_DRIFT = Table(
    name="schema_drift",
    grain="one change in what a source sends, in the batch it first occurred in",
    key=("signal", "kind", "field", "detail", "query_id", "batch_id"),
    columns=(
        Column("signal", "STRING", "Signal it was sent as."),
        Column("kind", "STRING", "unknown_field, changed_type, new_value, vanished_field or too_many."),
        Column("field", "STRING", "Field of the contract, or the member it does not name."),
        Column("detail", "STRING", "The type that was sent, or the value; empty for a field that vanished."),
        Column("records", "BIGINT", "Records of the batch that have it."),
        Column("share", "DOUBLE", "Those records as a share of the batch, 0 to 1."),
        Column("record_id", "STRING", "The first of those records; none for a field that vanished."),
        Column("policy", "STRING", "What became of them: kept, kept aside, column added or rejected; else empty."),
        Column("seen_at", "TIMESTAMP", "Time of the batch."),
        Column("contract_version", "STRING", "Version of the contract they were judged by."),
        Column("contract_fingerprint", "STRING", "SHA-256 of that contract's rules."),
        *WRITER,
    ),
    partitioned_by=("signal",),
)

VERDICTS = Table(
    name="verdicts",
    grain="one objective judged once, where it was not simply met",
    key=("objective", "subject", "evidence.window_start", "query_id", "batch_id", "attempt"),
    columns=(
        Column("objective", "STRING", "limits.<limit>, or the name of a contract's rule over many records."),
        Column("subject", "STRING", "Signal it was judged on."),
        Column("verdict", "STRING", "warn, breach, waived: a breach that was let pass once; alarm: of a window."),
        Column("value", "DOUBLE", "What was measured."),
        Column("must", "STRING", "What it had to be."),
        Column("rows_in", "BIGINT", "Records of the batch, or of the window, it was measured on."),
        Column("evidence", "MAP<STRING, STRING>", "Where to look: positions, reasons, an example, a window."),
        Column("judged_at", "TIMESTAMP", "Time of the batch."),
        Column("contract_version", "STRING", "Version of the contract the batch was judged by."),
        Column("contract_fingerprint", "STRING", "SHA-256 of that contract's rules."),
        Column("attempt", "BIGINT", "Transitions the source had behind it; 0 for a window."),
        *WRITER,
    ),
    partitioned_by=("subject",),
)

SOURCE_LOG = Table(
    name="source_log",
    grain="one transition of a signal's source: paused or resumed",
    key=("signal", "sequence"),
    columns=(
        Column("signal", "STRING", "Signal the source sends."),
        Column("sequence", "BIGINT", "Number of the transition, from 1."),
        Column("state", "STRING", "running or paused."),
        Column("cause", "STRING", "operator, or limit: a batch was held back."),
        Column("note", "STRING", "Why, for people."),
        Column("held_query_id", "STRING", "Query of the batch that was held back."),
        Column("held_batch_id", "BIGINT", "Number of that batch."),
        Column("waived", "BOOLEAN", "The batch that was held back may pass once, whatever limit it breaks."),
        Column("changed_at", "TIMESTAMP", "When."),
    ),
    partitioned_by=("signal",),
)

LEDGER = Table(
    name="ledger",
    grain="one slice of one batch of one query; the last write of its batch",
    key=("query_id", "batch_id", "slice"),
    columns=(
        Column("flow", "STRING", "ingest, features, score, replay, backfill, history or maintain."),
        Column("subject", "STRING", "Signal, feature set or model; of maintain the table."),
        Column(
            "slice",
            "STRING",
            "Topic partition, file, or upstream query/batch; '*' is the whole batch; of maintain the slice it is of.",
        ),
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
        Column("readable_at", "TIMESTAMP", "When the rows it wrote to its own table could be read; null: not known."),
        Column("durations", "MAP<STRING, BIGINT>", "Milliseconds of each step of the attempt that ended the batch."),
        Column("end_of_input", "BOOLEAN", "Nothing more comes after this batch."),
        *WRITER,
    ),
    partitioned_by=("flow", "subject"),
)

BATCH_PLANS = Table(
    name="batch_plans",
    grain="the choices fixed for one batch before it had effects",
    key=("query_id", "batch_id", "revision"),
    columns=(
        Column("flow", "STRING", "ingest, features, score, replay, backfill, generation or maintain."),
        Column("subject", "STRING", "Signal, feature set, model or table."),
        Column("planned_at", "TIMESTAMP", "The batch's time."),
        Column(
            "choices",
            "STRING",
            "JSON of a numbered format: clock and limits; model version; cuts; contract fingerprint; null: withdrawn.",
        ),
        Column(
            "revision", "BIGINT", "The highest of a batch holds; 0 unless a plan was withdrawn before it had effects."
        ),
        *WRITER,
    ),
    partitioned_by=("flow", "subject"),
)

MEASUREMENTS = Table(
    name="measurements",
    grain="one metric of one subject, or of one segment of it, as one batch measured it; append-only",
    key=("metric", "subject", "segment", "window_start", "query_id", "batch_id"),
    columns=(
        Column("metric", "STRING", "What was measured."),
        Column("subject", "STRING", "Signal, feature set or model it was measured of."),
        Column("segment", "STRING", "Part of the subject, as a rule or an airport; null is the whole."),
        Column("window_start", "TIMESTAMP", "Start of the event time it covers, inclusive; null: not by event time."),
        Column("window_end", "TIMESTAMP", "End of it, exclusive."),
        Column("value", "DOUBLE", "The value: a count, a share of 1, or in the unit its metric names."),
        Column("records", "BIGINT", "Records it was computed from; null where it is not of records."),
        Column("measured_at", "TIMESTAMP", "Time of the batch that measured it."),
        Column("details", "MAP<STRING, STRING>", "What else is to be said of it."),
        *WRITER,
    ),
    partitioned_by=("subject",),
)


def signals(signal: str, fields: Sequence[Column], grown: Sequence[Column] = ()) -> Table:
    """The accepted records of one signal: its contract's fields, how each came to be here, columns it has grown."""
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
            Column("others", "MAP<STRING, STRING>", "Members its contract does not name, each as JSON; null if none."),
            Column("source", SOURCE, "Position in the source; position is an offset, or a line or row counted from 1."),
            Column("contract_version", "STRING", "Version of the contract that accepted it."),
            *WRITER,
            *grown,
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
                "Per set or prefix, ms from its window's end to event_time; null: no value.",
            ),
            Column("behind", "ARRAY<STRING>", "Sets that had not reached event_time at the cut."),
            Column("arrived_at", "TIMESTAMP", "When the record arrived at the source."),
            Column("signal_age", "BIGINT", "Milliseconds from arrival to the answer."),
            Column("lane", "STRING", "Lane that decided."),
            Column("predicted_at", "TIMESTAMP", "When it was answered; when that could be read: decision_times."),
            Column("signal_query_id", "STRING", "Ingest query that accepted the record."),
            Column("signal_batch_id", "BIGINT", "Its batch."),
            *WRITER,
        ),
    )


def feature_views(feature_set: str, log: Table, entity: Sequence[str]) -> tuple[View, View, View]:
    """``features_<set>``, the values that change no more; ``features_<set>_latest``, the newest of each entity; and
    ``features_<set>_cuts``, every value with the batches in which it counted.
    """
    keys = ", ".join(map(_named, entity))
    values = ", ".join(_named(name) for name in log.names if name not in ("window_date", "query_id"))
    mine = f"flow = 'features' AND subject = '{feature_set}'"
    generation = f"(SELECT max_by(query_id, batch_time) FROM ledger WHERE {mine})"
    # Beside the stream's own: what its backfills changed, and what the generation began with.
    parts = ", ".join(f"concat({generation}, '{part}')" for part in ("", ".history", ".backfill"))
    rank = "CASE WHEN query_id LIKE '%.backfill' THEN 1 ELSE 0 END DESC, batch_id DESC"
    newest = (
        f"SELECT *, row_number() OVER (PARTITION BY {keys}, window_start ORDER BY {rank}) AS place "
        f"FROM {log.name} WHERE query_id IN ({parts})"
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
        View(
            f"features_{feature_set}_cuts",
            "one value of one entity's window, from the batch that gave it to the one that replaced it",
            f"SELECT *, lead(batch_id) OVER (PARTITION BY query_id, {keys}, window_start ORDER BY batch_id) "
            f"AS replaced_in FROM {log.name}",
        ),
    )


# Delays to try, in seconds: from none to a week.
DELAYS = (0, 60, 300, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800)


def delay_view(feature_set: str, signal: str, delay: int, entity: Sequence[str]) -> View:
    """``features_<set>_delays``: had the set's delay, in seconds, been another, how many records would be in time?

    Of all records with the set's entity, be its condition true for them or not. One that came back from the dead
    letters is late under any delay.
    """
    about = " AND ".join(f"{_named(name)} IS NOT NULL" for name in entity)
    tried = ", ".join(f"({seconds})" for seconds in sorted({*DELAYS, delay}))
    in_time = "coalesce(sum(CASE WHEN late_by <= {} THEN 1 ELSE 0 END), 0)"
    return View(
        f"features_{feature_set}_delays",
        "one delay the set could have had, and what it would have saved and cost",
        f"SELECT tried.delay_seconds, tried.delay_seconds - {delay} AS waits_longer_seconds, count(*) AS records, "
        f"{in_time.format('tried.delay_seconds * 1000')} AS records_in_time, "
        f"{in_time.format('tried.delay_seconds * 1000')} - {in_time.format(delay * 1000)} AS records_saved "
        f"FROM signals_{signal} CROSS JOIN (VALUES {tried}) AS tried(delay_seconds) WHERE {about} "
        "GROUP BY tried.delay_seconds",
    )


def all_predictions(outputs: Mapping[str, str]) -> View:
    """``predictions``: the decisions of every model, given each model's output column, under common names."""
    common = "prediction_id, record_id, event_time, {output} AS answer, confidence, model_version, behind, predicted_at"
    parts = [
        f"SELECT '{model}' AS model, {common.format(output=_named(output))} FROM predictions_{model}"
        for model, output in outputs.items()
    ]
    return View("predictions", "one decision of any model", " UNION ALL ".join(parts))


def decision_times(models: Sequence[str]) -> View:
    """``decision_times``: of each decision when every hop behind it was done, by the commits themselves."""
    times = "prediction_id, record_id, event_time, arrived_at, predicted_at, signal_query_id, signal_batch_id"
    parts = [f"SELECT '{model}' AS model, {times}, query_id, batch_id FROM predictions_{model}" for model in models]
    decided = f"WITH decided AS ({' UNION ALL '.join(parts)})"
    commits = "SELECT query_id, batch_id, max(readable_at) AS readable_at FROM ledger GROUP BY query_id, batch_id"
    return View(
        "decision_times",
        "one decision of any model, and when each step up to it was done",
        f"{decided}, commits AS ({commits}) SELECT model, prediction_id, record_id, event_time, arrived_at, "
        "accepted.readable_at AS accepted_at, predicted_at, made.readable_at AS readable_at FROM decided "
        "LEFT JOIN commits AS accepted ON accepted.query_id = signal_query_id AND accepted.batch_id = signal_batch_id "
        "LEFT JOIN commits AS made ON made.query_id = decided.query_id AND made.batch_id = decided.batch_id",
    )


def dead_letters_by_state() -> tuple[View, View]:
    """``dead_letters_by_state``, each dead letter once with its state and attempts, and ``dead_letters_open``."""
    newest = "row_number() OVER (PARTITION BY record_id, stage ORDER BY rejected_at DESC, query_id) AS place"
    done = (
        "SELECT record_id, stage, max(attempt) AS attempts, max_by(outcome, batch_id) AS outcome "
        "FROM dead_letter_actions GROUP BY record_id, stage"
    )
    state = (
        "CASE outcome WHEN 'accepted' THEN 'resolved' WHEN 'parked' THEN 'parked' WHEN 'discarded' THEN 'discarded' "
        "ELSE 'open' END AS state"
    )
    letters = ", ".join(f"letters.{name}" for name in DEAD_LETTERS.names)
    return (
        View(
            "dead_letters_by_state",
            "one rejected record, and what became of it",
            f"WITH letters AS (SELECT *, {newest} FROM dead_letters), done AS ({done}) "
            f"SELECT {letters}, {state}, coalesce(done.attempts, 0) AS attempts FROM letters "
            "LEFT JOIN done ON letters.record_id = done.record_id AND letters.stage = done.stage WHERE place = 1",
        ),
        View(
            "dead_letters_open",
            "one rejected record that nothing has been done about",
            "SELECT * FROM dead_letters_by_state WHERE state = 'open'",
        ),
    )


def sources() -> View:
    """``sources``: the newest transition of every source that ever had one."""
    newest = "row_number() OVER (PARTITION BY signal ORDER BY sequence DESC) AS place"
    columns = ", ".join(SOURCE_LOG.names)
    return View(
        "sources",
        "one signal's source as it stands now; one that is not listed was never paused",
        f"WITH newest AS (SELECT *, {newest} FROM source_log) SELECT {columns} FROM newest WHERE place = 1",
    )


def ledgered(table: Table) -> View:
    """``<table>_ledgered``: only rows of batches that are in the ledger, so of batches that are whole."""
    known = "SELECT 1 FROM ledger WHERE ledger.query_id = rows.query_id AND ledger.batch_id = rows.batch_id"
    return View(
        f"{table.name}_ledgered", table.grain, f"SELECT rows.* FROM {table.name} AS rows WHERE EXISTS ({known})"
    )


def _named(column: str) -> str:
    """A column whose name is not ours, and may be a word of SQL."""
    return f'"{column}"'
