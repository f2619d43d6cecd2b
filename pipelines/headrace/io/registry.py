"""MLflow's registry: which version an alias stands for, and a pinned version to score with."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import pandas as pd

from headrace.config import Registry
from headrace.errors import InfrastructureError, NotRegistered, error_text
from headrace.io.predictor import Predictor, load_predictor

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

__all__ = ["UNKNOWN", "Pinned", "client_of", "load", "pin", "scored"]

Answer = Callable[[pd.DataFrame, Predictor], pd.DataFrame]

# Up to here one call in the driver is cheaper than a trip to the workers; measured, see ARCHITECTURE.md.
ON_DRIVER = 10_000
# What MLflow's errors are called where there is no such model, version, alias or run.
UNKNOWN = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND")


@dataclass(frozen=True, slots=True)
class Pinned:
    """One immutable version of a registered model."""

    registry: Registry
    name: str
    version: str

    @property
    def uri(self) -> str:
        return f"models:/{self.name}/{self.version}"

    def __str__(self) -> str:
        return f"{self.name} version {self.version}"


def pin(registry: Registry, name: str, alias: str, *, remedy: str = "register one") -> Pinned:
    """The version a registered model's alias stands for at this moment.

    remedy: how it gets one. Raises NotRegistered where it stands for none, InfrastructureError where the registry does
    not say.
    """
    from mlflow.exceptions import MlflowException

    try:
        found = client_of(registry).get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code not in UNKNOWN:
            told = f"MLflow's registry does not say which version of {name} is {alias}: {error}"
            raise InfrastructureError(told) from error
        raise NotRegistered(f"{name} has no version called {alias} in MLflow's registry: {remedy}") from error
    return Pinned(registry, name, str(found.version))


# Of each registered model the versions last asked, the newest at the end; and who is loading one of its versions.
_predictors: dict[tuple[Registry, str], dict[str, Predictor]] = {}
_turns: dict[tuple[Registry, str], Lock] = {}
_KEPT = 2


def load(pinned: Pinned) -> Predictor:
    """The version, ready to be asked. A version never changes, so it is loaded once as long as it is in use.

    Raises InfrastructureError if the registry does not give it, or it cannot be loaded.
    """
    model = (pinned.registry, pinned.name)
    with _turns.setdefault(model, Lock()):
        versions = _predictors.setdefault(model, {})
        predictor = versions.pop(pinned.version, None) or load_predictor(str(pinned), _folder(pinned))
        versions[pinned.version] = predictor
        while len(versions) > _KEPT:
            versions.pop(next(iter(versions)))
        return predictor


def _folder(pinned: Pinned) -> str:
    """The folder on this machine with the version's files."""
    import mlflow

    client_of(pinned.registry)
    try:
        return str(mlflow.artifacts.download_artifacts(pinned.uri))
    except Exception as error:
        raise InfrastructureError(f"MLflow does not give the files of {pinned}: {error_text(error)}") from error


def scored(
    rows: DataFrame, pinned: Pinned, answer: Answer, added: StructType, *, count: int
) -> tuple[DataFrame, pd.DataFrame | None]:
    """Add the columns of ``added`` to the rows, as ``answer`` fills them in by asking the version.

    rows: of plain types, no nested ones. count: how many they are, which decides where the model runs: of few, the
    answers are here already, and are given too.
    """
    from pyspark.sql.types import StructType

    schema = StructType([*rows.schema.fields, *added.fields])
    if count <= ON_DRIVER:
        answers = answer(rows.toPandas(), load(pinned))
        return rows.sparkSession.createDataFrame(answers, schema), answers
    return rows.mapInPandas(partial(_on_workers, pinned, answer), schema), None


def _on_workers(pinned: Pinned, answer: Answer, batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for batch in batches:
        yield answer(batch, load(pinned))


def client_of(registry: Registry) -> Any:
    """MLflow's client of the registry, which is from now on what ``mlflow`` itself talks to."""
    import mlflow

    for chatty in ("mlflow", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    mlflow.set_tracking_uri(registry.tracking_uri)
    mlflow.set_registry_uri(registry.registry_uri or registry.tracking_uri)
    return mlflow.MlflowClient()
