"""What the parts of a project say of each other: every name leads somewhere, and every type fits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from headrace import tables
from headrace.contracts.model import Contract, Kind
from headrace.documents import Mistakes, Node, Step, nearest
from headrace.expressions import compile_condition, compile_expression
from headrace.features.spec import FeatureSet, Op
from headrace.models.spec import FeatureInput, Label, Model

__all__ = ["Signals", "check_contracts", "check_models", "check_sets"]

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
Sets = Mapping[str, tuple[Node, FeatureSet]]


@dataclass(frozen=True, slots=True)
class Signals:
    """The signals there are, and the contracts of those whose contract could be read."""

    names: tuple[str, ...]
    contracts: Mapping[str, Contract]

    def kinds(self, signal: str) -> Mapping[str, Kind]:
        """Every field of the signal with its kind, in the contract's order."""
        return {field.name: field.kind for field in self.contracts[signal].fields}

    def known(self, node: Node, signal: str, mistakes: Mistakes) -> bool:
        """Whether what ``node`` says of the signal can be checked; a name that leads nowhere is a mistake."""
        if signal not in self.names:
            mistakes.add(node, f"there is no signal {signal}{_else(signal, self.names)}")
        return signal in self.contracts


def check_contracts(tree: Node, signals: Signals, mistakes: Mistakes) -> None:
    """A contract's fields keep clear of the columns that ingest adds to them."""
    for signal, contract in signals.contracts.items():
        for name in _taken(contract.names, tables.signals(signal, ()).names):
            node = tree.at("signals", signal, "contract")
            mistakes.add(node, f"field {name} of contract {contract.id} has the name of a column headrace adds")


def check_sets(sets: Sets, signals: Signals, mistakes: Mistakes) -> None:
    """A set's signal and fields exist, its operations fit them, its features have names of their own."""
    for node, declared in sets.values():
        names = (*declared.entity, *tables.features_log(declared.name, (), ()).names)
        for name in _taken(declared.features, names):
            mistakes.add(node.at("features", name), "is the name of another column of the set")
        if signals.known(node.at("signal"), declared.signal, mistakes):
            _check_set(node, declared, signals.kinds(declared.signal), mistakes)


def _check_set(node: Node, declared: FeatureSet, kinds: Mapping[str, Kind], mistakes: Mistakes) -> None:
    for index, name in enumerate(declared.entity):
        _exists(node.at("entity", index), name, kinds, declared.signal, mistakes)
    for name, feature in declared.features.items():
        at = node.at("features", name, "of")
        if feature.of is None or not _exists(at, feature.of, kinds, declared.signal, mistakes):
            continue
        kind, takes = kinds[feature.of], _TAKES[feature.op]
        if kind not in takes:
            mistakes.add(at, f"{feature.op} takes {_listed(takes)}, but {feature.of} is a {kind}")


def check_models(
    models: Mapping[str, tuple[Node, Model]], sets: Sets, signals: Signals, mistakes: Mistakes
) -> dict[str, Model]:
    """A model's signal, inputs, conditions and label exist and fit. Gives the models with safe expressions in place."""
    return {name: _checked(node, model, sets, signals, mistakes) for name, (node, model) in models.items()}


def _checked(node: Node, model: Model, sets: Sets, signals: Signals, mistakes: Mistakes) -> Model:
    output = model.output.name
    if _taken((output,), tables.predictions(model.name, (), "").names):
        mistakes.add(node.at("output", "name"), f"{output} is a column headrace adds")
    if not signals.known(node.at("signal"), model.signal, mistakes):
        return model
    kinds = signals.kinds(model.signal)
    for index, name in enumerate(model.inputs.signal):
        _exists(node.at("inputs", "signal", index), name, kinds, model.signal, mistakes)
    for index, part in enumerate(model.inputs.features):
        _check_input(node.at("inputs", "features", index), part, kinds, model.signal, sets, signals, mistakes)
    _unlike_inputs(node, model, mistakes)
    where = model.where and _safe(node.at("where"), model.where, kinds, compile_condition, mistakes)
    training = model.training
    if training is not None:
        label = _label(node.at("training", "label"), training.label, model.signal, signals, mistakes)
        training = training.model_copy(update={"label": label})
    return model.model_copy(update={"where": where, "training": training})


def _unlike_inputs(node: Node, model: Model, mistakes: Mistakes) -> None:
    columns = model.inputs.columns
    if not columns:
        mistakes.add(node.at("inputs"), "must name a field or a feature")
    for column in dict.fromkeys(column for column in columns if columns.count(column) > 1):
        mistakes.add(node.at("inputs"), f"gives the model column {column} twice")


def _check_input(
    node: Node,
    part: FeatureInput,
    kinds: Mapping[str, Kind],
    signal: str,
    sets: Sets,
    signals: Signals,
    mistakes: Mistakes,
) -> None:
    if part.set not in sets:
        mistakes.add(node.at("set"), f"there is no feature set {part.set}{_else(part.set, sets)}")
        return
    declared = sets[part.set][1]
    for index, name in enumerate(part.take):
        if name not in declared.features:
            mistakes.add(node.at("take", index), f"{part.set} has no feature {name}{_else(name, declared.features)}")
    if set(part.by) != set(declared.entity):
        mistakes.add(node.at("by"), f"must name the entity of {part.set}, exactly: {', '.join(declared.entity)}")
        return
    theirs = signals.kinds(declared.signal) if declared.signal in signals.contracts else {}
    for column, name in part.by.items():
        at = node.at("by", column)
        if _exists(at, name, kinds, signal, mistakes) and theirs.get(column, kinds[name]) != kinds[name]:
            mistakes.add(at, f"{name} is a {kinds[name]}, but {column} of {part.set} is a {theirs[column]}")


def _label(node: Node, label: Label, signal: str, signals: Signals, mistakes: Mistakes) -> Label:
    if not signals.known(node.at("signal"), label.signal, mistakes):
        return label
    theirs, ours = signals.kinds(label.signal), signals.kinds(signal)
    both = [_exists(node.at("by"), label.by, kinds, of, mistakes) for kinds, of in ((theirs, label.signal), (ours, signal))]
    if all(both) and theirs[label.by] != ours[label.by]:
        mistakes.add(
            node.at("by"), f"is a {theirs[label.by]} in {label.signal}, but a {ours[label.by]} in {signal}"
        )
    expression = _safe(node.at("expression"), label.expression, theirs, compile_expression, mistakes)
    return label.model_copy(update={"expression": expression})


def _safe(
    node: Node,
    text: str,
    kinds: Mapping[str, Kind],
    compiled: Callable[[str, Mapping[str, str]], str],
    mistakes: Mistakes,
) -> str:
    try:
        return compiled(text, kinds)
    except ValueError as error:
        mistakes.add(node, str(error))
        return text


def _exists(node: Node, name: str, kinds: Mapping[str, Kind], signal: str, mistakes: Mistakes) -> bool:
    if name not in kinds:
        mistakes.add(node, f"{signal} has no field {name}{_else(name, kinds)}")
    return name in kinds


def _taken(names: Collection[str], others: Collection[str]) -> list[str]:
    """The names that are among the others too; Spark's columns know no case."""
    folded = {other.casefold() for other in others}
    return [name for name in names if name.casefold() in folded]


def _else(name: Step, known: Collection[str]) -> str:
    return nearest(name, known) or (f"; there are: {', '.join(known)}" if known else "; there are none")


def _listed(kinds: Collection[Kind]) -> str:
    return ", ".join(kinds)
