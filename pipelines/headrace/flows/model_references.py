"""What a model says of signals and feature sets: every name leads somewhere, every type fits, expressions are safe."""

from __future__ import annotations

from collections.abc import Mapping

from headrace import tables
from headrace.contracts.model import TIMES, Contract, Kind
from headrace.documents import Mistakes, Node, instead
from headrace.expressions import compile_condition, compile_expression
from headrace.features.spec import FeatureSet
from headrace.flows.references import Declared, Signals, exists, read_ones, safe, taken
from headrace.models.spec import LABEL, FeatureInput, Label, Model, Training

__all__ = ["check_models", "compiled"]

_SEGMENTS = (Kind.STRING, Kind.INTEGER, Kind.BOOLEAN)


def check_models(
    models: Declared[Model], sets: Declared[FeatureSet], signals: Signals, mistakes: Mistakes
) -> dict[str, Model]:
    """A model's signal, inputs, conditions and label exist and fit. Gives the models with safe expressions in place."""
    return {name: _checked(node, model, sets, signals, mistakes) for name, (node, model) in read_ones(models)}


def compiled(model: Model, contracts: Mapping[str, Contract]) -> Model:
    """The model with safe expressions in place. Raises ValueError if one is not allowed, or names what is no field."""
    where = model.where and compile_condition(model.where, contracts[model.signal].kinds)
    training = model.training
    if training is not None:
        label = training.label
        safe = compile_expression(label.expression, contracts[label.signal].kinds)
        training = training.model_copy(update={"label": label.model_copy(update={"expression": safe})})
    return model.model_copy(update={"where": where, "training": training})


def _checked(node: Node, model: Model, sets: Declared[FeatureSet], signals: Signals, mistakes: Mistakes) -> Model:
    output = model.output.name
    if taken((output,), tables.predictions(model.name, (), "").names):
        mistakes.add(node.at("output", "name"), f"{output} is a column headrace adds")
    if not signals.known(node.at("signal"), model.signal, mistakes):
        return model
    kinds = signals.kinds(model.signal)
    for index, name in enumerate(model.inputs.signal):
        at = node.at("inputs", "signal", index)
        if exists(at, name, kinds, model.signal, mistakes):
            _visible(at, name, kinds[name], mistakes)
    for index, part in enumerate(model.inputs.features):
        for column in taken((*part.columns, f"{part.name}_end"), kinds):
            at = node.at("inputs", "features", index)
            mistakes.add(at, f"adds {column}, which {model.signal} has a field for: give it another prefix")
        _check_input(node.at("inputs", "features", index), part, model.signal, sets, signals, mistakes)
    _unlike_inputs(node, model, mistakes)
    where = model.where and safe(node.at("where"), model.where, kinds, compile_condition, mistakes)
    training = model.training
    if training is not None:
        _check_training(node, model, training, kinds, mistakes)
        label = _label(node.at("training", "label"), training.label, model.signal, signals, mistakes)
        training = training.model_copy(update={"label": label})
    return model.model_copy(update={"where": where, "training": training})


def _check_training(
    node: Node, model: Model, training: Training, kinds: Mapping[str, Kind], mistakes: Mistakes
) -> None:
    if model.classifies and model.output.column != 1:
        mistakes.add(node.at("output"), "needs column: 1, the second of the two probabilities a trained model returns")
    for name in taken(kinds, (LABEL,)):
        mistakes.add(node.at("training"), f"calls what is learned {LABEL}, and {model.signal} has a field {name}")
    for index, name in enumerate(training.segments):
        at = node.at("training", "segments", index)
        if exists(at, name, kinds, model.signal, mistakes) and kinds[name] not in _SEGMENTS:
            mistakes.add(at, f"{name} is {kinds[name]}: segments are values of {', '.join(_SEGMENTS)}")
    if training.per is not None and training.per not in model.inputs.signal:
        known = model.inputs.signal
        mistakes.add(
            node.at("training", "per"), f"{training.per} is not in inputs.signal{instead(training.per, known)}"
        )


def _unlike_inputs(node: Node, model: Model, mistakes: Mistakes) -> None:
    columns = model.inputs.columns
    if not columns:
        mistakes.add(node.at("inputs"), "must name a field or a feature")
    for column in dict.fromkeys(column for column in columns if columns.count(column) > 1):
        mistakes.add(node.at("inputs"), f"gives the model column {column} twice")
    for column in taken(columns, (model.output.name, "confidence")):
        mistakes.add(node.at("inputs"), f"gives the model column {column}, which its answer has")
    names = [part.name for part in model.inputs.features]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        mistakes.add(node.at("inputs", "features"), f"names {name} twice: give one of them a prefix of its own")


def _check_input(
    node: Node, part: FeatureInput, signal: str, sets: Declared[FeatureSet], signals: Signals, mistakes: Mistakes
) -> None:
    if part.set not in sets:
        mistakes.add(node.at("set"), f"there is no feature set {part.set}{instead(part.set, sets)}")
        return
    found = sets[part.set]
    if found is None:
        return
    declared = found[1]
    theirs = signals.kinds(declared.signal) if declared.signal in signals.contracts else {}
    for index, name in enumerate(part.take):
        _check_taken(node.at("take", index), name, declared, theirs, mistakes)
    if set(part.by) != set(declared.entity):
        mistakes.add(node.at("by"), f"must name the entity of {part.set}, exactly: {', '.join(declared.entity)}")
        return
    kinds = signals.kinds(signal)
    for column, name in part.by.items():
        at = node.at("by", column)
        if exists(at, name, kinds, signal, mistakes) and theirs.get(column, kinds[name]) != kinds[name]:
            mistakes.add(at, f"{name} is {kinds[name]}, but {column} of {part.set} is {theirs[column]}")


def _check_taken(node: Node, name: str, declared: FeatureSet, kinds: Mapping[str, Kind], mistakes: Mistakes) -> None:
    if name not in declared.columns:
        mistakes.add(node, f"{declared.name} has no feature {name}{instead(name, declared.columns)}")
    for value in declared.values:
        of = value.feature.of or ""
        if value.name == name and value.feature.op.selects and of in kinds:
            _visible(node, name, kinds[of], mistakes)


def _visible(node: Node, name: str, kind: Kind, mistakes: Mistakes) -> None:
    """A model sees numbers and texts, which a time is not: two clocks would read another number from it."""
    if kind in TIMES:
        mistakes.add(node, f"{name} is {kind}: a model takes string, integer, number, decimal or boolean")


def _label(node: Node, label: Label, signal: str, signals: Signals, mistakes: Mistakes) -> Label:
    if not signals.known(node.at("signal"), label.signal, mistakes):
        return label
    theirs, ours = signals.kinds(label.signal), signals.kinds(signal)
    at = node.at("by")
    both = [exists(at, label.by, theirs, label.signal, mistakes), exists(at, label.by, ours, signal, mistakes)]
    if all(both) and theirs[label.by] != ours[label.by]:
        mistakes.add(at, f"is {theirs[label.by]} in {label.signal}, but {ours[label.by]} in {signal}")
    if theirs.get(label.expression) in (*TIMES, Kind.OBJECT, Kind.ARRAY):
        mistakes.add(node.at("expression"), f"{label.expression} is {theirs[label.expression]}: a label is a number")
    expression = safe(node.at("expression"), label.expression, theirs, compile_expression, mistakes)
    return label.model_copy(update={"expression": expression})
