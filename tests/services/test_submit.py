"""Each flow through ``spark-submit`` onto a real standalone cluster, from a real Kafka into Delta."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests import flights
from tests.differences import differences
from tests.services.cluster import Cluster
from tests.services.projects import Place, place, registered, small_place

from headrace.demo.feed import send_to_kafka
from headrace.flows.catalog import tables
from headrace.io import kafka_admin
from headrace.io.broker import Broker
from headrace.tables import DEAD_LETTER_ACTIONS, MEASUREMENTS, SOURCE_LOG, VERDICTS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from tests.services.conftest import Jars

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package zip, as ``make zip`` makes it."""
    archive = tmp_path_factory.mktemp("dist") / "headrace.zip"
    command = [sys.executable, "-m", "zipfile", "-c", str(archive), "headrace"]
    subprocess.run(command, cwd=ROOT / "pipelines", check=True)
    return archive


@pytest.fixture(scope="module")
def here(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Place:
    source = {"kind": "kafka", "bootstrap": broker.bootstrap, "topic": "submit-departures", "max_offsets": 1_500}
    overlay = {"spark": {"shuffle_partitions": 2}, "signals": {"departures": {"source": source}}}
    found = small_place(tmp_path_factory.mktemp("submit"), overlay)
    registered(found.project)
    kafka_admin.create_topic(broker.bootstrap, "submit-departures", 2, {})
    topics = {"departures": "submit-departures"}
    sent = [one for one in flights.sent(date(2013, 1, 1), date(2013, 1, 4)) if one.signal == "departures"]
    send_to_kafka(broker.bootstrap, topics, sent, partitions=2)
    return found


def test_every_flow_on_a_cluster(spark: SparkSession, cluster: Cluster, jars: Jars, here: Place, package: Path) -> None:
    for flow in ("ingest", "features", "score"):
        done = cluster.submit(
            ROOT / "jobs" / f"{flow}.py",
            *("--conf-dir", str(here.conf_dir), "--env", "test", "--once"),
            py_files=[package],
            jars=jars.connectors,
            env={"HEADRACE_HOME": str(here.home)},
        )
        assert done.returncode == 0, done.stderr[-4_000:]
    assert differences(spark, here.project) == {}
    assert set(here.doubled().values()) == {0}
    unused = (DEAD_LETTER_ACTIONS, MEASUREMENTS, VERDICTS, SOURCE_LOG)
    written = [table for table in tables(here.project) if table not in unused]
    empty = [table.name for table in written if here.count(f"SELECT count(*) FROM {table.name}") == 0]
    assert empty == []
    offsets = sum(
        sum(kafka_admin.end_offsets(source.bootstrap, source.topic, {}).values())
        for source in (signal.source for signal in here.project.settings.signals.values())
        if source.kind == "kafka"
    )
    assert here.count("SELECT sum(rows_in) FROM ledger WHERE flow = 'ingest'") == offsets


def test_a_topic_made_anew_is_refused(spark: SparkSession, broker: Broker, tmp_path: Path) -> None:
    """Spark alone would skip what lies below its checkpoint, without a word."""
    from kafka.admin import KafkaAdminClient

    topic = "made-anew"
    source = {"kind": "kafka", "bootstrap": broker.bootstrap, "topic": topic}
    found = place(
        tmp_path, {"spark": {"master": "local[2]", "shuffle_partitions": 2}, "signals": {"weather": {"source": source}}}
    )
    records = [one for one in flights.sent(date(2013, 1, 1), date(2013, 1, 2)) if one.signal == "weather"]
    kafka_admin.create_topic(broker.bootstrap, topic, 1, {})
    send_to_kafka(broker.bootstrap, {"weather": topic}, records[:20])
    flights.taken(spark, found.project, "ingest.weather", ends=False)
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.delete_topics([topic])
    while topic in admin.list_topics():
        pass
    kafka_admin.create_topic(broker.bootstrap, topic, 1, {})
    send_to_kafka(broker.bootstrap, {"weather": topic}, records)
    with pytest.raises(AssertionError, match="was deleted and made anew"):
        flights.taken(spark, found.project, "ingest.weather", ends=False)
    assert found.count("SELECT count(*) FROM signals_weather") <= 20
