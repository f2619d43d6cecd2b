"""How old an event is when its accepted record, its feature and its decision can be read: headrace, and by hand.

    .venv/bin/python benchmarks/freshness.py [--rate 833] [--rounds 3] [--beside CHECKOUT] [--search] [--json]

A real Kafka broker, and ``steady_load.py`` sending from a process of its own. ``headrace run`` with all its flows, and
``by_hand.py``, take turns, each on a new topic; ``--beside`` runs the headrace of another checkout too. A side is given
a single reading first, and the load when that is decided.

An age is the time at which the commit's file in the Delta log appeared, less the time of the event. It is taken from
outside, of every good record due in the steady part (``--seconds`` after ``--warm``), and the load goes on for a while:

accepted  the commit of the table of signals that has the record.
feature   the first commit of the log of features that has the record in it: of the record's sensor, and of the window
          of a whole minute that it falls into, a value whose count has come to it. A sensor's readings keep their
          order, so the n-th of a window is in each value with a count of n or more.
decision  the commit of the table of predictions that has the record.

A record that cannot be read when the watch ends counts with its age by then, which is too young. ``growth`` is how
much older each batch is than the last, by the slope of a line through them in seconds a minute. Figures are medians of
the rounds, and so are the ratios (x) to the job by hand in the same round; of ``growth`` and ``unread`` the largest.
Then the tables are compared with what was sent, record by record, and of headrace the time at which a decision could
be read with what its row says. What else the machine did before each run is shown, for it must have been nothing.

``--search`` looks for the highest rate that is held, where the age of a decision grows by less than two seconds a
minute and nothing waits a minute after the load: doubled from ``--rate`` until it is not, then bisected.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median

from ages import Ages
from batch import register
from sides import Side, by_hand, headrace
from trial import Bench, Plan, Result, say

from headrace.io.broker import running_broker
from headrace.io.jars import cache_folder, fetch

FLAT_SECONDS_A_MINUTE, DOUBLINGS, BISECTIONS = 2.0, 5, 2
SEARCH_SECONDS, SEARCH_DRAIN_SECONDS, DRAIN_SECONDS = 120, 60, 180
HEADINGS = ("p50 s", "p90 s", "p99 s", "p50 x", "p99 x", "growth", "unread")


def compare(bench: Bench, sides: Sequence[Side], plan: Plan, rounds: int) -> list[list[Result]]:
    """By round what each side did, the order turned about from round to round."""
    return [
        sorted(
            (bench.run(side, plan) for side in (sides if number % 2 == 0 else reversed(sides))),
            key=lambda result: [side.name for side in sides].index(result.side),
        )
        for number in range(rounds)
    ]


def search(bench: Bench, side: Side, plan: Plan) -> list[Result]:
    """All rates that were tried."""
    tried = [bench.run(side, plan)]
    while held(tried[-1]) and len(tried) <= DOUBLINGS:
        tried.append(bench.run(side, replace(plan, rate=tried[-1].rate * 2)))
    if not held(tried[0]) or held(tried[-1]):
        return tried
    low, high = tried[-2].rate, tried[-1].rate
    for _ in range(BISECTIONS):
        tried.append(bench.run(side, replace(plan, rate=(low + high) // 2)))
        low, high = (tried[-1].rate, high) if held(tried[-1]) else (low, tried[-1].rate)
    return tried


def held(result: Result) -> bool:
    growth = result.hops["decision"].growth
    return result.drained is not None and growth is not None and growth < FLAT_SECONDS_A_MINUTE


def show(rounds: Sequence[Sequence[Result]]) -> None:
    """A line a hop and side, then whether all that was sent is there, and what rows say of their age."""
    print(f"{'event to':<10}{'side':<10}" + "".join(f"{name:>8}" for name in HEADINGS))
    for hop in rounds[0][0].hops:
        for place, result in enumerate(rounds[0]):
            mine = [round_[place].hops[hop] for round_ in rounds]
            base = [round_[-1].hops[hop] for round_ in rounds]
            print(f"{hop:<10}{result.side:<10}" + _figures(mine, base, ratios=place < len(rounds[0]) - 1))
    print()
    for result in (result for round_ in rounds for result in round_):
        print(_summary(result))


def _figures(mine: Sequence[Ages], base: Sequence[Ages], *, ratios: bool) -> str:
    p50, p90, p99 = (median(getattr(ages, name) for ages in mine) for name in ("p50", "p90", "p99"))
    line = f"{p50:>8.2f}{p90:>8.2f}{p99:>8.2f}"
    for name in ("p50", "p99"):
        ratio = median(getattr(one, name) / getattr(other, name) for one, other in zip(mine, base, strict=True))
        line += f"{ratio:>8.2f}" if ratios else f"{'':>8}"
    growths = [ages.growth for ages in mine if ages.growth is not None]
    growth = f"{max(growths):.2f}" if growths else "–"
    return line + f"{growth:>8}{max(ages.unread for ages in mine):>8,}"


def _summary(result: Result) -> str:
    """Of one run, within eighty columns."""
    drained = f"all decided {result.drained:.0f} s after the load" if result.drained is not None else "not all decided"
    lines = [
        f"{result.side}, {result.rate:,} a second: first decision {result.first_decision:.0f} s after its start,",
        f"    {drained}; p99 of the load sent {result.sent_late * 1000:.0f} ms late; load before {result.busy:.1f}",
    ]
    for table, account in result.accounts.items():
        exact = "exact" if account.rows == account.due and not account.lost and not account.doubled else "NOT EXACT"
        lines.append(
            f"    {table:<13}{account.due:>9,} due{account.rows:>9,} rows, {account.lost:,} missing,"
            f" {account.doubled:,} too many: {exact}"
        )
    for column, (p50, p99) in result.unsaid.items():
        lines.append(f"    read {p50:.2f} s (p50), {p99:.2f} s (p99) later than {column} says")
    return "\n".join(lines)


def show_search(tried: Sequence[Result]) -> None:
    print(f"{'side':<10}{'rate':>8}{'decision p50 s':>16}{'p99 s':>8}{'growth':>9}{'sent late ms':>14}  held")
    for result in sorted(tried, key=lambda result: (result.side, result.rate)):
        ages, late = result.hops["decision"], result.sent_late * 1000
        growth = "–" if ages.growth is None else f"{ages.growth:.2f}"
        figures = f"{result.rate:>8,}{ages.p50:>16.2f}{ages.p99:>8.2f}{growth:>9}{late:>14.0f}"
        print(f"{result.side:<10}{figures}  {'yes' if held(result) else 'no'}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=int, default=833, help="records a second")
    parser.add_argument("--warm", type=int, default=60, help="seconds of load that do not count")
    parser.add_argument("--seconds", type=int, default=170, help="seconds of load that count")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--side", choices=("headrace", "beside", "by hand"), action="append", help="only this one")
    parser.add_argument("--beside", type=Path, metavar="CHECKOUT")
    parser.add_argument("--search", action="store_true", help="the highest rate each side holds")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that what was started is stopped
    sides = [headrace(), *([headrace(given.beside.resolve())] if given.beside else []), by_hand()]
    sides = [side for side in sides if not given.side or side.name in given.side]
    jars = fetch("broker", conf_dir=None, cache=cache_folder(os.environ), say=say)
    with tempfile.TemporaryDirectory() as folder, running_broker(jars, Path(folder) / "kafka") as broker:
        registry = f"sqlite:///{folder}/mlflow.db"
        with chdir(folder):  # where MLflow puts what it is not told a place for
            register(registry)
        bench = Bench(Path(folder), broker.bootstrap, registry)
        if given.search:
            plan = Plan(given.rate, given.warm, min(given.seconds, SEARCH_SECONDS), SEARCH_DRAIN_SECONDS)
            tried = [result for side in sides for result in search(bench, side, plan)]
        else:
            plan = Plan(given.rate, given.warm, given.seconds, DRAIN_SECONDS)
            rounds = compare(bench, sides, plan, given.rounds)
            tried = [result for round_ in rounds for result in round_]
    if given.json:
        print(json.dumps([asdict(result) for result in tried]))
    elif given.search:
        show_search(tried)
    else:
        show(rounds)


if __name__ == "__main__":
    main()
