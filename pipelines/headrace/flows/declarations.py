"""All files under ``conf/``, each read by itself: what it declares, with the document that says where."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from headrace.config import Section, Settings
from headrace.contracts.model import Contract
from headrace.contracts.odcs import contract_of
from headrace.documents import Mistakes, Node, check, join, lay_over, nearest, read, resolve
from headrace.errors import ConfigError
from headrace.features.spec import FeatureSet
from headrace.models.spec import Model

__all__ = ["Declarations", "Declared", "declared"]

Value = TypeVar("Value", bound=Settings | Contract | FeatureSet | Model)
Named = TypeVar("Named", FeatureSet, Model)

BASE, CONTRACTS, FEATURES, MODELS = "base", "contracts", "features", "models"
_NO_OVERLAY = (BASE, CONTRACTS, FEATURES, MODELS)
_CONTRACT = ".odcs.yaml"


@dataclass(frozen=True, slots=True)
class Declared(Generic[Value]):
    """A value and the document it was read from."""

    value: Value
    node: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Declarations:
    """What could be read. ``contracts`` are by the name of their file, the others by their own, which is the same.

    settings: None if they could not be read.
    unreadable: contracts, sets and models whose files exist but could not be read, so that nobody calls them missing.
    """

    settings: Declared[Settings] | None
    contracts: Mapping[str, Declared[Contract]]
    feature_sets: Mapping[str, Declared[FeatureSet]]
    models: Mapping[str, Declared[Model]]
    unreadable: frozenset[tuple[str, str]]


def declared(conf: Path, env: str, environ: Mapping[str, str], mistakes: Mistakes) -> Declarations:
    """Read all files, gathering mistakes. Raises ``ConfigError`` only where no reading on makes sense."""
    _refuse_missing(conf, env)
    reading = _Reading(conf, environ, mistakes)
    settings = reading.one(lambda: _settings(reading, env))
    contracts = dict(reading.each(CONTRACTS, lambda file: _contract(reading, file)))
    feature_sets = dict(reading.each(FEATURES, lambda file: _named(reading, file, FeatureSet)))
    models = dict(reading.each(MODELS, lambda file: _named(reading, file, Model)))
    folders = {CONTRACTS: contracts, FEATURES: feature_sets, MODELS: models}
    return Declarations(
        settings=settings,
        contracts={name: each for name, each in contracts.items() if each},
        feature_sets={name: each for name, each in feature_sets.items() if each},
        models={name: each for name, each in models.items() if each},
        unreadable=frozenset((folder, name) for folder, found in folders.items() for name in found if not found[name]),
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    conf: Path
    environ: Mapping[str, str]
    mistakes: Mistakes

    def one(self, what: Callable[[], Declared[Value]]) -> Declared[Value] | None:
        with self.mistakes.gathered():
            return what()
        return None

    def each(
        self, folder: str, what: Callable[[Path], Declared[Value]]
    ) -> Iterator[tuple[str, Declared[Value] | None]]:
        for file in _files(self.conf / folder):
            yield _name(file), self.one(lambda file=file: what(file))  # type: ignore[misc]

    def node(self, file: Path) -> Node:
        return read(file, self.conf.parent)


def _settings(reading: _Reading, env: str) -> Declared[Settings]:
    base, overlay = (_joined(reading, reading.conf / folder) for folder in (BASE, env))
    node = resolve(lay_over(base, overlay), reading.environ)
    return Declared(check(node, Settings), node)


def _joined(reading: _Reading, folder: Path) -> Node:
    return join([Node({}, str(folder.relative_to(reading.conf.parent)), 1), *map(reading.node, _files(folder))])


def _contract(reading: _Reading, file: Path) -> Declared[Contract]:
    node = reading.node(file)
    if not file.name.endswith(_CONTRACT):
        raise ConfigError([Node(None, node.file, 1).mistake(f"a contract's file is named <name>{_CONTRACT}")])
    return Declared(contract_of(node), node)


def _named(reading: _Reading, file: Path, kind: type[Named]) -> Declared[Named]:
    node = resolve(reading.node(file), reading.environ)
    value = check(node, kind)
    if value.name != file.stem:
        mistake = f"is '{value.name}', and the file is named {file.name}: both must say the same"
        raise ConfigError([node.at("name").mistake(mistake)])
    return Declared(value, node)


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*") if file.suffix in (".yml", ".yaml"))


def _name(file: Path) -> str:
    return file.name.removesuffix(_CONTRACT) if file.name.endswith(_CONTRACT) else file.stem


def _refuse_missing(conf: Path, env: str) -> None:
    if not (conf / BASE).is_dir():
        raise ConfigError([f"{conf.name}: holds no folder 'base': run this in a project, or name one with --conf-dir"])
    overlays = sorted(each.name for each in conf.iterdir() if each.name not in _NO_OVERLAY and _files(each))
    if env not in overlays:
        known = ", ".join(overlays) or "none"
        raise ConfigError([f"{conf.name}: has no environment '{env}'{nearest(env, overlays)}; there are: {known}"])
