"""What the first batches need of this process, loaded beside what takes longer: libraries, and versions of models.

Only a saving. What cannot be loaded is left to the batch that needs it, which tells why as it always would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from threading import Event, Thread

from headrace.flows.project import Project
from headrace.flows.queries import Query
from headrace.io import registry

__all__ = ["load_libraries", "load_versions", "meanwhile"]

_PATIENCE_SECONDS = 10.0

Step = Callable[[], object]


@contextmanager
def meanwhile(steps: Sequence[Step]) -> Iterator[None]:
    """Take the steps one after the other beside what the block does. None begins after it; what they raise is dropped.

    The one under way then is waited for, for an interpreter that ends in the middle of an import may end by a signal;
    but not for long, as where a registry does not answer.
    """
    ended = Event()

    def take() -> None:
        for step in steps:
            if not ended.is_set():
                with suppress(Exception):
                    step()

    thread = Thread(target=take, name="preparation", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_PATIENCE_SECONDS)


def load_libraries(queries: Sequence[Query]) -> list[Step]:
    """Import what these queries use and a start does not."""
    names = ["deltalake", "duckdb", "pyarrow"]
    names += ["mlflow.pyfunc"] if any(query.flow == "score" for query in queries) else []
    return [partial(import_module, name) for name in names]


def load_versions(project: Project, queries: Sequence[Query]) -> list[Step]:
    """Load the versions that a first batch of these queries would take. A batch asks the alias anew all the same."""
    return [partial(_load_version, project, query.subject) for query in queries if query.flow == "score"]


def _load_version(project: Project, name: str) -> None:
    model = project.models[name]
    registry.load(registry.pin(project.settings.registry, model.registered_model, model.alias))
