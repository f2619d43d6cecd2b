"""Each record is answered by the code of the version that its decision names, whatever else is loaded."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from tests.versions import log_by_value, log_class, log_file, written

from headrace.config import Registry
from headrace.errors import InfrastructureError, ModelFailed
from headrace.io import registry as registries
from headrace.io.predictor import Predictor, ask_here
from headrace.io.registry import Pinned, client_of, load, pin
from headrace.models.scoring import REASON, answered
from headrace.models.spec import Inputs, Model, Output

RECORDS = pd.DataFrame({"x": [1.0, 2.0]})


@pytest.fixture(scope="module")
def registry(registry_home: Path) -> Registry:
    return Registry(tracking_uri=f"sqlite:///{registry_home}/mlflow.db")


@pytest.fixture(autouse=True)
def _few_processes() -> Iterator[None]:
    """No more processes live at a time than a test asks: each holds all of MLflow."""
    yield
    for model in [model for model in registries._predictors if model[1] != "moody"]:
        del registries._predictors[model]


def as_list(returned: Any, records: int) -> list[float]:
    """What a version returned, read where it runs."""
    assert len(returned) == records
    return [float(value) for value in returned]


def answers(pinned: Pinned) -> Any:
    return load(pinned).ask(RECORDS, as_list)


def times(factor: int) -> dict[str, str]:
    """A module ``inference``, and a package ``shop`` whose part is imported when the first record comes."""
    return {
        "inference.py": """
            import mlflow.pyfunc

            class Model(mlflow.pyfunc.PythonModel):
                def predict(self, context, model_input, params=None):
                    from shop.prices import factor

                    return model_input["x"] * factor()
            """,
        "shop/__init__.py": "",
        "shop/prices.py": f"def factor():\n    return {factor}\n",
    }


def from_code(helper: str) -> dict[str, str]:
    """A model from code that imports a module ``helper`` beside it."""
    model = """
        import mlflow
        from helper import answer

        class Model(mlflow.pyfunc.PythonModel):
            def predict(self, context, model_input, params=None):
                return answer(model_input)

        mlflow.models.set_model(Model())
        """
    return {"model.py": model, "helper.py": f"import os, sys\n\ndef answer(rows):\n    {helper}\n"}


def test_models_with_modules_of_one_name_answer_by_their_own(registry: Registry, tmp_path: Path) -> None:
    one = log_class(registry, "one", written(tmp_path / "one", times(1)), "inference")
    thousand = log_class(registry, "thousand", written(tmp_path / "thousand", times(1_000)), "inference")
    assert [answers(one), answers(thousand), answers(one)] == [[1.0, 2.0], [1_000.0, 2_000.0], [1.0, 2.0]]
    assert {"inference", "shop", "shop.prices"}.isdisjoint(sys.modules)


def test_models_from_code_with_helpers_of_one_name_answer_by_their_own(registry: Registry, tmp_path: Path) -> None:
    two, three = (
        log_file(
            registry, f"from_code_{factor}", written(tmp_path / str(factor), from_code(f"return rows.x * {factor}"))
        )
        for factor in (2, 3)
    )
    assert [answers(two), answers(three), answers(two)] == [[2.0, 4.0], [3.0, 6.0], [2.0, 4.0]]


def test_a_version_moved_while_the_driver_runs_answers_by_its_own_code(registry: Registry, tmp_path: Path) -> None:
    found = []
    for factor in (5, 6):
        log_class(registry, "moved", written(tmp_path / str(factor), times(factor)), "inference")
        pinned = pin(registry, "moved", "champion")
        found.append((pinned.version, answers(pinned)))
    assert found == [("1", [5.0, 10.0]), ("2", [6.0, 12.0])]
    # A batch that was planned with the version before is ended by that.
    assert answers(Pinned(registry, "moved", "1")) == [5.0, 10.0]


def test_a_class_that_imports_from_its_artifacts_leaves_nothing_behind(registry: Registry, tmp_path: Path) -> None:
    """MLflow's file says nothing of such code."""
    importing = """
        import mlflow.pyfunc

        class Model(mlflow.pyfunc.PythonModel):
            def load_context(self, context):
                import sys

                sys.path.insert(0, context.artifacts["code"])

            def predict(self, context, model_input, params=None):
                from shop.prices import factor

                return model_input["x"] * factor()
        """
    artifacts = {"code": str(written(tmp_path / "eight", times(8)))}
    folder = written(tmp_path / "importing", {"importing.py": importing})
    path = list(sys.path)
    assert answers(log_by_value(registry, "eight", folder, "importing", artifacts=artifacts)) == [8.0, 16.0]
    assert sys.path == path
    assert "shop" not in sys.modules


@pytest.fixture(scope="module")
def moody(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pinned]:
    """A version that does what the first record tells it to."""
    does = """
    x = rows.x[0]
    if x == -1: raise ValueError("weights of\\n   two lines")
    if x == -2: os._exit(7)
    if x == -3: os.kill(os.getpid(), 9)
    if x == -4: sys.exit("no more")
    if x == -7: raise ValueError(os.environ["MLFLOW_TRACKING_URI"] + " " + os.environ["MLFLOW_REGISTRY_URI"])
    if x == -5: print("a line of the version's")
    if x == -6:
        import subprocess, ctypes
        hung = subprocess.Popen(["sleep", "600"])
        with open(os.environ["MOODY_PIDS"], "w") as file: file.write(f"{os.getpid()} {hung.pid}")
        ctypes.PyDLL(None).sleep(600)
    return rows.x * (os.getpid() if x == 0.5 else 2)"""
    yield log_file(registry, "moody", written(tmp_path_factory.mktemp("moody"), from_code(does)))
    del registries._predictors[(registry, "moody")]


