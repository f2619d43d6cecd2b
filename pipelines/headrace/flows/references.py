"""What the parts of a project say of each other: every name leads somewhere, and every type fits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

from headrace import tables
from headrace.contracts.model import Contract, Kind
from headrace.documents import Mistakes, Node, Step, nearest
from headrace.features.spec import FeatureSet, Op

__all__ = ["Declared", "Signals", "check_sets", "exists", "instead", "read_ones", "taken"]

_NUMBERS = (Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL)
_TIMES = (Kind.TIMESTAMP, Kind.DATE)
_TAKES: Mapping[Op, tuple[Kind, ...]] = {
    Op.COUNT: tuple(Kind),
    Op.SUM: _NUMBERS,
    Op.MEAN: _NUMBERS,
    Op.STDDEV: _NUMBERS,
    Op.MIN: _NUMBERS + _TIMES,
    Op.MAX: _NUMBERS + _TIMES,
}
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


def check_sets(sets: Declared[FeatureSet], signals: Signals, mistakes: Mistakes) -> None:
    """A set's signal and fields exist, its operations fit them, each of its columns has a name of its own."""
    for _, (node, declared) in read_ones(sets):
        _check_names(node, declared, mistakes)
        if signals.known(node.at("signal"), declared.signal, mistakes):
            _check_set(node, declared, signals.kinds(declared.signal), mistakes)


def _check_names(node: Node, declared: FeatureSet, mistakes: Mistakes) -> None:
    ours = tables.features_log(declared.name, (), ()).names
    for index, name in enumerate(declared.entity):
        if taken((name,), (*ours, *declared.entity[:index])):
            mistakes.add(node.at("entity", index), f"{name} is the name of another column of the set")
    for name in taken(declared.features, (*declared.entity, *ours)):
        mistakes.add(node.at("features", name), "is the name of another column of the set")


def _check_set(node: Node, declared: FeatureSet, kinds: Mapping[str, Kind], mistakes: Mistakes) -> None:
    for index, name in enumerate(declared.entity):
        exists(node.at("entity", index), name, kinds, declared.signal, mistakes)
    for name, feature in declared.features.items():
        at = node.at("features", name, "of")
        if feature.of is None or not exists(at, feature.of, kinds, declared.signal, mistakes):
            continue
        kind, takes = kinds[feature.of], _TAKES[feature.op]
        if kind not in takes:
            mistakes.add(at, f"{feature.op} takes {_listed(takes)}, but {feature.of} is {kind}")


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


def instead(name: Step, known: Collection[str]) -> str:
    """The end of a message about a name that does not exist: the nearest that does, or all."""
    return nearest(name, known) or (f"; there are: {', '.join(known)}" if known else "; there are none")


def _listed(kinds: Collection[Kind]) -> str:
    return ", ".join(kinds)
