"""MLflow's runs: a fitted version logged with its evidence, and what is known of versions there are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pandas as pd

from headrace.config import Registry
from headrace.errors import InfrastructureError, UsageError
from headrace.io.registry import Pinned, client_of

__all__ = ["Version", "document", "register", "take_free_alias", "versions"]

ROWS = "headrace.rows"
"""The tag with the digest of the rows a version was fitted and measured on."""

_VERSION = re.compile(r"models:/(?P<name>.+)(?P<how>[/@])(?P<version>[^/@]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A registered version as the registry and its run know it. rows: digest of its rows, if headrace trained it."""

    name: str
    version: str
    aliases: tuple[str, ...]
    run: str
    registered_at: datetime
    rows: str | None
    metrics: Mapping[str, float]


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

    method: what ``predict`` of the registered model calls: ``predict`` or ``predict_proba``.
    documents: texts kept with the run, by the names of their files.
    Raises UsageError if the estimator cannot be stored so that it can be loaded again.
    """
    import mlflow

    client = client_of(registry)
    trusted = _types(fitted)
    _experiment(client, registry, f"{registry.experiments}{name}")
    with mlflow.start_run():
        mlflow.log_params(dict(parameters))
        mlflow.log_metrics(dict(metrics))
        mlflow.set_tags(dict(tags))
        for file, text in (documents or {}).items():
            mlflow.log_text(text, file)
        logged = mlflow.sklearn.log_model(
            fitted,
            name=name,
            signature=mlflow.models.infer_signature(example, getattr(fitted, method)(example)),
            input_example=example,
            registered_model_name=name,
            pyfunc_predict_fn=method,
            pip_requirements=_requirements(trusted),
            skops_trusted_types=trusted,
        )
    version = str(logged.registered_model_version)
    client.set_registered_model_alias(name, alias, version)
    return Pinned(registry, name, version)


def take_free_alias(pinned: Pinned, alias: str) -> bool:
    """Let the alias stand for the version, unless it stands for one already. True if it was free."""
    client = client_of(pinned.registry)
    free = alias not in client.get_registered_model(pinned.name).aliases
    if free:
        client.set_registered_model_alias(pinned.name, alias, pinned.version)
    return free


def versions(registry: Registry, name: str) -> list[Version]:
    """Every version of a registered model, the newest first; none if it has none."""
    client = client_of(registry)
    found = client.search_model_versions(f"name='{name}'")
    aliases = client.get_registered_model(name).aliases if found else {}
    return sorted((_version(client, one, aliases) for one in found), key=lambda one: int(one.version), reverse=True)


def document(registry: Registry, run: str, file: str) -> str:
    """A text kept with a run. run: its id, or ``models:/name/version`` or ``models:/name@alias``.

    Raises UsageError if there is no such run or version, or it keeps no such text.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    client = client_of(registry)
    try:
        run_id = _run_id(client, run)
        there = {one.path for one in client.list_artifacts(run_id)}
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            told = f"MLflow's registry has no {run}: 'headrace models ls' lists versions and their runs"
            raise UsageError(told) from error
        raise InfrastructureError(f"MLflow's registry does not say what {run} is: {error}") from error
    if file not in there:
        raise UsageError(f"{run} keeps no {file}: it was not made by 'headrace train', or by one that kept none yet")
    return str(mlflow.artifacts.load_text(f"runs:/{run_id}/{file}"))


def _run_id(client: Any, run: str) -> str:
    match = _VERSION.fullmatch(run)
    if match is None:
        return str(client.get_run(run).info.run_id)
    found = client.get_model_version_by_alias if match["how"] == "@" else client.get_model_version
    return str(found(match["name"], match["version"]).run_id)


def _version(client: Any, found: Any, aliases: Mapping[str, str]) -> Version:
    data = client.get_run(found.run_id).data if found.run_id else None
    return Version(
        name=found.name,
        version=str(found.version),
        aliases=tuple(sorted(alias for alias, version in aliases.items() if str(version) == str(found.version))),
        run=found.run_id or "",
        registered_at=datetime.fromtimestamp(found.creation_timestamp / 1_000, UTC),
        rows=data.tags.get(ROWS) if data else None,
        metrics=dict(sorted(data.metrics.items())) if data else {},
    )


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


def _experiment(client: Any, registry: Registry, name: str) -> None:
    """Beside an SQLite file the artifacts lie beside it, not in whatever folder the process was started from."""
    import mlflow

    if registry.tracking_uri.startswith("sqlite:///") and client.get_experiment_by_name(name) is None:
        folder = Path(registry.tracking_uri.removeprefix("sqlite:///")).absolute().parent / "mlartifacts"
        client.create_experiment(name, artifact_location=folder.as_uri())
    mlflow.set_experiment(name)
