"""All of ``conf/`` as one value: settings, contracts, feature sets and models that fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import TypeVar

from headrace.config import DeltaSource, Settings
from headrace.contracts.misfits import misfits
from headrace.contracts.model import Contract
from headrace.contracts.odcs import read_contract
from headrace.contracts.odcs_notes import Note, notes_on_rules
from headrace.documents import Mistakes, Node, check, instead, join, lay_over, read, resolve
from headrace.errors import ConfigError, UsageError
from headrace.features.spec import FeatureSet
from headrace.flows.locations import located
from headrace.flows.model_references import check_models
from headrace.flows.places import check_places
from headrace.flows.references import Declared, Signals, apart, read_ones
from headrace.flows.set_references import check_sets
from headrace.flows.topics import check_rings
from headrace.models.spec import Model
from headrace.tables import ENDINGS, ENDINGS_OF_SET

__all__ = ["Project", "load"]

_NO_ENVIRONMENTS = ("base", "contracts", "features", "models")
_CONTRACT = ".odcs.yaml"

Declaration = TypeVar("Declaration", FeatureSet, Model)
Named = TypeVar("Named", Contract, FeatureSet, Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What ``conf/`` declares, checked as a whole.

    settings: ``conf/base`` under the overlay of ``environment``; its relative paths are made absolute from ``root``.
    contracts: by the name of the signal; feature_sets, models: by their names.
    root: the folder ``conf/`` lies in.
    environment: name of the overlay; None is none.
    written: the models once more, their conditions and expressions as the files have them.
    notes: what the contracts ask for that no record is judged by.
    """

    settings: Settings
    contracts: Mapping[str, Contract]
    feature_sets: Mapping[str, FeatureSet]
    models: Mapping[str, Model]
    root: Path
    environment: str | None
    written: Mapping[str, Model] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def contract(self, signal: str) -> Contract:
        """Raises UsageError where there is no such signal."""
        return _called(signal, "signal", self.contracts)

    def feature_set(self, name: str) -> FeatureSet:
        """Raises UsageError where there is no such set."""
        return _called(name, "feature set", self.feature_sets)

    def model(self, name: str) -> Model:
        """Raises UsageError where there is no such model."""
        return _called(name, "model", self.models)


def load(conf_dir: Path, env: str | None, environ: Mapping[str, str]) -> Project:
    """Read and check all of ``conf_dir``; nothing else is read, and nothing is written.

    env: the folder of ``conf_dir`` laid over ``base``. environ: what ``${NAME}`` refers to.
    Raises ``ConfigError`` with one line for every mistake found.
    """
    conf_dir = conf_dir.resolve()
    folders = _folders(conf_dir, env)
    mistakes = Mistakes()
    settings = None
    with mistakes.gathered():
        tree = resolve(_laid_over(folders), environ)
        settings = check(tree, Settings)
    notes: list[Note] = []
    contract_files = _contracts(conf_dir, mistakes, notes)
    sets = _declared(conf_dir / "features", FeatureSet, environ, mistakes)
    models = _declared(conf_dir / "models", Model, environ, mistakes)
    if settings is None:
        raise ConfigError(mistakes.lines)
    contracts = _by_signal(tree, settings, contract_files, mistakes)
    signals = Signals(tuple(settings.signals), contracts)
    apart({name: tree.at("signals", name) for name in settings.signals}, ENDINGS, mistakes)
    apart({name: node.at("name") for name, (node, _) in read_ones(sets)}, ENDINGS_OF_SET, mistakes)
    apart({name: node.at("name") for name, (node, _) in read_ones(models)}, ENDINGS, mistakes)
    check_rings(tree, settings, mistakes)
    placed = located(settings, conf_dir.parent)
    check_places(tree, placed, mistakes)
    checked_sets = check_sets(sets, signals, mistakes)
    checked_models = check_models(models, sets, signals, mistakes)
    mistakes.done()
    return Project(
        settings=placed,
        contracts=contracts,
        feature_sets=checked_sets,
        models=checked_models,
        root=conf_dir.parent,
        environment=env,
        written={name: declared for name, (_, declared) in read_ones(models)},
        notes=tuple(notes),
    )


def _called(name: str, what: str, there: Mapping[str, Named]) -> Named:
    if name not in there:
        raise UsageError(f"there is no {what} {name!r}{instead(name, there)}")
    return there[name]


