"""What the online view costs: writing many entities at once, and reading one or a hundred of them.

    .venv/bin/python benchmarks/online.py [ENTITIES]

SQLite in a file of this machine; Redis, where there is a server to start, on a socket of its own. A batch has three
windows of each entity, of six values each, as Arrow columns, as a batch leaves Spark. It is written to an empty store,
then with newer values, then as a retry. Readers ask for entities at random, one after another.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pyarrow as pa
from pydantic import SecretStr

from headrace.config import Online, RedisOnline, SqliteOnline
from headrace.features.spec import FeatureSet
from headrace.flows.online import OnlineView
from headrace.io.cut import Cut
from headrace.io.online import Held, open_store
from headrace.io.online.codec import Codec
from headrace.tables import Column

WINDOWS, VALUES, SECONDS = 3, 6, 4.0
NAMES = [f"value_{place}" for place in range(VALUES)]
SET = FeatureSet.model_validate(
    {
        "name": "load",
        "signal": "orders",
        "entity": ["customer"],
        "window": {"length": "1 hour"},
        "delay": "5 minutes",
        "time_to_live": "1 day",
        "features": {name: {"op": "mean", "of": name} for name in NAMES},
    }
)
CODEC = Codec((Column("customer", "STRING"),), tuple(Column(name, "DOUBLE") for name in NAMES))


def batch(entities: int, number: int) -> pa.Table:
    rows, times = entities * WINDOWS, pa.timestamp("us", tz="UTC")
    ends = [(place % WINDOWS + 1) * 3_600_000_000 for place in range(rows)]
    values = {name: [random.random() for _ in range(rows)] for name in NAMES}
    return pa.table(
        {
            "customer": [f"customer-{place // WINDOWS:09d}" for place in range(rows)],
            "window_end": pa.array(ends, times),
            "computed_at": pa.array(ends, times),
            "backfilled": [0] * rows,
            "batch_id": [number] * rows,
            **values,
        }
    )


@contextmanager
def sqlite() -> Iterator[Online]:
    with tempfile.TemporaryDirectory() as folder:
        yield SqliteOnline(kind="sqlite", path=f"{folder}/online.db")


@contextmanager
def redis() -> Iterator[Online]:
    program = shutil.which("redis-server", path=f"{Path(sys.executable).parent}:/usr/bin:/usr/local/bin")
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "redis.sock"
        server = subprocess.Popen(
            [program or "redis-server", "--port", "0", "--unixsocket", str(socket), "--save", ""],
            stdout=subprocess.DEVNULL,
        )
        try:
            while not socket.exists() and server.poll() is None:
                time.sleep(0.05)
            yield RedisOnline(kind="redis", url=SecretStr(f"unix://{socket}"))
        finally:
            server.kill()
            server.wait()


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def written(view: OnlineView, what: pa.Table) -> None:
    view.store.put(SET.name, "space", view.codec.rows(what), WINDOWS)


def read(view: OnlineView, entities: int, keys: int) -> list[float]:
    """How long each of as many reads took as there was time for."""
    now, took, ends = datetime(1970, 1, 1, 3, tzinfo=UTC), list[float](), time.monotonic() + SECONDS
    while time.monotonic() < ends:
        asked = [{"customer": f"customer-{random.randrange(entities):09d}"} for _ in range(keys)]
        took.append(seconds(partial(view.get, asked, now)))
    return sorted(took)


def measured(name: str, place: Online, entities: int) -> None:
    first, second = batch(entities, 0), batch(entities, 1)
    with open_store(place) as store:
        view = OnlineView(SET, CODEC, store)
        for what, rows in (("empty", first), ("newer", second), ("retry", second)):
            took = seconds(partial(written, view, rows))
            print(f"{name:8} write {entities:,} entities, {what:6} {took:>9.2f} s")
        store.swap(SET.name, None, Held(space="space", definition=SET.fingerprint, cut=Cut("query", 1, None)))
        for keys in (1, 100):
            times = read(view, entities, keys)
            p50, p99 = (times[int(len(times) * share)] * 1_000 for share in (0.5, 0.99))
            reads = len(times) / sum(times)
            print(f"{name:8} read {keys:3} keys {reads:>9,.0f} reads/s, p50 {p50:.2f} ms, p99 {p99:.2f} ms")


def main(entities: int) -> None:
    with sqlite() as place:
        measured("SQLite", place, entities)
    with redis() as place:
        measured("Redis", place, entities)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
