"""A version of a model that can be asked: in this process, or apart where it brings Python of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from headrace.errors import InfrastructureError, ModelFailed, error_text
from headrace.io.scorer import Read, Scorer

__all__ = ["Predictor", "ask_here", "load_predictor"]

Ask = Callable[[pd.DataFrame, Read], Any]


@dataclass(frozen=True, slots=True)
class Predictor:
    """A version that is loaded.

    name: what messages call it. model_id: MLflow's id of the logged model behind it.
    input_types: by the name of an input MLflow's name of its type, as far as its signature declares them.
    """

    name: str
    model_id: str | None
    input_types: Mapping[str, str]
    _ask: Ask

    def ask(self, records: pd.DataFrame, read: Read) -> Any:
        """What ``read`` makes of what the version returned for so many records; it runs where the version runs.

        read: a module-level function, or a partial of one.
        Raises ModelFailed if the version raises, InfrastructureError if its process ends.
        """
        return self._ask(records, read)


def load_predictor(name: str, folder: str) -> Predictor:
    """The version in an MLflow model's folder.

    Python keeps a module by its name for as long as a process lives. So of two versions that bring a module of one name
    the second would answer by the code of the first, and versions that bring code never meet in one process.
    Raises InfrastructureError if it cannot be loaded.
    """
    from mlflow.models import Model

    try:
        declared: Any = Model.load(folder)
        ask = Scorer(name, folder).start().ask if _brings_python(declared.flavors) else _load_here(folder)
    except InfrastructureError:
        raise
    except Exception as error:
        raise InfrastructureError(f"{name} cannot be loaded: {error_text(error)}") from error
    return Predictor(name, declared.model_id, _input_types(declared.get_input_schema()), ask)


def _brings_python(flavors: Mapping[str, Any]) -> bool:
    """Whether loading it may import modules that come with it, or run what somebody wrote for it.

    The estimators of libraries, which MLflow's own loaders read, do neither, unless code was logged with them.
    """
    loader = str(flavors.get("python_function", {}).get("loader_module"))
    ours = loader.startswith("mlflow.") and not loader.startswith("mlflow.pyfunc.")
    return not ours or any(flavor.get("code") or flavor.get("model_code_path") for flavor in flavors.values())


def _input_types(schema: Any) -> dict[str, str]:
    """Of columns with names and plain types; a tensor has neither."""
    if schema is None or schema.is_tensor_spec() or not schema.has_input_names():
        return {}
    return {column.name: column.type.name for column in schema.inputs if hasattr(column.type, "name")}


def ask_here(predict: Callable[[pd.DataFrame], Any]) -> Ask:
    """What asks in this process."""
    return partial(_ask, predict)


def _load_here(folder: str) -> Ask:
    import mlflow

    return ask_here(mlflow.pyfunc.load_model(folder).predict)


def _ask(predict: Callable[[pd.DataFrame], Any], records: pd.DataFrame, read: Read) -> Any:
    try:
        returned = predict(records)
    except Exception as error:
        raise ModelFailed(f"raised {error_text(error)}") from error
    return read(returned, len(records))