def _folders(conf_dir: Path, env: str | None) -> tuple[Path, ...]:
    """Base and overlay. Without them there is nothing to check, so each missing one is raised by itself."""
    if not (conf_dir / "base").is_dir():
        hint = "name the configuration with --conf-dir, or write one with headrace init"
        raise ConfigError([f"{conf_dir.name}: has no folder base: {hint}"])
    if env is None:
        return (conf_dir / "base",)
    known = sorted({path.parent.name for path in conf_dir.glob("*/*.yml")} - set(_NO_ENVIRONMENTS))
    if env not in known:
        raise ConfigError([f"{conf_dir.name}: has no environment {env}{instead(env, known)}"])
    return conf_dir / "base", conf_dir / env


def _laid_over(folders: Sequence[Path]) -> Node:
    mistakes, joined = Mistakes(), list[Node]()
    for folder in folders:
        with mistakes.gathered():
            joined.append(_joined(folder))
    mistakes.done()
    return reduce(lay_over, joined)


def _joined(folder: Path) -> Node:
    conf_dir, mistakes = folder.parent, Mistakes()
    nodes = [Node({}, f"{conf_dir.name}/{folder.name}", 1)]
    for file in sorted(folder.glob("*.yml")):
        with mistakes.gathered():
            nodes.append(read(file, conf_dir.parent))
    mistakes.done()
    return join(nodes if len(nodes) == 1 else nodes[1:])


def _contracts(conf_dir: Path, mistakes: Mistakes, notes: list[Note]) -> Mapping[str, Contract | None]:
    """Every contract file by its name; None is one that could not be read, which is a mistake already.

    notes: those on what a file asks for and no record is judged by are added.
    """
    contracts: dict[str, Contract | None] = {}
    for path in sorted((conf_dir / "contracts").glob(f"*{_CONTRACT}")):
        name = path.name.removesuffix(_CONTRACT)
        contracts[name] = None
        with mistakes.gathered():
            document = read(path, conf_dir.parent)
            contracts[name] = read_contract(document)
            notes.extend(notes_on_rules(document))
    return contracts


def _declared(
    folder: Path, kind: type[Declaration], environ: Mapping[str, str], mistakes: Mistakes
) -> Declared[Declaration]:
    """Every declaration of a folder by the name of its file, which is its own; None is one that could not be read."""
    declared: dict[str, tuple[Node, Declaration] | None] = {}
    for path in sorted(folder.glob("*.yml")):
        declared[path.stem] = None
        with mistakes.gathered():
            node = resolve(read(path, folder.parent.parent), environ)
            value = check(node, kind)
            if value.name != path.stem:
                mistakes.add(node.at("name"), f"must be {path.stem}, the name of its file")
            declared[path.stem] = node, value
    return declared


def _by_signal(
    tree: Node, settings: Settings, files: Mapping[str, Contract | None], mistakes: Mistakes
) -> dict[str, Contract]:
    contracts: dict[str, Contract] = {}
    for name, signal in settings.signals.items():
        contract = _named(tree.at("signals", name, "contract"), signal.contract, files, mistakes)
        if contract is None:
            continue
        contracts[name] = contract
        if signal.duplicates is not None and not contract.primary_key:
            node = tree.at("signals", name, "duplicates")
            mistakes.add(node, f"needs a primary key: contract {signal.contract} gives no field primaryKey: true")
        if signal.former is not None:
            node = tree.at("signals", name, "former")
            contracts[name] = replace(contract, former=_former(node, signal.former, contract, files, mistakes))
        if isinstance(signal.source, DeltaSource):
            key = tree.at("signals", name, "source", "key")
            _check_key(key, signal.source, signal.contract, contract, mistakes)
    return contracts


def _named(node: Node, name: str, files: Mapping[str, Contract | None], mistakes: Mistakes) -> Contract | None:
    if name not in files:
        mistakes.add(node, f"contracts/ has no {name}{_CONTRACT}{instead(name, files)}")
    return files.get(name)


def _former(
    node: Node, name: str, contract: Contract, files: Mapping[str, Contract | None], mistakes: Mistakes
) -> Contract | None:
    former = _named(node, name, files, mistakes)
    for why in misfits(contract, former) if former is not None else ():
        mistakes.add(node, f"{name} {why}")
    return former


def _check_key(node: Node, source: DeltaSource, name: str, contract: Contract, mistakes: Mistakes) -> None:
    """A row without its key has to be a dead letter, so the contract requires the columns of the key."""
    required = {field.member for field in contract.fields if field.required}
    for place, column in enumerate(source.key):
        if column not in required:
            hint = "a row without its key must not be accepted"
            mistakes.add(node.at(place), f"contract {name} does not require {column}: {hint}")
