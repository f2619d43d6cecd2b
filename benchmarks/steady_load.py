"""Readings at a steady pace into a Kafka topic: an open loop, which a slow reader or a slow sender does not slow down.

    .venv/bin/python benchmarks/steady_load.py BOOTSTRAP TOPIC FIRST RATE COUNT

FIRST is when the first is due, in microseconds since 1970. Each bears the time it is due as its event time, whenever it
is sent; no two bear the same, so that a reading is known by its time. Prints the 99th percentile of how many seconds
they were sent late.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

SENSORS, PARTITIONS, BAD_EVERY = 500, 2, 997
_SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK_SECONDS = 0.01

Times = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Load:
    """``count`` readings of which the first is due at ``first``, in microseconds since 1970; ``rate`` a second.

    Sensors take turns. One in ``BAD_EVERY`` is bad: its value is no number.
    """

    first: int
    rate: int
    count: int

    @property
    def times(self) -> Times:
        """When each is due."""
        return self.first + np.arange(self.count, dtype=np.int64) * _SECOND // self.rate

    @property
    def sensors(self) -> Times:
        """The number of each one's sensor."""
        return np.arange(self.count, dtype=np.int64) % SENSORS

    @property
    def bad(self) -> npt.NDArray[np.bool_]:
        return np.equal(np.arange(self.count) % BAD_EVERY, BAD_EVERY - 1)


def reading(sensor: int, due: int, value: float | str) -> bytes:
    """A record: JSON."""
    at = (_EPOCH + timedelta(microseconds=due)).isoformat(timespec="microseconds")
    shown = f'"{value}"' if isinstance(value, str) else value
    return f'{{"sensor":"s{sensor}","at":"{at}","value":{shown}}}'.encode()


def send(bootstrap: str, topic: str, load: Load) -> float:
    """Send each when it is due, a sensor's readings in order. How late they were sent: seconds, 99th percentile.

    Raises KafkaError where the broker does not take one.
    """
    from kafka import KafkaProducer

    failures, late = list[BaseException](), np.empty(load.count)
    with KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5, batch_size=65_536) as producer:
        for number, (due, bad) in enumerate(zip(load.times.tolist(), load.bad.tolist(), strict=True)):
            while (ahead := due / _SECOND - time.time()) > 0:
                time.sleep(max(ahead, _TICK_SECONDS))
            sensor = number % SENSORS
            value = reading(sensor, due, "n/a" if bad else number % 17 / 4)
            producer.send(topic, value, partition=sensor % PARTITIONS).add_errback(failures.append)
            late[number] = -ahead
        producer.flush()
    if failures:
        raise failures[0]
    return float(np.percentile(late, 99))


if __name__ == "__main__":
    print(send(sys.argv[1], sys.argv[2], Load(*map(int, sys.argv[3:]))))
