"""What is loaded early is a saving alone: a failure of it is nobody's, and it holds up no end."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from tests import flights
from tests.versions import log_file, written

from headrace.errors import NotRegistered
from headrace.flows import preparation
from headrace.flows.preparation import load_versions, meanwhile
from headrace.flows.project import Project
from headrace.flows.queries import queries
from headrace.io import registry

CONSTANT = """
    import mlflow

    class Model(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return model_input["x"] * 0

    mlflow.models.set_model(Model())
    """


def test_steps_are_taken_in_turn_whatever_they_raise() -> None:
    taken, last = list[str](), Event()

    def fail() -> None:
        taken.append("fails")
        raise ModuleNotFoundError("no such library")

    def end() -> None:
        taken.append("ends")
        last.set()

    with meanwhile([fail, end]):
        assert last.wait(60)
    assert taken == ["fails", "ends"]


def test_a_step_that_hangs_holds_up_no_end_and_none_follows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "_PATIENCE_SECONDS", 0.0)
    begun, answered, taken = Event(), Event(), list[str]()

    def hang() -> None:
        begun.set()
        taken.append("answered" if answered.wait(60) else "never answered")

    def block() -> None:
        with meanwhile([hang, lambda: taken.append("second")]):
            assert begun.wait(60)
            raise KeyError("of the block")

    with pytest.raises(KeyError, match="of the block"):
        block()
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "preparation")
    answered.set()
    thread.join(60)
    assert taken == ["answered"]


def test_the_version_a_batch_would_take_is_loaded_and_one_that_there_is_not_is_left_to_the_batch(
    registry_home: Path, tmp_path: Path
) -> None:
    absent, there = _project(registry_home, "prepared_nowhere"), _project(registry_home, "prepared")
    pinned = log_file(there.settings.registry, "prepared", written(tmp_path / "code", {"model.py": CONSTANT}))
    for project in (absent, there):
        taken = Event()
        with meanwhile([*load_versions(project, queries(project, ("ingest", "score"))), taken.set]):
            assert taken.wait(120)
    assert list(registry._predictors.pop((there.settings.registry, "prepared"), {})) == [pinned.version]
    assert (absent.settings.registry, "prepared_nowhere") not in registry._predictors
    with pytest.raises(NotRegistered):
        registry.pin(absent.settings.registry, "prepared_nowhere", "champion")


def _project(home: Path, registered_model: str) -> Project:
    loaded = flights.project(home)
    models = {
        name: model.model_copy(update={"registered_model": registered_model, "alias": "champion"})
        for name, model in loaded.models.items()
    }
    return replace(loaded, models=models)
