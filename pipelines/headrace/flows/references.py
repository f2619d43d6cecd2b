"""What the parts of a project say of each other: every name leads somewhere, and every type fits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

from headrace.contracts.model import Contract, Kind
from headrace.documents import Mistakes, Node, instead

__all__ = ["Declared", "Signals", "apart", "exists", "read_ones", "safe", "taken"]

Value = TypeVar("Value")
Declared = Mapping[str, tuple[Node, Value] | None]
"""What the files of a folder declare, by name, each with its document; None is one that could not be read."""


@dataclass(frozen=True, slots=True)
class Signals:
    """The signals there are, and the contracts of those whose contract could be read."""

    names: tuple[str, ...]
    contracts: Mapping[str, Contract]

    def kinds(self, signal: str) -> Mapping[str, Kind]:
        """Every field of the signal with its kind, in the contract's order, members of objects by their paths."""
        return self.contracts[signal].kinds

    def known(self, node: Node, signal: str, mistakes: Mistakes) -> bool:
        """Whether what ``node`` says of the signal can be checked; a name that leads nowhere is a mistake."""
        if signal not in self.names:
            mistakes.add(node, f"there is no signal {signal}{instead(signal, self.names)}")
        return signal in self.contracts


def read_ones(declared: Declared[Value]) -> list[tuple[str, tuple[Node, Value]]]:
    """Those that could be read."""
    return [(name, each) for name, each in declared.items() if each is not None]


def exists(node: Node, name: str, kinds: Mapping[str, Kind], signal: str, mistakes: Mistakes) -> bool:
    """Whether the signal has that field, and it is a plain one; it is a mistake at ``node`` if not."""
    plain = [known for known, kind in kinds.items() if "." not in known and not kind.nested]
    if name in plain:
        return True
    if name in kinds:
        mistakes.add(node, f"{name} is nested: only plain fields of the record can be taken")
    else:
        mistakes.add(node, f"{signal} has no field {name}{instead(name, plain)}")
    return False


def taken(names: Collection[str], others: Collection[str]) -> list[str]:
    """The names that are among the others too; Spark's columns know no case."""
    folded = {other.casefold() for other in others}
    return [name for name in names if name.casefold() in folded]


def apart(named: Mapping[str, Node], endings: Collection[str], mistakes: Mistakes) -> None:
    """No name is another one with the ending of a table or view of that: both would be called the same."""
    for name, node in named.items():
        for ending in endings:
            other = name.removesuffix(ending)
            if other != name and other in named:
                mistakes.add(node, f"is taken: {other} has a table or view that would be called the same")


def safe(
    node: Node,
    text: str,
    kinds: Mapping[str, Kind],
    compiled: Callable[[str, Mapping[str, str]], str],
    mistakes: Mistakes,
) -> str:
    """The expression as safe SQL; a mistake at ``node`` and the text itself if it cannot be."""
    try:
        return compiled(text, kinds)
    except ValueError as error:
        mistakes.add(node, str(error))
        return text
