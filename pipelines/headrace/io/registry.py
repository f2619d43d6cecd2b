"""MLflow: which version an alias stands for, a pinned version to score with, a new version to register."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from headrace.config import Registry
from headrace.errors import NotRegistered

__all__ = ["Pinned", "load", "model_id", "pin", "register", "scored"]

Predict = Callable[[pd.DataFrame], Any]
Answer = Callable[[pd.DataFrame, Predict], pd.DataFrame]

# What our own estimators hold beyond skops's list of safe types; a model's own list is not asked.
TRUSTED = (
    "functools.partial",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
)

# Up to here one call in the driver is cheaper than a trip to the workers; measured, see ARCHITECTURE.md.
ON_DRIVER = 10_000


@dataclass(frozen=True, slots=True)
class Pinned:
    """One immutable version of a registered model."""

    registry: Registry
    name: str
    version: str

    @property
    def uri(self) -> str:
        return f"models:/{self.name}/{self.version}"


def pin(registry: Registry, name: str, alias: str) -> Pinned:
    """The version a registered model's alias stands for at this moment."""
    try:
        found = _client(registry).get_model_version_by_alias(name, alias)
    except Exception as error:
        raise NotRegistered(
            f"model {name} has no version called {alias} in the registry: train one with 'headrace train' "
            f"({type(error).__name__})"
        ) from error
    return Pinned(registry, name, str(found.version))


@lru_cache(maxsize=4)
def load(pinned: Pinned) -> Any:
    """The version, ready to predict; kept for the process, for a version never changes."""
    import mlflow

    _client(pinned.registry)
    return mlflow.pyfunc.load_model(pinned.uri)


def model_id(pinned: Pinned) -> str | None:
    """MLflow's id of the logged model behind the version."""
    return getattr(load(pinned), "model_id", None)


def scored(rows: DataFrame, pinned: Pinned, answer: Answer, added: StructType, *, count: int) -> DataFrame:
    """Add the columns of ``added`` to the rows, as ``answer`` fills them in with the version's ``predict``.

    rows: of plain types, no nested ones. count: how many they are, which decides where the model runs.
    """
    schema = StructType([*rows.schema.fields, *added.fields])
    if count <= ON_DRIVER:
        return rows.sparkSession.createDataFrame(answer(rows.toPandas(), load(pinned).predict), schema)
    return rows.mapInPandas(partial(_on_workers, pinned, answer), schema)


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
) -> Pinned:
    """Log a fitted estimator with its evidence, register it and let ``alias`` stand for the new version.

    method: what ``predict`` of the registered model calls: ``predict`` or ``predict_proba``.
    """
    import mlflow

    client = _client(registry)
    _experiment(client, registry, f"{registry.experiments}{name}")
    with mlflow.start_run():
        mlflow.log_params(dict(parameters))
        mlflow.log_metrics(dict(metrics))
        mlflow.set_tags(dict(tags))
        signature = mlflow.models.infer_signature(example, getattr(fitted, method)(example))
        logged = mlflow.sklearn.log_model(
            fitted,
            name=name,
            signature=signature,
            registered_model_name=name,
            pyfunc_predict_fn=method,
            pip_requirements=["scikit-learn", "pandas"],
            skops_trusted_types=list(TRUSTED),
        )
    version = str(logged.registered_model_version)
    client.set_registered_model_alias(name, alias, version)
    return Pinned(registry, name, version)


def _on_workers(pinned: Pinned, answer: Answer, batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for batch in batches:
        yield answer(batch, load(pinned).predict)


def _experiment(client: Any, registry: Registry, name: str) -> None:
    """Beside an SQLite file the artifacts lie beside it, not in whatever folder the process was started from."""
    import mlflow

    if registry.tracking_uri.startswith("sqlite:///") and client.get_experiment_by_name(name) is None:
        folder = Path(registry.tracking_uri.removeprefix("sqlite:///")).absolute().parent / "mlartifacts"
        client.create_experiment(name, artifact_location=folder.as_uri())
    mlflow.set_experiment(name)


def _client(registry: Registry) -> Any:
    import mlflow

    for chatty in ("mlflow", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    mlflow.set_tracking_uri(registry.tracking_uri)
    mlflow.set_registry_uri(registry.registry_uri or registry.tracking_uri)
    return mlflow.MlflowClient()
