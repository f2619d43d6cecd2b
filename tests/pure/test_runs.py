"""What a run keeps of a version in a real registry, and what it says of versions there are."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from tests.flights import CONF
from tests.pure.test_training import declared, fitted, orders
from typer.testing import CliRunner

from headrace.cli import app
from headrace.config import Registry
from headrace.errors import UsageError
from headrace.io.environment import code, installed
from headrace.io.registry import load, pin
from headrace.io.runs import register, take_free_alias
from headrace.io.versions import document, versions
from headrace.models.spec import Model


def as_list(returned: Any, records: int) -> list[float]:
    """What a version returned, read where it runs."""
    return [float(value) for value in returned]


@pytest.fixture(scope="module")
def registry(registry_home: Path) -> Registry:
    return Registry(tracking_uri=f"sqlite:///{registry_home}/mlflow.db")


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
        load(pin(registry, name, "challenger")).ask(rows, lambda returned, _: returned),
        found.estimator.predict_proba(rows),
    )
    return rows


def test_what_is_loaded_answers_like_what_was_fitted(registry: Registry) -> None:
    registered(registry, declared(estimator="lightgbm", parameters={"n_estimators": 5}), "light")
    registered(registry, declared(parameters={"max_iter": 5}, per="kitchen", min_rows=100), "routed")


def test_a_version_answers_by_the_code_it_was_trained_with(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A callable of the project's own: its module is another when the first version is asked again."""
    monkeypatch.syspath_prepend(tmp_path)
    module, rows, found = tmp_path / "scaling" / "steps.py", pd.DataFrame({"x": [1.0, 2.0]}), []
    for factor in (3, 40):
        module.parent.mkdir(exist_ok=True)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        module.write_text(f"def scaled(rows):\n    return rows.to_numpy() * {factor}\n")
        for name in ("scaling", "scaling.steps"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        steps = importlib.import_module("scaling.steps")
        estimator = make_pipeline(FunctionTransformer(steps.scaled), LinearRegression()).fit(rows, [1.0, 2.0])
        estimator[-1].coef_, estimator[-1].intercept_ = np.array([1.0]), 0.0
        evidence: dict[str, Any] = {"parameters": {}, "metrics": {}, "tags": {}}
        found.append(register(registry, "scaled", estimator, rows, alias="challenger", method="predict", **evidence))
    assert [list(load(pinned).ask(rows, as_list)) for pinned in found] == [[3.0, 6.0], [40.0, 80.0]]


def test_a_module_in_an_archive_is_not_left_behind(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
        archive.writestr("zipped_steps.py", "def scaled(rows):\n    return rows\n")
    monkeypatch.syspath_prepend(tmp_path / "code.zip")
    steps = importlib.import_module("zipped_steps")
    rows = pd.DataFrame({"x": [1.0, 2.0]})
    pipeline = make_pipeline(FunctionTransformer(steps.scaled), LinearRegression()).fit(rows, [1.0, 2.0])
    evidence: dict[str, Any] = {"parameters": {}, "metrics": {}, "tags": {}}
    said = r"^zipped_steps lies in an archive \(.*code\.zip/zipped_steps\.py\), so it cannot be kept with the version: "
    with pytest.raises(UsageError, match=said):
        register(registry, "zipped", pipeline, rows, alias="challenger", method="predict", **evidence)
    assert versions(registry, "zipped") == []


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


def test_registering_announces_nothing_and_hides_no_warning(
    registry: Registry, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = declared(estimator="logistic_regression")
    for _ in range(2):
        registered(registry, plain, "quiet")
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")

    log_model = mlflow.sklearn.log_model

    def warning(*arguments: object, **options: object) -> object:
        print("WARNING mlflow.sklearn: heed this", file=sys.stderr)
        return log_model(*arguments, **options)

    monkeypatch.setattr(mlflow.sklearn, "log_model", warning)
    registered(registry, plain, "quiet")
    assert capfd.readouterr().err == "WARNING mlflow.sklearn: heed this\n"


def test_an_estimator_that_could_not_be_loaded_is_not_registered(registry: Registry) -> None:
    said = "Pipeline is not registered: skops, which stores models without pickle, cannot keep it: AttributeError: "
    with pytest.raises(UsageError, match=said):
        registered(registry, declared(estimator="tests.pure.estimators:nameless"), "nameless")
    assert versions(registry, "nameless") == []


def test_versions_are_listed(registry: Registry, registry_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_HOME", str(registry_home))
    runner = CliRunner()
    none = runner.invoke(app, ["models", "ls", "--conf-dir", str(CONF)])
    assert none.stdout == "arrives_late has no version yet: 'headrace train arrives_late' makes one.\n"

    registered(registry, declared(estimator="logistic_regression"), "arrives_late")
    shown = runner.invoke(app, ["models", "ls", "arrives_late", "--conf-dir", str(CONF)])
    head, line = shown.stdout.splitlines()
    (one,) = versions(registry, "arrives_late")
    assert head.split() == ["model", "version", "aliases", "registered", "run", "rows", "metrics"]
    assert line.split()[:3] == ["arrives_late", "1", "challenger"]
    assert f" {one.run} " in line
    assert "1200:7" in line
    assert f"log_loss {one.metrics['log_loss']:.4f}" in line
    answer = json.loads(runner.invoke(app, ["models", "ls", "--json", "--conf-dir", str(CONF)]).stdout)
    assert [each["run"] for each in answer["arrives_late"]] == [one.run]
    wrong = runner.invoke(app, ["models", "ls", "arrives", "--conf-dir", str(CONF)])
    assert (wrong.exit_code, wrong.stderr) == (2, "there is no model 'arrives'; did you mean 'arrives_late'?\n")


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
