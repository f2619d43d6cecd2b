"""The proof: read every table again, compare it with the ledger, and the ledger with the sources.

1. balance   every slice: the outcomes add up to the rows counted at the source
2. source    every file has the lines or rows it had; every topic partition was read without a gap to its end
3. committed every batch: what the tables hold now has the rows and the digest it was committed with
4. unbooked  no table holds a row of a batch the ledger does not know, but for the one a query may be in
5. hops      what one flow let through is what the next took in, batch by batch
6. windows   the newest values of a set's windows add up to the records that its generation took in
7. engine    Spark dropped nothing on its own: its watermark never passed ours
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.config import DeltaSource, FileSource, KafkaSource
from headrace.flows import features, ingest_job, score_job
from headrace.flows.project import Project
from headrace.flows.table_check import compared
from headrace.io import kafka_admin, ledger
from headrace.io.cuts import cuts, history_of
from headrace.io.delta_source import source_table
from headrace.io.lake import Lake
from headrace.io.sources import file_lines
from headrace.tables import DEAD_LETTER_ACTIONS, DEAD_LETTERS, LEDGER, Table

__all__ = ["Finding", "check"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the check looked at. ``wrong`` says what does not agree, and is empty where all does.

    unread: what can no longer be looked at, and so is neither right nor wrong.
    """

    check: str
    subject: str
    looked_at: int
    wrong: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def check(spark: SparkSession, project: Project) -> Iterator[Finding]:
    """Every finding, as it is made. Reads all tables and all sources; changes nothing."""
    lake = Lake(project.settings.storage)
    book = lake.read(spark, LEDGER.name).persist()
    try:
        yield _balance(book)
        for signal in project.settings.signals:
            yield _source(spark, project, book, signal)
        for table, slice_of, flows in _outputs(project):
            yield _committed(spark, lake, book, table, slice_of, flows)
        yield from _hops(project, book)
        for name in project.feature_sets:
            yield _windows(spark, lake, project, book, name)
        yield _engine(book)
    finally:
        book.unpersist()


def _balance(book: DataFrame) -> Finding:
    out = F.aggregate(F.map_values("outcomes"), F.lit(0).cast("bigint"), lambda total, each: total + each)
    rows = book.select("flow", "subject", "batch_id", "slice", "rows_in", out.alias("out"))
    wrong = rows.where("rows_in <> out").limit(20).collect()
    said = tuple(
        f"{row['flow']}.{row['subject']} batch {row['batch_id']}, {row['slice']}: "
        f"{row['rows_in']} rows in, {row['out']} accounted for"
        for row in wrong
    )
    return Finding("balance", "ledger", rows.count(), said)


def _outputs(project: Project) -> Iterator[tuple[Table, str, tuple[str, ...]]]:
    """Each table with the slice its rows belong to, as SQL, and the flows whose batches wrote them."""
    source = "concat_ws('/', source.name, cast(source.partition AS STRING))"
    for signal, contract in project.contracts.items():
        yield ingest_job.table(signal, contract), source, ("ingest", "replay")
    yield DEAD_LETTERS, source, ("ingest",)
    yield DEAD_LETTER_ACTIONS, source, ("replay",)
    yield DEAD_LETTERS, f"'{ledger.WHOLE}'", ("score",)
    for feature_set in project.feature_sets.values():
        log = features.table(feature_set, project.contracts[feature_set.signal])
        yield log, f"'{ledger.WHOLE}'", ("features", "backfill", "history")
    for model in project.models.values():
        target = score_job.table(score_job.described(project, model))
        yield target, "concat_ws('/', signal_query_id, cast(signal_batch_id AS STRING))", ("score",)


