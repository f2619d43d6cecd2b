"""A value of a document and where it stands."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from math import isfinite
from typing import Any

from headrace.errors import ConfigError

__all__ = ["Mistakes", "Node", "Scalar", "Step", "instead", "nearest"]

Step = str | int
Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Node:
    """A scalar, a mapping or a list, with its file, its line (from 1) and the path of keys that leads to it.

    reference: the text as written, if what stands in ``value`` was taken from the environment.
    digits: a number with a fraction or an exponent as it is written, which may say more than a float holds.
    """

    value: Scalar | Mapping[str, Node] | tuple[Node, ...]
    file: str
    line: int
    path: tuple[Step, ...] = ()
    reference: str = ""
    digits: str = ""

    @property
    def mapping(self) -> Mapping[str, Node]:
        """What it maps; nothing if it is no mapping."""
        return self.value if isinstance(self.value, Mapping) else {}

    @property
    def items(self) -> tuple[Node, ...]:
        """What it lists; nothing if it is no list."""
        return self.value if isinstance(self.value, tuple) else ()

    @property
    def number(self) -> Decimal | None:
        """The number it is, with every digit that is written; None if it is none, or not a finite one."""
        match self.value:
            case bool():
                return None
            case int():
                return Decimal(self.value)
            case float() if isfinite(self.value):
                return _exact(self.digits or repr(self.value))
        return None

    @property
    def whole(self) -> int | None:
        """The whole number it is, be it written 1000, 1e3 or 1000.0; None if it is none."""
        number = self.number
        return int(number) if number is not None and number == number.to_integral_value() else None

    def at(self, *path: Step) -> Node:
        """The node at a path below this one, or the deepest there is on the way to it."""
        node = self
        for step in path:
            child = node.child(step)
            if child is None:
                return node
            node = child
        return node

    def child(self, step: Step) -> Node | None:
        if isinstance(step, int):
            return self.items[step] if step < len(self.items) else None
        return self.mapping.get(step)

    def plain(self) -> Any:
        """The value without positions: dicts, lists and scalars."""
        if isinstance(self.value, Mapping):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, tuple):
            return [child.plain() for child in self.value]
        return self.value

    def mistake(self, what: str, *missing: Step) -> str:
        """``file:line: key: what is wrong``. ``missing`` are the steps to a key that should stand below this one."""
        key = _dotted((*self.path, *missing))
        return f"{self.file}:{self.line}: {key}: {what}" if key else f"{self.file}:{self.line}: {what}"


@dataclass(frozen=True, slots=True)
class Mistakes:
    """What is wrong, gathered while reading goes on, so that one run shows all of it."""

    lines: list[str] = field(default_factory=list)

    def add(self, node: Node, what: str, *missing: Step) -> None:
        self.lines.append(node.mistake(what, *missing))

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Keep the mistakes of a ``ConfigError`` raised inside and go on behind the block."""
        try:
            yield
        except ConfigError as error:
            self.lines.extend(error.mistakes)

    def done(self) -> None:
        """Raise ``ConfigError`` with all there are; nothing if there are none."""
        if self.lines:
            raise ConfigError(list(dict.fromkeys(self.lines)))


def nearest(word: object, known: Collection[str]) -> str:
    """``; did you mean 'x'?`` for the known word most like this one, or nothing if none is like it."""
    folded = {other.casefold(): other for other in known}
    close = get_close_matches(str(word).casefold(), folded, n=1)
    return f"; did you mean '{folded[close[0]]}'?" if close else ""


def instead(name: object, known: Collection[str]) -> str:
    """The end of a message about a name that does not exist: the nearest that does, or all."""
    return nearest(name, known) or (f"; there are: {', '.join(known)}" if known else "; there are none")


def _exact(digits: str) -> Decimal | None:
    try:
        return Decimal(digits)
    except InvalidOperation:  # an exponent of more than eighteen digits
        return None


def _dotted(path: tuple[Step, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
