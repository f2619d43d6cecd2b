"""Projects for tests that start the command line as its users do: the repository's, with an overlay of the test's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from tests import flights

from headrace.config import Registry
from headrace.flows.catalog import tables, views
from headrace.flows.project import Project, load
from headrace.io.reader import open_tables
from headrace.io.runs import register

__all__ = ["Place", "place", "registered", "small_place"]

# What is killed lives for seconds: what the second compiler would save it is less than what it takes. With one compiler
# the JVM reserves a fifth of the room for code, and Spark's generated classes fill that.
SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"


@dataclass(frozen=True)
class Place:
    """A conf folder with an overlay named ``test``, and the environment commands run in."""

    conf_dir: Path
    home: Path
    environ: Mapping[str, str]

    @property
    def project(self) -> Project:
        return load(self.conf_dir, "test", self.environ)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "headrace", *arguments, "--conf-dir", str(self.conf_dir), "--env", "test"]

    def start(self, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
        """Start a command that will not live long, in a process group of its own, its output in ``log``."""
        told = f"{self.environ.get('JAVA_TOOL_OPTIONS', '')} {SHORT_LIVED}"
        environ = {**self.environ, "JAVA_TOOL_OPTIONS": told}
        with log.open("ab") as output:
            return subprocess.Popen(
                self.command(*arguments), env=environ, stdout=output, stderr=output, start_new_session=True
            )

    def run(self, *arguments: str, timeout: float = 1800) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), env=dict(self.environ), capture_output=True, text=True, timeout=timeout
        )

    def doubled(self) -> dict[str, int]:
        """Rows of each table that share their declared key with another; and the rows there are."""
        doubled = {}
        for table in tables(self.project):
            keys = ", ".join(table.key)
            doubled[table.name] = self.count(
                f"SELECT count(*) - (SELECT count(*) FROM (SELECT DISTINCT {keys} FROM {table.name})) FROM {table.name}"
            )
        return doubled

    def count(self, sql: str) -> int:
        loaded = self.project
        with open_tables(loaded.settings.storage, tables(loaded), views(loaded)) as connection:
            row = connection.execute(sql).fetchone()
        return int(row[0]) if row else 0


def place(folder: Path, overlay: Mapping[str, object]) -> Place:
    """The repository's configuration, copied, ``overlay`` as environment ``test``, all data under ``folder``."""
    conf_dir = folder / "conf"
    shutil.copytree(flights.CONF, conf_dir)
    (conf_dir / "test").mkdir()
    YAML().dump(dict(overlay), conf_dir / "test" / "overlay.yml")
    model = conf_dir / "models/arrives_late.yml"
    model.write_text(model.read_text().replace("start: 2013-01-22T00:00:00Z\n", ""))
    return Place(conf_dir, folder / "home", {**os.environ, "HEADRACE_HOME": str(folder / "home")})


def small_place(folder: Path, overlay: Mapping[str, object]) -> Place:
    """The same with one signal, departures, one feature set and one model: every flow, in few queries."""
    here = place(folder, overlay)
    for unused in ("contracts/weather.odcs.yaml", "contracts/arrivals.odcs.yaml"):
        (here.conf_dir / unused).unlink()
    for unused in ("features/airport_weather.yml", "features/origin_arrivals.yml"):
        (here.conf_dir / unused).unlink()
    signals, model = here.conf_dir / "base/signals.yml", here.conf_dir / "models/arrives_late.yml"
    _rewrite(signals, lambda read: read | {"signals": {"departures": read["signals"]["departures"]}})
    _rewrite(model, _without_others)
    return here


def _rewrite(file: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    YAML().dump(change(YAML(typ="safe").load(file.read_text())), file)


def _without_others(model: dict[str, Any]) -> dict[str, Any]:
    inputs = model["inputs"]
    kept = [each for each in inputs["features"] if each["set"] == "origin_departures"]
    return {key: each for key, each in model.items() if key != "training"} | {"inputs": inputs | {"features": kept}}


def registered(project: Project) -> None:
    """A small real model as champion, so that the score flow has one to ask."""
    model = project.models["arrives_late"]
    columns = list(model.inputs.columns)
    rows = pd.DataFrame({name: [0.0, 30.0, 60.0, 5.0] for name in columns})
    for name in ("origin", "carrier", "dest"):
        rows[name] = ["EWR", "JFK", "LGA", "EWR"]
    delay = ColumnTransformer([("delay", "passthrough", ["dep_delay"])])
    fitted = make_pipeline(delay, LogisticRegression()).fit(rows, [False, True, True, False])
    registry = Registry.model_validate(project.settings.registry.model_dump())
    register(
        registry,
        model.registered_model,
        fitted,
        rows,
        alias=model.alias,
        method="predict_proba",
        parameters={},
        metrics={},
        tags={},
    )
