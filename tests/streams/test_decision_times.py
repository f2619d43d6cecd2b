"""When a decision could be read, as the tables say it, beside a clock outside that watches their logs."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

from batch import MODEL, SLIDING, register
from pyspark.sql import SparkSession
from readings import SET, SETTINGS, land, project

from headrace.flows.catalog import tables, views
from headrace.flows.queries import create_tables, queries
from headrace.flows.run import drain
from headrace.io.lake import Lake

# The clock of a file system may lag by so much.
TICK = timedelta(milliseconds=20)


class Watch(Thread):
    """Looks again and again how many entries the log of a table has: between which looks each has come."""

    def __init__(self, table: Path) -> None:
        super().__init__(daemon=True)
        self._log, self._end = table / "_delta_log", Event()
        self.seen: list[tuple[datetime, datetime]] = []

    def run(self) -> None:
        before, known = datetime.now(UTC), len(list(self._log.glob("*.json")))
        while not self._end.is_set():
            now, count = datetime.now(UTC), len(list(self._log.glob("*.json")))
            after = datetime.now(UTC)
            if count > known:
                self.seen.append((before, after))
            before, known = now, count
            time.sleep(0.005)

    def stop(self) -> None:
        self._end.set()
        self.join()


def test_a_decision_says_when_it_could_be_read(spark: SparkSession, tmp_path: Path) -> None:
    registry = f"sqlite:///{tmp_path}/mlflow.db"
    (tmp_path / "landing").mkdir()
    settings = {**SETTINGS, "registry": {"tracking_uri": registry}}
    described = project(tmp_path, settings=settings, feature_set={**SET, **SLIDING}, model=MODEL)
    register(registry)
    create_tables(spark, described)
    land(tmp_path, 0, 50)
    accepted, decided = Watch(tmp_path / "tables/signals_readings"), Watch(tmp_path / "tables/predictions_high")
    accepted.start()
    decided.start()
    drain(spark, described, queries(described), stop=Event(), show=lambda _: None, ends=False)
    accepted.stop()
    decided.stop()

    Lake(described.settings.storage).use(spark, tables(described), views(described))
    rows = spark.sql(
        "SELECT DISTINCT unix_micros(arrived_at), unix_micros(accepted_at), unix_micros(predicted_at), "
        "unix_micros(readable_at) FROM decision_times"
    ).collect()
    assert len(rows) == 1, "one batch of one file"
    arrived_at, accepted_at, predicted_at, readable_at = (
        datetime.fromtimestamp(micros / 1_000_000, UTC) for micros in rows[0]
    )
    ((accepted_after, accepted_by),), ((decided_after, decided_by),) = accepted.seen, decided.seen
    assert accepted_after - TICK <= accepted_at <= accepted_by
    assert decided_after - TICK <= readable_at <= decided_by
    assert arrived_at <= accepted_at <= predicted_at <= readable_at
    assert spark.sql("SELECT count(*) FROM decision_times WHERE model = 'high'").collect()[0][0] == 50
