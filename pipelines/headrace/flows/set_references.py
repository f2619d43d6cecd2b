"""What a feature set says of its signal: every field exists and fits, every name is its own, expressions are safe."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from headrace import tables
from headrace.config import duration_text
from headrace.contracts.model import Kind
from headrace.documents import Mistakes, Node
from headrace.expressions import compile_condition, compile_number
from headrace.features.feature import Default, Derived, Feature, Op
from headrace.features.spec import FeatureSet
from headrace.flows.references import Declared, Signals, exists, read_ones, safe, taken

__all__ = ["check_sets"]

_NUMBERS = (Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL)
_ORDERED = (*_NUMBERS, Kind.TIMESTAMP, Kind.DATE)
_PLAIN = tuple(kind for kind in Kind if not kind.nested)
_TAKES: Mapping[Op, tuple[Kind, ...]] = {
    Op.SUM: _NUMBERS,
    Op.MEAN: _NUMBERS,
    Op.STDDEV: _NUMBERS,
    Op.APPROX_QUANTILE: _NUMBERS,
    Op.MIN: _ORDERED,
    Op.MAX: _ORDERED,
}


def check_sets(sets: Declared[FeatureSet], signals: Signals, mistakes: Mistakes) -> dict[str, FeatureSet]:
    """A set's fields exist, its operations fit them, its columns have names of their own.

    Gives the sets with safe expressions in place.
    """
    return {name: _checked(node, declared, signals, mistakes) for name, (node, declared) in read_ones(sets)}


def _checked(node: Node, declared: FeatureSet, signals: Signals, mistakes: Mistakes) -> FeatureSet:
    _check_names(node, declared, mistakes)
    if not signals.known(node.at("signal"), declared.signal, mistakes):
        return declared
    kinds = signals.kinds(declared.signal)
    for index, name in enumerate(declared.entity):
        exists(node.at("entity", index), name, kinds, declared.signal, mistakes)
    features = {
        name: _feature(node.at("features", name), feature, declared, kinds, mistakes)
        for name, feature in declared.features.items()
    }
    where = declared.where and safe(node.at("where"), declared.where, kinds, compile_condition, mistakes)
    return declared.model_copy(
        update={"where": where, "features": features, "derived": _derived(node, declared, kinds, mistakes)}
    )


def _check_names(node: Node, declared: FeatureSet, mistakes: Mistakes) -> None:
    ours = tables.features_log(declared.name, (), ()).names
    for index, name in enumerate(declared.entity):
        if taken((name,), (*ours, *declared.entity[:index])):
            mistakes.add(node.at("entity", index), f"{name} is the name of another column of the set")
    for index, value in enumerate(declared.values):
        others = (*declared.entity, *ours, *(other.name for other in declared.values[:index]))
        if taken((value.name,), others):
            _same_name(node.at("features"), value.name, declared.features, mistakes)
    for name in taken(declared.derived, (*declared.entity, *ours, *(value.name for value in declared.values))):
        mistakes.add(node.at("derived", name), "is the name of another column of the set")


def _same_name(node: Node, name: str, features: Collection[str], mistakes: Mistakes) -> None:
    if name in features:
        mistakes.add(node.at(name), "is the name of another column of the set")
    else:
        mistakes.add(node, f"{name}, a feature over one of several lengths, is the name of another column of the set")


def _feature(
    node: Node, feature: Feature, declared: FeatureSet, kinds: Mapping[str, Kind], mistakes: Mistakes
) -> Feature:
    there = declared.window.length
    for index, length in enumerate(feature.over):
        if length not in there:
            listed = ", ".join(map(duration_text, there)) or "none, but sessions"
            at = node.at("over", index)
            mistakes.add(at, f"{duration_text(length)} is no length of the set's window; there are: {listed}")
    where = feature.where and safe(node.at("where"), feature.where, kinds, compile_condition, mistakes)
    kind, of = _of(node.at("of"), feature, declared.signal, kinds, mistakes)
    _check_default(node.at("default"), feature.default, kind, mistakes)
    return feature.model_copy(update={"where": where, "of": of})


def _of(
    node: Node, feature: Feature, signal: str, kinds: Mapping[str, Kind], mistakes: Mistakes
) -> tuple[Kind | None, str | None]:
    """The kind of the feature's value, None if it cannot be told, and what it is taken of, safe."""
    of, op = feature.of, feature.op
    if of is None:
        return Kind.NUMBER, None
    if op is Op.SHARE:
        return Kind.NUMBER, safe(node, of, kinds, compile_condition, mistakes)
    if of.strip() in kinds or op not in _TAKES or of.isidentifier():
        if not exists(node, of, kinds, signal, mistakes):
            return None, of
        takes = _TAKES.get(op, _PLAIN)
        if kinds[of] not in takes:
            mistakes.add(node, f"{op} takes {', '.join(takes)}, but {of} is {kinds[of]}")
        return kinds[of] if op.selects else Kind.NUMBER, of
    return Kind.NUMBER, safe(node, of, kinds, compile_number, mistakes)


def _derived(node: Node, declared: FeatureSet, kinds: Mapping[str, Kind], mistakes: Mistakes) -> dict[str, Derived]:
    """Each with its expression, over the columns of the set, made safe."""
    columns: dict[str, Kind] = {"records": Kind.INTEGER}
    for value in declared.values:
        of_field = value.feature.op.selects and value.feature.of in kinds
        columns[value.name] = kinds[str(value.feature.of)] if of_field else Kind.NUMBER
    found = {}
    for name, derived in declared.derived.items():
        at, number = node.at("derived", name), derived.kind == "number"
        compiled = compile_number if number else compile_condition
        expression = safe(at.at("expression"), derived.expression, columns, compiled, mistakes)
        _check_default(at.at("default"), derived.default, Kind.NUMBER if number else Kind.BOOLEAN, mistakes)
        found[name] = derived.model_copy(update={"expression": expression})
    return found


def _check_default(node: Node, default: Default | None, kind: Kind | None, mistakes: Mistakes) -> None:
    """A default is of the kind of the value it stands for; one of a time has none that could be written."""
    if default is None or kind is None:
        return
    fits = {Kind.STRING: isinstance(default, str), Kind.BOOLEAN: isinstance(default, bool)}
    number = kind in _NUMBERS and isinstance(default, int | float) and not isinstance(default, bool)
    if not fits.get(kind, number):
        mistakes.add(node, f"is no {kind}, which the value it stands for is")
