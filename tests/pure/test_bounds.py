"""The lowest versions that headrace declares are those that ``make lowest`` tests, and those its jobs are given."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
DECLARED: list[str] = [*PROJECT["dependencies"], *(line for lines in EXTRAS.values() for line in lines)]


def release(text: str) -> tuple[int, ...]:
    parts = tuple(map(int, text.split(".")))
    return (*parts, *(0 for _ in range(4 - len(parts))))


LOCKED = {
    name: release(version)
    for name, version in re.findall(
        r"^([\w-]+)==(\d+(?:\.\d+)*)", (ROOT / "conf/locks/lowest.txt").read_text(), re.MULTILINE
    )
}


@pytest.mark.parametrize("requirement", DECLARED)
def test_the_lowest_version_is_the_one_that_is_tested(requirement: str) -> None:
    match = re.match(r"([\w.-]+?)[>=]=([\d.]+)", requirement)
    assert match, f"{requirement} has no lower bound"
    assert LOCKED[match[1].replace(".", "-")] == release(match[2])


@pytest.mark.parametrize("file", ["flows.yml", "maintain.yml"])
def test_a_job_of_databricks_is_given_what_the_registry_needs(file: str) -> None:
    """All but threadpoolctl, which scikit-learn brings."""
    resources = YAML(typ="safe").load(ROOT / "conf/databricks/resources" / file)
    wanted = [line for line in EXTRAS["mlflow"] if not line.startswith("threadpoolctl")]
    for job in resources["resources"]["jobs"].values():
        for task in job["tasks"]:
            assert [each["pypi"]["package"] for each in task["libraries"] if "pypi" in each] == wanted
