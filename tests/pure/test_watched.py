"""What a failed query is restarted for, and how often."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests import flights

from headrace.config import Restarts
from headrace.flows.queries import queries
from headrace.flows.watched import State, Watched

COLUMNS = "[DELTA_SCHEMA_CHANGED_WITH_STARTING_OPTIONS] Detected schema change in version 7"


@pytest.mark.parametrize(
    ("said", "read", "state"),
    [
        pytest.param(COLUMNS, (0, 3), State.WAITING, id="other columns behind what was read"),
        pytest.param(COLUMNS, (0,), State.GAVE_UP, id="other columns before anything could be read"),
        pytest.param("disk full", (0, 3), State.GAVE_UP, id="a failure"),
    ],
)
def test_other_columns_are_no_failure_of_a_query_that_reads_on(
    tmp_path: Path, said: str, read: tuple[int, ...], state: State
) -> None:
    project = flights.with_settings(flights.project(tmp_path), restarts=Restarts(limit=0))
    (query,) = queries(project, ("features.airport_weather",))
    progress = [SimpleNamespace(numInputRows=rows) for rows in read]
    watched = Watched(query)
    for _ in range(3):
        ended: Any = SimpleNamespace(isActive=False, recentProgress=progress, exception=lambda: RuntimeError(said))
        watched.state, watched.running = State.RUNNING, ended
        watched.look(cast(Any, None), project, paused=False, once=False, stop=cast(Any, None))
        assert (watched.state, watched.running) == (state, None)


LACKS = (
    "headrace.errors.NotRegistered: arrives_late has no version called champion in MLflow's registry: "
    "'headrace train arrives_late' makes one"
)


@pytest.mark.parametrize(
    ("once", "trainable", "state"),
    [
        pytest.param(True, True, State.NO_VERSION, id="once, and the project says how to train it"),
        pytest.param(True, False, State.GAVE_UP, id="once, and it does not"),
        pytest.param(False, True, State.NO_VERSION, id="until stopped"),
        pytest.param(False, False, State.NO_VERSION, id="until stopped, for a version that somebody registers"),
    ],
)
def test_a_model_without_a_version_is_waited_for_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, once: bool, trainable: bool, state: State
) -> None:
    project = flights.with_settings(flights.project(tmp_path), restarts=Restarts(limit=0))
    if not trainable:
        models = {name: model.model_copy(update={"training": None}) for name, model in project.models.items()}
        project = replace(project, models=models)
    (query,) = queries(project, ("score.arrives_late",))
    watched = Watched(query)
    for _ in range(3):
        ended: Any = SimpleNamespace(isActive=False, recentProgress=[], exception=lambda: RuntimeError(LACKS))
        watched.state, watched.running = State.RUNNING, ended
        watched.look(cast(Any, None), project, paused=False, once=once, stop=cast(Any, None))
        assert (watched.state, watched.running) == (state, None)
    said = [record.getMessage() for record in caplog.records if "waits" in record.getMessage()]
    told = LACKS.removeprefix("headrace.errors.NotRegistered: ")
    assert said == ([f"score.arrives_late waits: {told}"] if state is State.NO_VERSION else [])
