"""What training runs recorded of the feature sets they learned from."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace.config import Registry
from headrace.errors import InfrastructureError

__all__ = ["CUTS", "TrainingRun", "training_runs"]

CUTS = "headrace.cuts"
"""The tag of a run that holds the cuts of the feature sets it learned from."""


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """A run that was not deleted. cuts: by feature set its cut as JSON, whatever else the run recorded beside them."""

    id: str
    experiment: str
    cuts: Mapping[str, Mapping[str, Any]]


def training_runs(registry: Registry) -> list[TrainingRun]:
    """Every run under the registry's experiments that recorded cuts.

    Raises InfrastructureError where the tracking server cannot be asked, or a run's cuts cannot be read: what a run
    was made with is not to be guessed.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    file = registry.tracking_uri.partition("sqlite:///")[2]
    if file and not Path(file).exists():
        return []  # to ask would make it
    for chatty in ("mlflow", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    client = MlflowClient(registry.tracking_uri, registry.registry_uri or registry.tracking_uri)
    try:
        names = {one.experiment_id: one.name for one in _pages(client.search_experiments)}
        ours = [id_ for id_, name in names.items() if name.startswith(registry.experiments)]
        found = list(_pages(client.search_runs, ours)) if ours else []
    except MlflowException as error:
        raise InfrastructureError(f"{registry.tracking_uri} cannot be asked for training runs: {error}") from error
    told = [run for run in found if CUTS in run.data.tags]
    return [TrainingRun(run.info.run_id, names[run.info.experiment_id], _cuts(run)) for run in told]


def _pages(search: Any, *arguments: Any) -> Iterator[Any]:
    token = None
    while True:
        page = search(*arguments, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _cuts(run: Any) -> Mapping[str, Mapping[str, Any]]:
    try:
        found = json.loads(run.data.tags[CUTS])
        cuts = {name: cut for name, cut in found.items() if isinstance(cut, dict) and "batch_id" in cut}
    except (ValueError, AttributeError) as error:
        raise InfrastructureError(
            f"MLflow run {run.info.run_id}: its tag {CUTS} is no JSON object, so what it learned from cannot be told: "
            "correct the tag, or delete the run"
        ) from error
    return cuts