def _committed(
    spark: SparkSession, lake: Lake, book: DataFrame, table: Table, slice_of: str, flows: tuple[str, ...]
) -> Finding:
    rows = lake.read(spark, table.name)
    if table is DEAD_LETTERS:
        rows = rows.where(F.col("stage").isin(*flows))
    keys = ["query_id", "batch_id", "slice"]
    slices = rows.groupBy("query_id", "batch_id", F.expr(slice_of).alias("slice"))
    now = slices.agg(ledger.digest(rows, rows.columns).alias("now"))
    mine = book.where(F.col("flow").isin(*flows))
    booked = mine.select(*keys, F.try_element_at("digests", F.lit(table.name)).alias("booked")).where(
        "booked IS NOT NULL"
    )
    both = booked.join(now, keys, how="full_outer")
    # A batch writes the ledger last: rows of the batch after a query's last booked one may be on their way.
    reached = mine.groupBy("query_id").agg(F.max("batch_id").alias("reached"))
    following = F.greatest(F.coalesce("reached", F.lit(-1)) + 1, F.lit(0))
    under_way = F.col("booked").isNull() & (F.col("batch_id") == following)
    differing = both.join(reached, "query_id", how="left").where(~F.col("booked").eqNullSafe(F.col("now")) & ~under_way)
    wrong = differing.orderBy("batch_id").limit(20).collect()
    return Finding("committed", table.name, both.count(), tuple(_differs(table.name, row.asDict()) for row in wrong))


def _differs(table: str, row: Mapping[str, object]) -> str:
    where = f"{table}, query {row['query_id']}, batch {row['batch_id']}, {row['slice']}"
    booked, now = _rows(row["booked"]), _rows(row["now"])
    if booked is None:
        return f"{where}: {now} rows that the ledger does not know"
    if now is None:
        return f"{where}: all {booked} rows are gone"
    if booked != now:
        return f"{where}: {booked} rows were committed, {now} are there"
    return f"{where}: {now} rows as committed, but a value in them changed"


def _rows(digest: object) -> int | None:
    return int(str(digest).split(":", 1)[0]) if digest is not None else None


def _source(spark: SparkSession, project: Project, book: DataFrame, signal: str) -> Finding:
    mine = book.where((F.col("flow") == "ingest") & (F.col("subject") == signal) & F.col("digest_in").isNotNull())
    source = project.settings.signals[signal].source
    if isinstance(source, DeltaSource):
        return _table(spark, mine, signal, source)
    return _files(spark, mine, signal, source) if isinstance(source, FileSource) else _topic(mine, signal, source)


def _table(spark: SparkSession, mine: DataFrame, signal: str, source: DeltaSource) -> Finding:
    booked = {row["slice"]: (row["rows_in"], row["digest_in"]) for row in mine.collect()}
    found = compared(spark, source_table(spark, source), booked)
    return Finding("source", signal, len(booked), found.wrong, found.unread)


def _files(spark: SparkSession, mine: DataFrame, signal: str, source: FileSource) -> Finding:
    """Only files the ledger knows are compared: the others wait for the next batch."""
    there = {part.name: part for part in _slices(spark, signal, source)}
    wrong = []
    booked = mine.select("slice", "rows_in", "digest_in").collect()
    for name, rows, digest in booked:
        found = there.get(name)
        if found is None:
            wrong.append(f"{name}: {rows} lines were read, the file is gone")
        elif found.rows != rows:
            wrong.append(f"{name}: {rows} lines were read, the file has {found.rows}")
        elif found.digest != digest:
            wrong.append(f"{name}: {rows} lines as read, but their bytes changed")
    return Finding("source", signal, len(booked), tuple(wrong))


def _slices(spark: SparkSession, signal: str, source: FileSource) -> list[ledger.Slice]:
    try:
        files = spark.read.format("binaryFile").load(source.path)
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        return []  # where nothing was read nothing can be gone, and else every file is
    return ledger.slices(file_lines(files, signal))


def _topic(mine: DataFrame, signal: str, source: KafkaSource) -> Finding:
    """The newest generation read each partition without a gap, unless offsets without a record are declared."""
    options = {name: value.get_secret_value() for name, value in source.options.items()}
    ends = kafka_admin.end_offsets(source.bootstrap, source.topic, options)
    wrong, looked = [], 0
    newest = mine.groupBy("query_id").agg(F.max("batch_time").alias("at")).orderBy(F.desc("at")).first()
    if newest is None:
        return Finding("source", signal, 0)
    parts = mine.where(F.col("query_id") == newest["query_id"]).orderBy("slice", "slice_from").collect()
    reached: dict[str, int] = {}
    hint = "" if source.gaps else " (a topic with transactions or compaction declares 'gaps: true')"
    for row in parts:
        looked += 1
        before, span = reached.get(row["slice"], row["slice_from"]), row["slice_to"] - row["slice_from"]
        if row["slice_from"] < before or (row["slice_from"] > before and not source.gaps):
            wrong.append(f"{row['slice']}: batches meet at offset {before} and {row['slice_from']}{hint}")
        if row["rows_in"] > span or (row["rows_in"] < span and not source.gaps):
            wrong.append(f"{row['slice']}: {row['rows_in']} records at {span} offsets{hint}")
        reached[row["slice"]] = row["slice_to"]
    for partition, end in ends.items():
        if reached.get(f"{source.topic}/{partition}", 0) > end:
            wrong.append(f"{source.topic}/{partition}: read beyond its end {end}: the topic was made anew")
    return Finding("source", signal, looked, tuple(wrong))


