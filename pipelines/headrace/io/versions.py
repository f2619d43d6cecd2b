"""What MLflow knows of the versions there are, and what their runs keep."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from headrace.config import Registry
from headrace.errors import InfrastructureError, UsageError
from headrace.io.registry import UNKNOWN, client_of
from headrace.io.runs import ROWS

__all__ = ["Version", "document", "versions"]

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
        if error.error_code in UNKNOWN:
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