def ask(pinned: Pinned, values: Sequence[float]) -> list[float]:
    return list(load(pinned).ask(pd.DataFrame({"x": values}), as_list))


def test_what_a_version_raises_is_told_and_costs_nothing_else(moody: Pinned, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ModelFailed) as failed:
        ask(moody, [-1.0])
    assert str(failed.value) == "raised ValueError: weights of two lines"
    with pytest.raises(ModelFailed, match=r"^raised SystemExit: no more$"):
        ask(moody, [-4.0])
    # It may ask the registry for more.
    uri = moody.registry.tracking_uri
    with pytest.raises(ModelFailed, match=f"^raised ValueError: {uri} {uri}$"):
        ask(moody, [-7.0])
    capfd.readouterr()
    assert ask(moody, [-5.0]) == [-10.0]
    assert capfd.readouterr() == ("", "a line of the version's\n")


def test_a_process_that_ends_is_told_and_started_anew(moody: Pinned) -> None:
    for value, end in ((-3.0, "was ended by SIGKILL (is there too little memory?)"), (-2.0, "ended with exit code 7")):
        with pytest.raises(InfrastructureError) as failed:
            ask(moody, [value])
        assert str(failed.value).startswith(f"the process of moody version 1 {end} while it answered 1 records. ")
    assert ask(moody, [3.0]) == [6.0]


def test_a_large_batch_and_many_threads(moody: Pinned) -> None:
    values = [float(value) for value in range(10, 1_000_010)]
    assert ask(moody, values) == [value * 2 for value in values]
    found: dict[float, list[float]] = {}
    threads = [threading.Thread(target=lambda x=x: found.update({x: ask(moody, [x, x])})) for x in range(1, 40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {float(x): [x * 2.0, x * 2.0] for x in range(1, 40)}


def test_a_signature_decides_about_the_types_and_costs_a_null_its_record(registry: Registry) -> None:
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    rows = pd.DataFrame({"count": [1, 2], "open": [True, False], "share": np.array([0.5, 1.5], np.float32)})
    fitted = LinearRegression().fit(rows, [1.0, 2.0])
    kinds = {"count": "long", "open": "boolean", "share": "float"}
    signature = ModelSignature(Schema([ColSpec(kind, name) for name, kind in kinds.items()]))
    client_of(registry)
    mlflow.set_experiment("signatures")
    mlflow.sklearn.log_model(
        fitted, name="typed", registered_model_name="typed", signature=signature, pip_requirements=[]
    )
    model = Model.model_construct(inputs=Inputs(signal=tuple(kinds)), output=Output(name="y"))
    asked = pd.DataFrame(
        {"count": [1.0, np.nan, 2.0, 2.5], "open": [1.0, 1.0, 0.0, np.nan], "share": [0.5, 0.5, 1.5, np.nan]}
    )
    found = answered(model, asked, load(Pinned(registry, "typed", "1")))
    np.testing.assert_allclose(found["y"], [1.0, np.nan, 2.0, np.nan])
    assert found[REASON].tolist() == [
        None,
        "input count is null, and long by the version's signature: log it with an example that has nulls too",
        None,
        "input count is 2.5, and long by the version's signature: log it with an example that has such values too",
    ]


def test_a_version_that_cannot_be_loaded_says_why(registry: Registry, tmp_path: Path) -> None:
    folder = written(tmp_path / "broken", from_code("return rows.x"))
    pinned = log_file(registry, "broken", folder)
    place = Path(registries._folder(pinned))
    (place / "code" / "helper.py").unlink()
    with pytest.raises(InfrastructureError, match=r"^broken version 1 cannot be loaded: .*No module named 'helper'"):
        load(pinned)


ENDS = """
import os, signal, sys, threading
import pandas as pd

from headrace.io.scorer import Scorer

scorer = Scorer("moody", sys.argv[1]).start()
print("loaded", flush=True)
asking = threading.Thread(target=scorer.ask, args=(pd.DataFrame({"x": [-6.0]}), isinstance), daemon=True)
asking.start()
sys.stdin.readline()
if sys.argv[2] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("how", ["hung", "killed"])
def test_nothing_is_left_when_the_driver_ends(moody: Pinned, tmp_path: Path, how: str) -> None:
    """Not even what the version started, nor where it hangs in code of C that lets no other thread of it run."""
    pids = tmp_path / "pids"
    os.mkfifo(pids)
    driver = subprocess.Popen(
        [sys.executable, "-c", ENDS, registries._folder(moody), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "MOODY_PIDS": str(pids)},
    )
    assert driver.stdout is not None
    assert driver.stdout.readline() == "loaded\n"
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(started) == 2
    descriptors = [os.pidfd_open(pid) for pid in started]
    driver.communicate("end\n", timeout=60)
    for descriptor in descriptors:
        assert ends(descriptor)


def ends(descriptor: int) -> bool:
    """Whether a process ends within a generous time."""
    try:
        return bool(select.select([descriptor], [], [], 60)[0])
    finally:
        os.close(descriptor)


def test_a_version_that_nobody_asks_any_more_ends(moody: Pinned) -> None:
    (half,) = ask(moody, [0.5])
    descriptor = os.pidfd_open(int(half * 2))
    for version in ("2", "3"):
        registries._predictors[(moody.registry, "moody")][version] = Predictor(
            f"moody {version}", None, {}, ask_here(list)
        )
    load(Pinned(moody.registry, "moody", "3"))
    assert ends(descriptor)