def _hops(project: Project, book: DataFrame) -> Iterator[Finding]:
    """What ingest accepted in a batch is what each later flow took in, once its queries have come that far."""
    for flow, subject, signal in (
        *(("features", name, one.signal) for name, one in project.feature_sets.items()),
        *(("score", name, one.signal) for name, one in project.models.items()),
    ):
        sent = (
            book.where(F.col("flow").isin("ingest", "replay") & (F.col("subject") == signal))
            .groupBy(F.concat_ws("/", "query_id", "batch_id").alias("slice"), "batch_time")
            .agg(F.sum(F.coalesce(F.col("outcomes")["accepted"], F.lit(0))).alias("sent"))
        )
        own = book.where((F.col("flow") == flow) & (F.col("subject") == subject) & F.col("slice").contains("/"))
        took = own.groupBy("slice").agg(
            F.sum("rows_in").alias("took"), F.countDistinct("query_id").alias("generations")
        )
        both = sent.join(took, "slice", how="full_outer").collect()
        reached = max(
            (row["batch_time"] for row in both if row["took"] is not None and row["batch_time"]), default=None
        )
        wrong = []
        for row in both:
            behind = row["took"] is None and (reached is None or row["batch_time"] > reached)
            expected = (row["sent"] or 0) * (row["generations"] or 1)
            if not behind and expected != (row["took"] or 0):
                wrong.append(
                    f"{flow}.{subject}, upstream {row['slice']}: {row['sent']} accepted, {row['took']} taken in"
                )
        yield Finding("hops", f"{flow}.{subject}", len(both), tuple(wrong))


def _windows(spark: SparkSession, lake: Lake, project: Project, book: DataFrame, name: str) -> Finding:
    """Of the set's generation: what its stream and its history hold is what they took in, in each window it is in."""
    feature_set, table = project.feature_sets[name], f"features_{name}_log"
    query_id = cuts(spark, lake, [name])[name].query_id
    rows = lake.read(spark, table).where(F.col("query_id").isin(query_id, history_of(query_id)))
    newest = rows.groupBy(*feature_set.entity, "window_start", "window_end").agg(
        F.max_by("records", "batch_id").alias("records")
    )
    mine = book.where((F.col("flow") == "features") & (F.col("query_id") == query_id))
    held, taken = _total(newest, F.col("records")), _total(mine, F.col("outcomes")["windowed"])
    overlap = feature_set.window.overlap
    # Sessions that are not closed yet are held nowhere but in the stream's state.
    right = held <= taken if feature_set.window.gap else held == taken * overlap
    wrong = f"query {query_id}: {taken} records in {overlap} windows each, the log's newest values hold {held}"
    return Finding("windows", table, taken, () if right else (wrong,))


def _total(rows: DataFrame, column: Column) -> int:
    row = rows.agg(F.coalesce(F.sum(column), F.lit(0)).cast("bigint").alias("total")).first()
    return int(row["total"]) if row is not None else 0


def _engine(book: DataFrame) -> Finding:
    rows = book.where((F.col("flow") == "features") & F.col("engine_watermark").isNotNull())
    passed = rows.where("engine_watermark > watermark").limit(20).collect()
    said = tuple(
        f"features.{row['subject']} batch {row['batch_id']}: Spark's watermark {row['engine_watermark']} "
        f"passed the ledger's {row['watermark']}"
        for row in passed
    )
    return Finding("engine", "watermarks", rows.count(), said)
