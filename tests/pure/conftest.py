"""One registry for all tests that need one: making its database takes longer than most of them."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def registry_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for HEADRACE_HOME: the registry of the repository's project lies in it."""
    return tmp_path_factory.mktemp("registry")
