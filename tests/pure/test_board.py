"""The live table: whatever the width of the terminal, no number in it is cut off and no failure either."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from headrace.cli.board import Board
from headrace.flows.watched import State
from headrace.io.ledger import Summary


@dataclass
class Named:
    name: str


@dataclass
class Seen:
    """What the board asks of a query under supervision."""

    query: Named
    state: State = State.RUNNING
    error: str = ""

    def waiting(self) -> str:
        return "1,204 offsets"


FAILURE = "the broker localhost:9092 does not answer: is it started, and is that its address in kafka/headrace.yml?"
QUERIES: list[Any] = [
    Seen(Named("ingest.departures")),
    Seen(Named("ingest.weather"), State.WAITING, FAILURE),
    Seen(Named("score.arrives_late")),
]


def summary(name: str, note: str = "") -> Summary:
    at = datetime(2013, 1, 9, 17, 30, tzinfo=UTC)
    outcomes = {"accepted": 3_618, "rejected": 36}
    return Summary(
        query=name, batch_id=12, rows=3_654, outcomes=outcomes, durations={"write": 1_000}, high_water=at, note=note
    )


def drawn(width: int) -> str:
    console = Console(file=StringIO(), force_terminal=True, width=width, height=50, soft_wrap=True, color_system=None)
    with Board(console) as board:
        for said in (summary("ingest.departures"), summary("score.arrives_late", "version 3")):
            logging.getLogger("headrace.batch").info("%s", said, extra={"summary": said})
        board.show(QUERIES)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [72, 80, 100, 140])
def test_what_matters_is_whole_at_any_width(width: int) -> None:
    shown = drawn(width)
    for cell in ("ingest.departures", "12", "3,654", "1.0%", "version 3"):
        assert cell in shown
    assert FAILURE in " ".join(shown.split())


def test_a_wide_terminal_shows_all_columns() -> None:
    shown = drawn(140)
    for title in ("state", "rows/s", "waiting", "dead letters", "event time", "model"):
        assert title in shown
    assert "2013-01-09 17:30" in shown
    assert "1,204 offsets" in shown


def test_elsewhere_a_batch_is_a_line() -> None:
    console = Console(file=StringIO(), width=80)
    with Board(console):
        said = summary("ingest.departures")
        logging.getLogger("headrace.batch").info("%s", said, extra={"summary": said})
    assert isinstance(console.file, StringIO)
    line = "ingest.departures batch 12: 3,654 in, 3,618 accepted, 36 rejected, 1,000 ms"
    assert " ".join(console.file.getvalue().split()) == line
