"""Why Spark's own watermark is kept ``max_jump`` behind the set's delay.

One record that is ten hours ahead, and so plausible on a clock with a jump of twelve, moves the newest event time that
Spark has seen, but not the signal's high-water mark. With a watermark of the set's delay alone Spark drops every good
record of the ten hours that follow, without a word; ``late_by`` says that none of them is late.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from headrace.config import Clock
from headrace.contracts.clock import Mark, advance
from headrace.features.feature import Feature, Op
from headrace.features.spec import FeatureSet
from headrace.features.window import Window
from headrace.features.windows import windowed

CLOCK = Clock(kind="replay", max_jump=timedelta(hours=12), support=3)
SET = FeatureSet(
    name="s",
    signal="x",
    entity=("airport",),
    window=Window(length=(timedelta(hours=1),)),
    delay=timedelta(minutes=10),
    time_to_live=timedelta(hours=6),
    features={"n": Feature(op=Op.COUNT)},
)
START = datetime(2013, 1, 1, tzinfo=UTC)
SCHEMA = "airport STRING, event_time TIMESTAMP, late_by BIGINT"


def batches() -> list[list[datetime]]:
    """Twelve hours of six records each, two hours a batch; the first also brings a record ten hours ahead."""
    good = [[START + timedelta(minutes=10 * tick) for tick in range(12 * n, 12 * n + 12)] for n in range(6)]
    good[0].append(good[0][-1] + timedelta(hours=10))
    return good


def stamped(given: list[list[datetime]]) -> list[pd.DataFrame]:
    """The batches as ingest accepts them."""
    mark, found = Mark(), []
    for times in given:
        seconds = np.array([int(time.timestamp()) for time in times], dtype=np.int64)
        late = [0 if mark.high_water is None else (mark.high_water - int(second)) * 1_000 for second in seconds]
        found.append(pd.DataFrame({"airport": "A", "event_time": times, "late_by": late}))
        mark = advance(CLOCK, mark, seconds, np.ones(len(seconds), dtype=np.int64), now=0).mark
    return found


def counted(spark: SparkSession, folder: Path, watermark: timedelta) -> int:
    """How many records the newest values of all windows hold, after one file a batch."""
    for number, frame in enumerate(stamped(batches())):
        spark.createDataFrame(frame, SCHEMA).coalesce(1).write.parquet(f"{folder}/in/{number}")
    newest: dict[datetime, int] = {}

    def collect(rows: DataFrame, _: int) -> None:
        newest.update({row["window_end"]: row["records"] for row in rows.collect()})

    stream = spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", 1).parquet(f"{folder}/in/*")
    query = (
        windowed(stream, SET, watermark=watermark)
        .writeStream.outputMode("update")
        .option("checkpointLocation", f"{folder}/checkpoint")
        .trigger(availableNow=True)
        .foreachBatch(collect)
        .start()
    )
    query.awaitTermination()
    return sum(newest.values())


@pytest.mark.parametrize(("leeway", "held"), [(CLOCK.max_jump, 73), (timedelta(0), None)], ids=["ours", "naive"])
def test_one_record_far_ahead(spark: SparkSession, tmp_path: Path, leeway: timedelta, held: int | None) -> None:
    late = sum(int((frame["late_by"] > 600_000).sum()) for frame in stamped(batches()))
    assert late == 0
    found = counted(spark, tmp_path, SET.delay + leeway)
    assert found == held if held else found < 73


def test_the_result_is_that_of_one_batch(spark: SparkSession) -> None:
    whole = spark.createDataFrame(pd.concat(stamped(batches())), SCHEMA)
    total = windowed(whole, SET).agg(F.sum("records")).first()
    assert total is not None
    assert total[0] == 73
