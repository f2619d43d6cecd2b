"""MLflow's registry: which version an alias stands for, and a pinned version to score with."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from headrace.config import Registry
from headrace.errors import InfrastructureError, NotRegistered

__all__ = ["UNKNOWN", "Pinned", "client_of", "load", "model_id", "pin", "scored"]

Predict = Callable[[pd.DataFrame], Any]
Answer = Callable[[pd.DataFrame, Predict], pd.DataFrame]

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


@lru_cache(maxsize=4)
def load(pinned: Pinned) -> Any:
    """The version, ready to predict; kept for the process, for a version never changes."""
    import mlflow

    client_of(pinned.registry)
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


def _on_workers(pinned: Pinned, answer: Answer, batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for batch in batches:
        yield answer(batch, load(pinned).predict)


def client_of(registry: Registry) -> Any:
    """MLflow's client of the registry, which is from now on what ``mlflow`` itself talks to."""
    import mlflow

    for chatty in ("mlflow", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    mlflow.set_tracking_uri(registry.tracking_uri)
    mlflow.set_registry_uri(registry.registry_uri or registry.tracking_uri)
    return mlflow.MlflowClient()
