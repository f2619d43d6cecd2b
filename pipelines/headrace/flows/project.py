"""All of ``conf/`` as one value: settings, contracts, feature sets and models that fit together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headrace.config import Settings
from headrace.contracts.model import Contract
from headrace.contracts.odcs import read_contract
from headrace.documents import Mistakes, Node, check, join, lay_over, nearest, read, resolve
from headrace.errors import ConfigError
from headrace.features.spec import FeatureSet
from headrace.flows import references
from headrace.flows.locations import located
from headrace.flows.model_references import check_models
from headrace.models.spec import Model

__all__ = ["Project", "load"]

_NO_ENVIRONMENTS = ("base", "contracts", "features", "models")
_CONTRACT = ".odcs.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What ``conf/`` declares, checked as a whole.

    settings: ``conf/base`` under the overlay of ``environment``; its relative paths are made absolute from ``root``.
    contracts: by the name of the signal; feature_sets, models: by their names.
    root: the folder ``conf/`` lies in.
    environment: name of the overlay; None is none.
    """

    settings: Settings
    contracts: Mapping[str, Contract]
    feature_sets: Mapping[str, FeatureSet]
    models: Mapping[str, Model]
    root: Path
    environment: str | None


def load(conf_dir: Path, env: str | None, environ: Mapping[str, str]) -> Project:
    """Read and check all of ``conf_dir``; nothing else is read, and nothing is written.

    env: the folder of ``conf_dir`` laid over ``base``. environ: what ``${NAME}`` refers to.
    Raises ``ConfigError`` with one line for every mistake found.
    """
    conf_dir = conf_dir.resolve()
    tree = _settings_tree(conf_dir, env)
    mistakes = Mistakes()
    settings = None
    with mistakes.gathered():
        tree = resolve(tree, environ)
        settings = check(tree, Settings)
    contract_files = _contracts(conf_dir, mistakes)
    sets = _sets(conf_dir, environ, mistakes)
    models = _models(conf_dir, environ, mistakes)
    if settings is None:
        mistakes.done()
        raise AssertionError("settings that could not be read are a mistake")
    contracts = _by_signal(tree, settings, contract_files, mistakes)
    signals = references.Signals(tuple(settings.signals), contracts)
    references.check_contracts(tree, signals, mistakes)
    references.check_sets(sets, signals, mistakes)
    checked = check_models(models, sets, signals, mistakes)
    mistakes.done()
    return Project(
        settings=located(settings, conf_dir.parent),
        contracts=contracts,
        feature_sets={name: declared for name, (_, declared) in sets.items()},
        models=checked,
        root=conf_dir.parent,
        environment=env,
    )


def _settings_tree(conf_dir: Path, env: str | None) -> Node:
    if not (conf_dir / "base").is_dir():
        raise ConfigError(
            [f"{conf_dir.name}: has no folder base: name the configuration with --conf-dir, or headrace init"]
        )
    base = _joined(conf_dir / "base")
    if env is None:
        return base
    known = sorted({path.parent.name for path in conf_dir.glob("*/*.yml")} - set(_NO_ENVIRONMENTS))
    if env not in known:
        there_are = f"there are: {', '.join(known)}" if known else "there are none"
        raise ConfigError([f"{conf_dir.name}: has no environment {env}: {there_are}{nearest(env, known)}"])
    return lay_over(base, _joined(conf_dir / env))


def _joined(folder: Path) -> Node:
    files = sorted(folder.glob("*.yml"))
    if not files:
        raise ConfigError([f"{folder.relative_to(folder.parent.parent)}: holds no .yml file"])
    mistakes, nodes = Mistakes(), list[Node]()
    for file in files:
        with mistakes.gathered():
            nodes.append(read(file, folder.parent.parent))
    mistakes.done()
    return join(nodes)


def _contracts(conf_dir: Path, mistakes: Mistakes) -> Mapping[str, Contract | None]:
    """Every contract file by its name; None is one that could not be read, which is a mistake already."""
    contracts: dict[str, Contract | None] = {}
    for path in sorted((conf_dir / "contracts").glob(f"*{_CONTRACT}")):
        name = path.name.removesuffix(_CONTRACT)
        contracts[name] = None
        with mistakes.gathered():
            contracts[name] = read_contract(read(path, conf_dir.parent))
    return contracts


def _sets(conf_dir: Path, environ: Mapping[str, str], mistakes: Mistakes) -> dict[str, tuple[Node, FeatureSet]]:
    sets: dict[str, tuple[Node, FeatureSet]] = {}
    for path in sorted((conf_dir / "features").glob("*.yml")):
        with mistakes.gathered():
            node = resolve(read(path, conf_dir.parent), environ)
            declared = check(node, FeatureSet)
            _named_as_file(node, declared.name, path, mistakes)
            sets[declared.name] = (node, declared)
    return sets


def _models(conf_dir: Path, environ: Mapping[str, str], mistakes: Mistakes) -> dict[str, tuple[Node, Model]]:
    models: dict[str, tuple[Node, Model]] = {}
    for path in sorted((conf_dir / "models").glob("*.yml")):
        with mistakes.gathered():
            node = resolve(read(path, conf_dir.parent), environ)
            declared = check(node, Model)
            _named_as_file(node, declared.name, path, mistakes)
            models[declared.name] = (node, declared)
    return models


def _named_as_file(node: Node, name: str, path: Path, mistakes: Mistakes) -> None:
    """One name, one file: so no two declarations share a name."""
    if name != path.stem:
        mistakes.add(node.at("name"), f"must be {path.stem}, the name of its file")


def _by_signal(
    tree: Node, settings: Settings, files: Mapping[str, Contract | None], mistakes: Mistakes
) -> dict[str, Contract]:
    contracts: dict[str, Contract] = {}
    for name, signal in settings.signals.items():
        contract = files.get(signal.contract)
        if contract is not None:
            contracts[name] = contract
        elif signal.contract not in files:
            node = tree.at("signals", name, "contract")
            mistakes.add(node, f"contracts/ has no {signal.contract}{_CONTRACT}{nearest(signal.contract, files)}")
    return contracts
