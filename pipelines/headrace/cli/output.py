"""How commands print: tables at their natural width, never cut off; notes on standard error, apart from results."""

from __future__ import annotations

from rich.console import Console

__all__ = ["in_one_line", "notes", "results"]

_WIDEST = 10_000


def results() -> Console:
    """Standard output. A table too wide for the terminal is wrapped by the terminal, so that nothing is left out."""
    return Console(highlight=False, width=_WIDEST)


def notes() -> Console:
    """Standard error, for progress and whatever is not the answer."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def in_one_line(text: str) -> str:
    """Without what could steer a terminal: the text may quote a file or a record."""
    return "".join(each if each.isprintable() else " " for each in text)
