"""How commands print: tables at their natural width, never cut off; notes on standard error, apart from results."""

from __future__ import annotations

import json
import math
from functools import partial
from typing import Any

from rich.console import Console

__all__ = ["as_json", "cell", "in_one_line", "notes", "results"]

_WIDEST = 10_000
# Records hold brackets and colons too, which rich would else take for its markup.
_as_it_is = partial(Console, highlight=False, markup=False, emoji=False)


def results() -> Console:
    """Standard output. A table too wide for the terminal is wrapped by the terminal, so that nothing is left out."""
    return _as_it_is(width=_WIDEST)


def notes() -> Console:
    """Standard error, for progress and whatever is not the answer."""
    return _as_it_is(stderr=True, soft_wrap=True)


def in_one_line(text: str) -> str:
    """Without what could steer a terminal: the text may quote a file or a record."""
    return "".join(each if each.isprintable() else " " for each in text)


def as_json(value: object) -> str:
    """JSON of what a table holds: bytes as text, what is no UTF-8 escaped; what JSON has no word for by its name."""
    return json.dumps(_plain(value), default=str, ensure_ascii=False)


def cell(value: object) -> str:
    """A value of a table as one line: nothing for null, what is nested as JSON."""
    plain = _plain(value)
    text = "" if plain is None else as_json(value) if isinstance(plain, dict | list) else str(plain)
    return in_one_line(text)


def _plain(value: Any) -> Any:
    match value:
        case bytes():
            return value.decode("utf-8", "backslashreplace")
        case dict():
            return {str(_plain(name)): _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case float() if not math.isfinite(value):
            return str(value)
        case _:
            return value
