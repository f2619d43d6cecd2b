"""Check a feature set: its log against its signal, and what decisions were made on against its log.

Everything is computed a second time from the tables: each window's value from the accepted records that its query had
taken in, and each value that a model was given, at the cut that its batch recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.features.compare import Compared, compared
from headrace.features.windows import windowed
from headrace.flows import backfill, features, renew
from headrace.flows.catalog import feature_table
from headrace.flows.expiry import expired_until
from headrace.flows.features import Features
from headrace.flows.generation import Opening, begun_with, current
from headrace.flows.plans.backfill import BackfillPlan
from headrace.flows.project import Project
from headrace.flows.served_check import served
from headrace.io.cut import Cut, backfill_of, history_of
from headrace.io.plan_format import read_plan
from headrace.tables import BATCH_PLANS, LEDGER

__all__ = ["check"]


def check(spark: SparkSession, project: Project, name: str) -> Iterator[Compared]:
    """What was compared, column by column, as it is done. Reads tables; changes nothing.

    Raises UsageError when there is no such set, ConfigError where its tables hold another generation.
    """
    described = features.job(project, name)
    cut = current(spark, described.lake, described.feature_set, described.checkpoint)
    if cut is None:
        return
    begun = begun_with(spark, described.lake, described.feature_set, cut.query_id)
    yield from _streamed(spark, described, cut, begun)
    if begun is not None and begun.boundary is not None:
        yield from _history(spark, described, cut, begun, begun.boundary)
    yield from _backfilled(spark, described, cut)
    for model in project.models.values():
        for part in model.inputs.features:
            if part.set == name:
                yield from served(spark, project, model, part)


def _streamed(spark: SparkSession, described: Features, cut: Cut, begun: Opening | None) -> Iterator[Compared]:
    """The newest value the stream gave each window, against the records that its batches had taken in."""
    feature_set = described.feature_set
    expected = windowed(_taken_in(spark, described, cut), feature_set)
    if begun is not None and begun.boundary is not None:
        expected = expected.where(F.unix_micros("window_end") > begun.boundary * 1_000_000)
    if feature_set.window.gap:
        expected = expected.where(F.col("window_end") <= F.lit(_closed_until(spark, described, cut)))
    yield from _against_log(spark, described, cut.query_id, expected, "stream")


def _taken_in(spark: SparkSession, described: Features, cut: Cut) -> DataFrame:
    """The records of every upstream batch that the stream's batches up to the cut had read."""
    book = described.lake.read(spark, LEDGER.name).where((F.col("flow") == features.FLOW) & (F.col("batch_id") >= 0))
    read = book.where((F.col("query_id") == cut.query_id) & (F.col("batch_id") <= cut.batch_id)).select("slice")
    rows = described.lake.read(spark, f"signals_{described.feature_set.signal}")
    slices = rows.withColumn("slice", F.concat_ws("/", "query_id", "batch_id"))
    return slices.join(F.broadcast(read.distinct()), "slice", "left_semi")


def _closed_until(spark: SparkSession, described: Features, cut: Cut) -> datetime | None:
    """Spark's own watermark in the last batch: it had given out every session that ended by then."""
    book = described.lake.read(spark, LEDGER.name).where(F.col("query_id") == cut.query_id)
    row = book.agg(F.max("engine_watermark").alias("watermark")).first()
    return row["watermark"] if row is not None else None


def _history(spark: SparkSession, described: Features, cut: Cut, begun: Opening, boundary: int) -> Iterator[Compared]:
    """What the generation began with, against the records there were then."""
    rows = described.lake.as_of(spark, f"signals_{described.feature_set.signal}", begun.signals)
    expected = windowed(rows, described.feature_set).where(F.unix_micros("window_end") <= boundary * 1_000_000)
    yield from _against_log(spark, described, history_of(cut.query_id), expected, renew.FLOW)


def _against_log(
    spark: SparkSession, described: Features, query_id: str, expected: DataFrame, part: str
) -> Iterator[Compared]:
    feature_set, types = described.feature_set, _types(described)
    keys = [*feature_set.entity, "window_start", "window_end"]
    log = described.lake.read(spark, f"features_{feature_set.name}_log").where(F.col("query_id") == query_id)
    log, expected = (_computable(spark, described, rows) for rows in (log, expected))
    newest = log.groupBy(*keys).agg(F.max_by(F.struct(*types), "batch_id").alias("value")).select(*keys, "value.*")
    yield from compared(newest, expected, f"features_{feature_set.name}_log, {part}", keys, types, how="full_outer")


def _computable(spark: SparkSession, described: Features, rows: DataFrame) -> DataFrame:
    """Without windows that may have held a record that has expired."""
    expired = expired_until(spark, described.lake, described.feature_set.signal)
    if expired is None:
        return rows
    return rows.where(F.col("window_start") > F.lit(expired + (described.feature_set.window.gap or timedelta(0))))


def _backfilled(spark: SparkSession, described: Features, cut: Cut) -> Iterator[Compared]:
    """What each batch of the backfills wrote, against the records that it took in."""
    lake, feature_set, query_id = described.lake, described.feature_set, backfill_of(cut.query_id)
    plans = lake.read(spark, BATCH_PLANS.name).where((F.col("flow") == backfill.FLOW) & (F.col("query_id") == query_id))
    for row in plans.where("choices IS NOT NULL").orderBy("batch_id").select("batch_id", "choices").collect():
        held = lake.batches(spark, f"features_{feature_set.name}_log", query_id, row["batch_id"], row["batch_id"])
        held = _computable(spark, described, held)
        plan = read_plan(BackfillPlan, row["choices"], f"batch {row['batch_id']} of {backfill.FLOW} {feature_set.name}")
        expected = backfill.windows(spark, lake, feature_set, plan)
        table = f"features_{feature_set.name}_log, backfill {row['batch_id']}"
        keys = [*feature_set.entity, "window_start", "window_end"]
        yield from compared(held, expected, table, keys, _types(described), how="left")


def _types(described: Features) -> Mapping[str, str]:
    """The columns that hold values, each with its type."""
    table = feature_table(described.feature_set, described.contract)
    types = {column.name: column.type for column in table.columns}
    return {name: types[name] for name in (*described.feature_set.columns, "records")}
