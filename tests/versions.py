"""Versions as people register them themselves: with modules of their own, as a file of code, with a signature."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import cloudpickle
import mlflow

from headrace.config import Registry
from headrace.io.registry import Pinned, client_of

__all__ = ["log_by_value", "log_class", "log_file", "written"]


def written(folder: Path, files: Mapping[str, str]) -> Path:
    """The folder with these files in it."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
    return folder


def log_class(registry: Registry, name: str, folder: Path, module: str, **settings: Any) -> Pinned:
    """Register an instance of the class ``Model`` of a module in the folder, with the whole folder as its code."""
    paths = [str(path) for path in sorted(folder.iterdir()) if path.name != "__pycache__"]
    with _importable(folder):
        model = importlib.import_module(module).Model()
        return _log(registry, name, python_model=model, code_paths=paths, **settings)


def log_by_value(registry: Registry, name: str, folder: Path, module: str, **settings: Any) -> Pinned:
    """The same without its code: the class itself is in the pickle, as that of a notebook is."""
    with _importable(folder):
        imported = importlib.import_module(module)
        cloudpickle.register_pickle_by_value(imported)
        return _log(registry, name, python_model=imported.Model(), **settings)


def log_file(registry: Registry, name: str, folder: Path, **settings: Any) -> Pinned:
    """Register the folder's ``model.py`` as a model from code, with its other files as what it imports."""
    paths = [str(path) for path in sorted(folder.iterdir()) if path.name not in ("model.py", "__pycache__")]
    with _importable(folder):
        return _log(registry, name, python_model=str(folder / "model.py"), code_paths=paths, **settings)


def _log(registry: Registry, name: str, **settings: Any) -> Pinned:
    """Register what ``mlflow.pyfunc.log_model`` takes as the next version, and let ``champion`` stand for it."""
    client = client_of(registry)
    if client.get_experiment_by_name("versions") is None:
        home = Path(registry.tracking_uri.removeprefix("sqlite:///")).parent
        client.create_experiment("versions", artifact_location=(home / "versions").as_uri())
    mlflow.set_experiment("versions")
    logged = mlflow.pyfunc.log_model(name=name, registered_model_name=name, pip_requirements=[], **settings)
    version = str(logged.registered_model_version)
    client.set_registered_model_alias(name, "champion", version)
    return Pinned(registry, name, version)


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Modules of the folder can be imported, and are forgotten again: another folder has some of these names."""
    path, before = list(sys.path), set(sys.modules)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder.parent)):
                del sys.modules[name]
