"""What a run keeps of a version in a real registry, and what it says of versions there are."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.pure.test_training import declared, fitted, orders

from headrace.config import Registry
from headrace.errors import UsageError
from headrace.io.environment import code, installed
from headrace.io.registry import load, pin
from headrace.io.runs import document, register, take_free_alias, versions
from headrace.models.spec import Model


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return Registry(tracking_uri=f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db")


def registered(registry: Registry, model: Model, name: str, documents: dict[str, str] | None = None) -> pd.DataFrame:
    """Fit and register a version; its answers to a few rows."""
    found, rows = fitted(model, orders()), orders()[list(model.inputs.columns)].head(40)
    register(
        registry,
        name,
        found.estimator,
        rows.head(3),
        alias="challenger",
        method="predict_proba",
        parameters={},
        metrics=found.metrics,
        tags={"headrace.rows": "1200:7"},
        documents=documents,
    )
    np.testing.assert_array_equal(
        load(pin(registry, name, "challenger")).predict(rows), found.estimator.predict_proba(rows)
    )
    return rows


def test_what_is_loaded_answers_like_what_was_fitted(registry: Registry) -> None:
    registered(registry, declared(estimator="lightgbm", parameters={"n_estimators": 5}), "light")
    registered(registry, declared(parameters={"max_iter": 5}, per="kitchen", min_rows=100), "routed")


def test_versions_their_aliases_and_their_documents(registry: Registry) -> None:
    assert versions(registry, "wait") == []
    plain = declared(estimator="logistic_regression")
    registered(registry, plain, "wait", {"recipe.json": '{"of": 1}'})
    assert take_free_alias(pin(registry, "wait", "challenger"), "champion")
    registered(registry, plain, "wait", {"recipe.json": '{"of": 2}'})
    assert not take_free_alias(pin(registry, "wait", "challenger"), "champion")

    second, first = versions(registry, "wait")
    assert (first.version, first.aliases, first.rows) == ("1", ("champion",), "1200:7")
    assert (second.version, second.aliases) == ("2", ("challenger",))
    assert second.metrics["log_loss"] == first.metrics["log_loss"] < second.metrics["base_log_loss"]
    for run, of in ((first.run, 1), ("models:/wait/1", 1), ("models:/wait@challenger", 2)):
        assert json.loads(document(registry, run, "recipe.json")) == {"of": of}
    for run, said in {
        "models:/wait/3": "has no models:/wait/3: 'headrace models ls' lists versions and their runs",
        "models:/nobody@champion": "has no models:/nobody@champion: ",
        "0" * 32: f"has no {'0' * 32}: ",
    }.items():
        with pytest.raises(UsageError, match=said):
            document(registry, run, "recipe.json")
    with pytest.raises(UsageError, match=r"models:/wait/1 keeps no other\.json: it was not made by 'headrace train'"):
        document(registry, "models:/wait/1", "other.json")


def test_an_estimator_that_cannot_be_stored_is_told(registry: Registry) -> None:
    class Local:
        def predict(self, rows: pd.DataFrame) -> list[int]:
            return [0 for _ in rows]

        def __getstate__(self) -> object:
            raise TypeError("holds a lock")

    with pytest.raises(UsageError, match="Local cannot be registered: skops, which stores models without pickle: "):
        register(
            registry,
            "local",
            Local(),
            pd.DataFrame({"a": [1.0]}),
            alias="challenger",
            method="predict",
            parameters={},
            metrics={},
            tags={},
        )


def test_the_code_that_ran(tmp_path: Path) -> None:
    assert installed()["pandas"] == pd.__version__
    assert code(tmp_path) == {"headrace": installed().get("headrace"), "commit": None, "dirty": None}

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=tests", "-c", "user.email=tests@example.com"]
        done = subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/a.yml").write_text("a: 1\n")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    found = code(tmp_path / "conf")
    assert (found["commit"], found["dirty"]) == (git("rev-parse", "HEAD"), False)
    (tmp_path / "conf/a.yml").write_text("a: 2\n")
    assert code(tmp_path)["dirty"] is True
