"""One side under load once: started, given a single reading, then the load, and looked at when all is decided."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from ages import Account, Ages, account, ages, unsaid
from sides import Input, Running, Side
from steady_load import PARTITIONS, SENSORS, Load, reading

from headrace.io.kafka_admin import create_topic

_STARTS_WITHIN_SECONDS, _LEAD_SECONDS, _TAIL_SECONDS = 300, 5, 15
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """``warm`` seconds of load, then ``seconds`` that count, then a tail; then at most ``drain`` without any."""

    rate: int
    warm: int
    seconds: int
    drain: int

    def load(self, first: int) -> Load:
        return Load(first, self.rate, self.rate * (self.warm + self.seconds + _TAIL_SECONDS))

    def steady(self, first: int) -> tuple[int, int]:
        """From when to when the load counts, in microseconds as ``first`` is."""
        begin = first + self.warm * _SECOND
        return begin, begin + self.seconds * _SECOND


@dataclass(frozen=True, slots=True)
class Result:
    """What a side did.

    busy: the machine's load average before. first_decision: seconds from the start of its process until one could be
    read. sent_late: of the load, seconds, 99th percentile. drained: seconds from the end of the load until all was
    decided; None where that took too long.
    hops, accounts: as ``ages`` and ``account`` say. unsaid: as ``unsaid`` says, of headrace only.
    """

    side: str
    rate: int
    busy: float
    first_decision: float
    sent_late: float
    drained: float | None
    hops: dict[str, Ages]
    accounts: dict[str, Account]
    unsaid: dict[str, tuple[float, float]]


class Bench:
    """A broker and a registry, and a folder for the sides that are tried on them, one at a time."""

    def __init__(self, home: Path, bootstrap: str, registry: str) -> None:
        self._home, self._bootstrap, self._registry = home, bootstrap, registry
        self._numbers = count()

    def run(self, side: Side, plan: Plan) -> Result:
        """Raises RuntimeError where the side ends by itself, or decides nothing, or the load cannot be sent."""
        topic = f"readings{next(self._numbers)}"
        busy = os.getloadavg()[0]
        say(f"{side.name}, {plan.rate:,} a second")
        create_topic(self._bootstrap, topic, PARTITIONS, {})
        knock = self._knock(topic)
        (home := self._home / topic).mkdir()
        began = time.time()
        with side.running(home, Input(self._bootstrap, topic, self._registry)) as running:
            predictions = running.tables.predictions
            if running.poll_until(lambda: predictions.rows > 0, _STARTS_WITHIN_SECONDS) is None:
                raise RuntimeError(f"no decision in {_STARTS_WITHIN_SECONDS} s\n{running.last_lines()}")
            first_decision = predictions.commits[-1].time - began
            say(f"  first decision after {first_decision:.0f} s")
            load = plan.load((int(time.time()) + _LEAD_SECONDS) * _SECOND)
            sent_late = self._send(topic, load, running)
            due = int((~load.bad).sum()) + 1
            say(f"  {predictions.rows:,} of {due:,} decided when the load ends")
            drained = running.poll_until(lambda: predictions.rows >= due, plan.drain)
            ended = time.time()
        tables, steady = running.tables, plan.steady(load.first)
        result = Result(
            side=side.name,
            rate=plan.rate,
            busy=busy,
            first_decision=first_decision,
            sent_late=sent_late,
            drained=drained,
            hops=ages(tables, load, steady, ended),
            accounts=account(tables, load, knock),
            unsaid=unsaid(tables.predictions, steady) if side.says_ages else {},
        )
        shutil.rmtree(home)
        return result

    def _knock(self, topic: str) -> int:
        """Send one reading, of a sensor of its own, so that starting is no part of the load. When it was due."""
        from kafka import KafkaProducer

        due = time.time_ns() // 1_000
        with KafkaProducer(bootstrap_servers=self._bootstrap) as producer:
            producer.send(topic, reading(SENSORS, due, 1.0), partition=0).get(60)
        return due

    def _send(self, topic: str, load: Load, running: Running) -> float:
        """Have the load sent by a process of its own, and watch the side meanwhile. How late it was sent."""
        script, numbers = Path(__file__).with_name("steady_load.py"), (load.first, load.rate, load.count)
        command = [sys.executable, str(script), self._bootstrap, topic, *map(str, numbers)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sender:
            try:
                running.poll_until(lambda: sender.poll() is not None, float("inf"))
            finally:
                sender.kill()
            output, _ = sender.communicate()
        if sender.returncode:
            raise RuntimeError("the load could not be sent")
        return float(output)


def say(text: str) -> None:
    """A word on how far it is."""
    print(text, file=sys.stderr, flush=True)
