"""MLflow's runs: a fitted estimator logged with its evidence and registered as a version."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from importlib.metadata import packages_distributions
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from headrace.config import Registry
from headrace.errors import UsageError
from headrace.io.registry import Pinned, client_of

__all__ = ["ROWS", "register", "take_free_alias"]

ROWS = "headrace.rows"
"""The tag with the digest of the rows a version was fitted and measured on."""

_ANNOUNCEMENT = re.compile(r"Successfully registered model |Registered model .* already exists\. |Created version ")


def register(
    registry: Registry,
    name: str,
    fitted: Any,
    example: pd.DataFrame,
    *,
    alias: str,
    method: str,
    parameters: Mapping[str, Any],
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
    documents: Mapping[str, str] | None = None,
) -> Pinned:
    """Log a fitted estimator with its evidence, register it and let ``alias`` stand for the new version.

    Modules of what it is made of that no installed distribution brings are kept with it, and it answers by those.

    method: what ``predict`` of the registered model calls: ``predict`` or ``predict_proba``.
    documents: texts kept with the run, by the names of their files.
    Raises UsageError if the estimator, or a module of its, cannot be stored so that it can be loaded again.
    """
    import mlflow

    client = client_of(registry)
    trusted = _types(fitted)
    own_code = _own_code(trusted)
    _experiment(client, registry, f"{registry.experiments}{name}")
    with mlflow.start_run():
        mlflow.log_params(dict(parameters))
        mlflow.log_metrics(dict(metrics))
        mlflow.set_tags(dict(tags))
        for file, text in (documents or {}).items():
            mlflow.log_text(text, file)
        with _no_announcements():
            logged = mlflow.sklearn.log_model(
                fitted,
                name=name,
                signature=mlflow.models.infer_signature(example, getattr(fitted, method)(example)),
                input_example=example,
                registered_model_name=name,
                pyfunc_predict_fn=method,
                pip_requirements=_requirements(trusted),
                skops_trusted_types=trusted,
                code_paths=own_code or None,
            )
    version = str(logged.registered_model_version)
    client.set_registered_model_alias(name, alias, version)
    return Pinned(registry, name, version)


@contextmanager
def _no_announcements() -> Iterator[None]:
    """MLflow prints that it has registered a model, which the command says itself; all else it says is passed on."""
    printed = StringIO()
    try:
        with redirect_stderr(printed):
            yield
    finally:
        lines = printed.getvalue().splitlines(keepends=True)
        sys.stderr.writelines(line for line in lines if not _ANNOUNCEMENT.match(line))


def take_free_alias(pinned: Pinned, alias: str) -> bool:
    """Let the alias stand for the version, unless it stands for one already. True if it was free."""
    client = client_of(pinned.registry)
    free = alias not in client.get_registered_model(pinned.name).aliases
    if free:
        client.set_registered_model_alias(pinned.name, alias, pinned.version)
    return free


def _types(fitted: Any) -> list[str]:
    """What the estimator holds beyond skops's list of safe types: trusted, for this process has just fitted it."""
    import skops.io

    try:
        stored = skops.io.dumps(fitted)
        types = list(skops.io.get_untrusted_types(data=stored))
        skops.io.loads(stored, trusted=types)
    except Exception as error:
        told = f"skops, which stores models without pickle, cannot keep it: {type(error).__name__}: {error}"
        raise UsageError(f"{type(fitted).__qualname__} is not registered: {told}") from error
    return types


def _requirements(types: list[str]) -> list[str]:
    """The distributions that a process needs to load the model."""
    known = packages_distributions()
    needed = {each for type_ in types for each in known.get(type_.split(".")[0], ())}
    return sorted(needed | {"scikit-learn", "pandas"})


def _own_code(types: list[str]) -> list[str]:
    """The files and folders of modules beside the project: they may be others by the time the version is loaded."""
    installed = {*packages_distributions(), *sys.stdlib_module_names, "headrace"}
    return sorted(str(_place(sys.modules[name])) for name in {type_.split(".")[0] for type_ in types} - installed)


def _place(module: ModuleType) -> Path:
    folders = list(getattr(module, "__path__", ()))
    place = Path(folders[0] if folders else str(module.__file__))
    if not place.exists():
        raise UsageError(
            f"{module.__name__} lies in an archive ({place}), so it cannot be kept with the version: train where its "
            "folder is on the path, or install it"
        )
    return place


def _experiment(client: Any, registry: Registry, name: str) -> None:
    """Beside an SQLite file the artifacts lie beside it, not in whatever folder the process was started from."""
    import mlflow

    if registry.tracking_uri.startswith("sqlite:///") and client.get_experiment_by_name(name) is None:
        folder = Path(registry.tracking_uri.removeprefix("sqlite:///")).absolute().parent / "mlartifacts"
        client.create_experiment(name, artifact_location=folder.as_uri())
    mlflow.set_experiment(name)
