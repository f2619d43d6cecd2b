"""The live table of ``headrace run``: one row a query, kept from the batch summaries the flows log."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from headrace.cli.output import in_one_line

if TYPE_CHECKING:
    from headrace.flows.watched import Watched
    from headrace.io.ledger import Summary

__all__ = ["Board"]

_TITLES = ("query", "state", "batch", "rows", "rows/s", "waiting", "dead letters", "event time", "model")


class Board(logging.Handler):
    """Shows where each query is: a live table on a terminal, a line a batch elsewhere. A context manager."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.INFO)
        self._console = console
        self._newest: dict[str, Summary] = {}
        self._rejected: dict[str, int] = {}
        self._rows: dict[str, int] = {}
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None

    def __enter__(self) -> Board:
        logging.getLogger("headrace").addHandler(self)
        logging.getLogger("headrace").setLevel(logging.INFO)
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("headrace").removeHandler(self)
        if self._live is not None:
            self._live.stop()

    def emit(self, record: logging.LogRecord) -> None:
        summary: Summary | None = getattr(record, "summary", None)
        if summary is not None:
            self._count(summary)
        if summary is None or self._live is None:
            self._console.print(_plain(record))

    def show(self, watched: Sequence[Watched]) -> None:
        """Draw the table as things stand now."""
        if self._live is not None:
            self._live.update(self._drawn(watched))

    def _count(self, summary: Summary) -> None:
        name = summary.query
        self._newest[name] = summary
        self._rows[name] = self._rows.get(name, 0) + summary.rows
        self._rejected[name] = self._rejected.get(name, 0) + summary.outcomes.get("rejected", 0)

    def _drawn(self, watched: Sequence[Watched]) -> Group:
        rows = [self._row(one) for one in watched]
        shown = _fitting(rows, self._console.width)
        table = Table(box=None, pad_edge=False)
        for place in shown:
            # A name may take two lines; a number that is cut off would be another number.
            left = _TITLES[place] in ("query", "state", "model")
            table.add_column(_TITLES[place], justify="left" if left else "right", no_wrap=place > 0, overflow="fold")
        for row in rows:
            table.add_row(*(row[place] for place in shown))
        troubles = (f"{one.query.name} {one.state}: {in_one_line(one.error)}" for one in watched if one.error)
        return Group(table, *(Text(fill(trouble, self._console.width)) for trouble in troubles))

    def _row(self, one: Watched) -> tuple[str, ...]:
        name, newest = one.query.name, self._newest.get(one.query.name)
        if newest is None:
            return name, one.state, *[""] * (len(_TITLES) - 2)
        rows = self._rows[name]
        rate = newest.rows * 1000 / max(newest.milliseconds, 1)
        share = f"{self._rejected[name] / max(rows, 1):.1%}" if "rejected" in newest.outcomes else ""
        reached = f"{newest.high_water:%Y-%m-%d %H:%M}" if newest.high_water else ""
        return (
            name, one.state, str(newest.batch_id), f"{rows:,}", f"{rate:,.0f}",
            one.waiting(), share, reached, newest.note,
        )  # fmt: skip


def _fitting(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """The columns that fit, each as wide as its widest cell: the least needed are left out first."""
    shown = list(range(len(_TITLES)))
    wide = [max(len(cell) for cell in column) for column in zip(_TITLES, *rows, strict=True)]
    for spared in ("event time", "rows", "state", "waiting"):
        if sum(wide[place] + 2 for place in shown) - 2 > width:
            shown.remove(_TITLES.index(spared))
    return shown


def _plain(record: logging.LogRecord) -> str:
    prefix = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
    return prefix + in_one_line(record.getMessage())
