"""The proof: read every table again, compare it with the ledger, and the ledger with the sources.

1. balance   every slice: the outcomes add up to the rows counted at the source
2. source    every file has the lines or rows it had; every topic partition was read without a gap to its end
3. committed every batch: what the tables hold now and what expired has the rows and the digest it was committed with
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
from headrace.features.spec import FeatureSet
from headrace.flows.expiry import expired_until, removed
from headrace.flows.generation import begun_with
from headrace.flows.outputs import Output, outputs
from headrace.flows.project import Project
from headrace.flows.table_check import compared
from headrace.io import kafka_admin, ledger
from headrace.io.cut import history_of
from headrace.io.cuts import cuts
from headrace.io.delta_source import source_table
from headrace.io.lake import Lake
from headrace.io.sources import file_lines, files_there
from headrace.tables import LEDGER

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
        for output in outputs(project):
            yield _committed(spark, lake, book, output)
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


def _committed(spark: SparkSession, lake: Lake, book: DataFrame, output: Output) -> Finding:
    """What is there now and what was expired, added up, is what was committed."""
    table, keys = output.table.name, ["query_id", "batch_id", "slice"]
    rows = lake.read(spark, table)
    slices = output.of(rows).groupBy("query_id", "batch_id", F.expr(output.slice).alias("slice"))
    there = slices.agg(ledger.digest(rows, rows.columns).alias("there"))
    mine = book.where(F.col("flow").isin(*output.flows))
    expired = removed(book, output).groupBy(*keys).agg(ledger.total(F.col("removed")).alias("expired"))
    both = there.select(*keys, F.col("there").alias("digest")).union(expired.select(*keys, "expired"))
    now = both.groupBy(*keys).agg(ledger.total(F.col("digest")).alias("now"))
    booked = mine.select(*keys, F.try_element_at("digests", F.lit(table)).alias("booked")).where("booked IS NOT NULL")
    held = booked.join(now, keys, how="full_outer").join(expired, keys, how="left")
    # A batch writes the ledger last: rows of the batch after a query's last booked one may be on their way.
    reached = mine.groupBy("query_id").agg(F.max("batch_id").alias("reached"))
    following = F.greatest(F.coalesce("reached", F.lit(-1)) + 1, F.lit(0))
    under_way = F.col("booked").isNull() & (F.col("batch_id") == following)
    agrees = F.col("booked").eqNullSafe(F.col("now"))
    differing = held.join(reached, "query_id", how="left").where(~agrees & ~under_way)
    wrong = differing.orderBy("batch_id").limit(20).collect()
    return Finding("committed", table, held.count(), tuple(_differs(table, row.asDict()) for row in wrong))


def _differs(table: str, row: Mapping[str, object]) -> str:
    where = f"{table}, query {row['query_id']}, batch {row['batch_id']}, {row['slice']}"
    booked, now, expired = _rows(row["booked"]), _rows(row["now"]), _rows(row["expired"]) or 0
    if booked is None:
        return f"{where}: {now} rows that the ledger does not know"
    if now is None:
        return f"{where}: all {booked} rows are gone"
    expiry = f" and {expired} expired" if expired else ""
    if booked != now:
        return f"{where}: {booked} rows were committed, {now - expired} are there{expiry}"
    return f"{where}: {now - expired} rows as committed{expiry}, but a value in them changed"


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
            wrong.append(f"{name}: {rows} lines were read, the file is gone or can no longer be read")
        elif found.rows != rows:
            wrong.append(f"{name}: {rows} lines were read, the file has {found.rows}")
        elif found.digest != digest:
            wrong.append(f"{name}: {rows} lines as read, but their bytes changed")
    return Finding("source", signal, len(booked), tuple(wrong))


def _slices(spark: SparkSession, signal: str, source: FileSource) -> list[ledger.Slice]:
    try:
        files = files_there(spark, source)
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        return []  # where nothing was read nothing can be gone, and else every file is
    return ledger.slices(file_lines(files, source, signal))


def _topic(mine: DataFrame, signal: str, source: KafkaSource) -> Finding:
    """The newest generation read each partition without a gap, unless offsets without a record are declared."""
    ends = kafka_admin.end_offsets(source.bootstrap, source.topic, source.opened)
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
    # Sessions that are not closed yet are held nowhere but in the stream's state; a generation that was begun after
    # records expired has not the windows they were in.
    some = feature_set.window.gap is not None or expired_until(spark, lake, feature_set.signal) is not None
    right = held <= taken * overlap if some else held == taken * overlap
    if not right and _reads_again(spark, lake, feature_set, query_id, mine):
        later = f"query {query_id}: its stream has still to read records that its history was computed from"
        return Finding("windows", table, taken, unread=(later,))
    wrong = f"query {query_id}: {taken} records in {overlap} windows each, the log's newest values hold {held}"
    return Finding("windows", table, taken, () if right else (wrong,))


def _reads_again(spark: SparkSession, lake: Lake, feature_set: FeatureSet, query_id: str, mine: DataFrame) -> bool:
    """Whether a generation has not come to the end of what its history was computed from: both hold those records."""
    begun = begun_with(spark, lake, feature_set, query_id)
    if begun is None:
        return False
    rows = lake.as_of(spark, f"signals_{feature_set.signal}", begun.signals)
    slices = rows.select(F.concat_ws("/", "query_id", "batch_id").alias("slice")).distinct()
    return not slices.join(mine.select("slice"), "slice", "left_anti").isEmpty()


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
