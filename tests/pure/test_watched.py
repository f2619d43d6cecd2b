"""What a failed query is restarted for, and how often."""

from __future__ import annotations

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
