"""What can be held about the Databricks bundle without a workspace: its shape, and that what it names exists.

The schema here follows the published shape of bundles (https://docs.databricks.com/dev-tools/bundles/reference) for the
keys that are used, and refuses every other key: a slip in a name would else be found at deployment, or never.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from headrace.cli import jobs
from headrace.config import KafkaSource, Spark
from headrace.flows.project import load
from headrace.io import kafka_options, session
from headrace.io.lake import Lake

ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf"
VARIABLES = {"HEADRACE_CATALOG": "main", "HEADRACE_SCHEMA": "headrace", "HEADRACE_VOLUME": "headrace"}


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(path)
    return found


BUNDLE = read(ROOT / "databricks.yml")
RESOURCES = [read(path) for pattern in BUNDLE["include"] for path in sorted(ROOT.glob(pattern))]
WHOLE = str([BUNDLE, *RESOURCES])
JOBS: dict[str, Any] = {name: job for part in RESOURCES for name, job in part["resources"].get("jobs", {}).items()}
TASKS = [(job, task) for job in JOBS.values() for task in job["tasks"]]

each_task = pytest.mark.parametrize(("job", "task"), TASKS, ids=[task["task_key"] for _, task in TASKS])


def closed(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def mapping(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "minProperties": 1, "additionalProperties": value}


def several(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": value}


def one_of(*values: Any) -> dict[str, Any]:
    return {"enum": list(values)}


STRING, BOOLEAN = {"type": "string", "minLength": 1}, {"type": "boolean"}
WHOLE_NUMBER = {"type": "integer", "minimum": 0}

TASK = closed(
    ("task_key", "job_cluster_key", "python_wheel_task", "libraries"),
    task_key={"type": "string", "pattern": r"^[\w-]{1,100}$"},
    job_cluster_key=STRING,
    depends_on=several(closed(("task_key",), task_key=STRING)),
    max_retries=WHOLE_NUMBER,
    min_retry_interval_millis=WHOLE_NUMBER,
    python_wheel_task=closed(
        ("package_name", "entry_point"), package_name=STRING, entry_point=STRING, parameters=several(STRING)
    ),
    libraries=several(
        {
            "oneOf": [
                closed(("whl",), whl=STRING),
                closed(("jar",), jar=STRING),
                closed(("pypi",), pypi=closed(("package",), package=STRING)),
            ]
        }
    ),
)
CLUSTER = closed(
    ("job_cluster_key", "new_cluster"),
    job_cluster_key=STRING,
    new_cluster=closed(
        ("spark_version", "node_type_id", "num_workers", "data_security_mode"),
        spark_version={"type": "string", "pattern": r"^\d+\.\d+\.x-scala2\.1[23]$"},
        node_type_id=STRING,
        num_workers=WHOLE_NUMBER,
        data_security_mode=one_of("SINGLE_USER", "USER_ISOLATION"),
        spark_env_vars=mapping(STRING),
        spark_conf=mapping(STRING),
    ),
)
JOB = closed(
    ("name", "tasks", "job_clusters", "max_concurrent_runs"),
    name=STRING,
    description=STRING,
    max_concurrent_runs=WHOLE_NUMBER,
    queue=closed(("enabled",), enabled=BOOLEAN),
    schedule=closed(
        ("quartz_cron_expression", "timezone_id"),
        quartz_cron_expression={"type": "string", "pattern": r"^\S+( \S+){5,6}$"},
        timezone_id=STRING,
        pause_status=one_of("PAUSED", "UNPAUSED"),
    ),
    tasks=several(TASK),
    job_clusters=several(CLUSTER),
)
SCHEMA = closed(("catalog_name", "name"), catalog_name=STRING, name=STRING, comment=STRING)
VOLUME = closed(
    ("catalog_name", "schema_name", "name"),
    catalog_name=STRING,
    schema_name=STRING,
    name=STRING,
    volume_type=one_of("MANAGED", "EXTERNAL"),
    comment=STRING,
)
RESOURCE_FILE = closed(
    ("resources",), resources=closed(jobs=mapping(JOB), schemas=mapping(SCHEMA), volumes=mapping(VOLUME))
)
BUNDLE_FILE = closed(
    ("bundle", "targets"),
    bundle=closed(("name",), name=STRING),
    include=several(STRING),
    variables=mapping(closed(description=STRING, default=STRING)),
    artifacts=mapping(
        closed(
            ("type",),
            type=one_of("whl", "jar"),
            path=STRING,
            build=STRING,
            files=several(closed(("source",), source=STRING)),
        )
    ),
    sync=closed(exclude=several(STRING), include=several(STRING)),
    targets=mapping(
        closed(
            ("mode",),
            mode=one_of("development", "production"),
            default=BOOLEAN,
            workspace=closed(root_path=STRING),
            variables=mapping(STRING),
        )
    ),
)


@pytest.mark.parametrize(
    ("document", "schema"), [(BUNDLE, BUNDLE_FILE), *((part, RESOURCE_FILE) for part in RESOURCES)]
)
def test_a_file_has_the_published_shape(document: dict[str, Any], schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    assert [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(document)] == []


def test_one_target_is_the_default() -> None:
    assert [name for name, target in BUNDLE["targets"].items() if target.get("default")] == ["dev"]
    assert set(BUNDLE["targets"]) == {"dev", "prod"}


def test_every_reference_leads_somewhere() -> None:
    names = set(re.findall(r"\$\{([\w.]+)\}", WHOLE))
    resources = {
        f"resources.{kind}.{name}.{key}"
        for part in RESOURCES
        for kind, found in part["resources"].items()
        for name, value in found.items()
        for key in value
    }
    platform = {"bundle.name", "bundle.target", "workspace.file_path"}
    assert names <= {f"var.{name}" for name in BUNDLE["variables"]} | resources | platform


def test_no_workspace_and_no_secret_is_named() -> None:
    assert not re.search(r"https?://|dapi[0-9a-f]|(?i:password|secret|token)", WHOLE)


@each_task
def test_an_entry_point_is_one_of_the_package(job: dict[str, Any], task: dict[str, Any]) -> None:
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = task["python_wheel_task"]
    module, function = package["scripts"][named["entry_point"]].split(":")
    assert named["package_name"] == package["name"]
    assert module == jobs.__name__
    assert callable(getattr(jobs, function))
    assert (ROOT / "jobs" / f"{function}.py").is_file()


@each_task
def test_a_task_takes_in_what_is_there_and_ends(job: dict[str, Any], task: dict[str, Any]) -> None:
    given = task["python_wheel_task"]["parameters"]
    assert ("--once" in given) is (task["task_key"] != "maintain")
    assert given[given.index("--env") + 1] == "databricks"
    assert given[given.index("--conf-dir") + 1] == "${workspace.file_path}/conf"


@each_task
def test_a_task_runs_on_a_cluster_of_its_job_after_tasks_of_its_job(job: dict[str, Any], task: dict[str, Any]) -> None:
    assert task["job_cluster_key"] in {cluster["job_cluster_key"] for cluster in job["job_clusters"]}
    before = [other["task_key"] for other in job["tasks"][: job["tasks"].index(task)]]
    assert [wait["task_key"] for wait in task.get("depends_on", [])] == before[-1:]


@each_task
def test_the_wheel_is_the_one_the_bundle_builds(job: dict[str, Any], task: dict[str, Any]) -> None:
    (wheel,) = [library["whl"] for library in task["libraries"] if "whl" in library]
    assert (CONF / "databricks" / "resources" / wheel).resolve().parent == ROOT / "dist"
    assert "--wheel-dir dist" in BUNDLE["artifacts"]["headrace"]["build"]


def test_what_judges_has_the_reader_the_bundle_builds() -> None:
    (ingest,) = [task for _, task in TASKS if task["task_key"] == "ingest"]
    (jar,) = [library["jar"] for library in ingest["libraries"] if "jar" in library]
    (built,) = [file["source"] for file in BUNDLE["artifacts"]["reader"]["files"]]
    assert (CONF / "databricks" / "resources" / jar).resolve() == ROOT / built


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS.keys())
def test_two_runs_never_share_a_checkpoint(job: dict[str, Any]) -> None:
    assert job["max_concurrent_runs"] == 1


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS.keys())
def test_a_cluster_sets_every_variable_of_the_overlay(job: dict[str, Any]) -> None:
    overlay = (CONF / "databricks" / "headrace.yml").read_text(encoding="utf-8")
    needed = {*re.findall(r"\$\{(\w+)\}", overlay), "HEADRACE_MODELS"}
    for cluster in job["job_clusters"]:
        assert set(cluster["new_cluster"]["spark_env_vars"]) == needed


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS.keys())
def test_a_cluster_is_set_as_a_session_of_our_own(job: dict[str, Any]) -> None:
    ours = {**session.TUNED, **session.FIXED, "spark.sql.shuffle.partitions": str(Spark().shuffle_partitions)}
    for cluster in job["job_clusters"]:
        given = cluster["new_cluster"]["spark_conf"]
        assert given == {name: ours[name] for name in given}


def test_the_overlay_is_valid_and_names_tables_in_three_levels() -> None:
    project = load(CONF, "databricks", VARIABLES)
    storage = project.settings.storage
    assert Lake(storage).sql_name("ledger") == "`main`.`headrace`.`ledger`"
    assert storage.checkpoint_root == "/Volumes/main/headrace/headrace/checkpoints"
    assert project.settings.registry.registry_uri == "databricks-uc"
    assert project.settings.spark.master is None


def test_the_resources_are_no_settings() -> None:
    """The overlay is every *.yml in its folder, not in the folders below."""
    assert {path.parent.name for path in ROOT.glob(BUNDLE["include"][0])} == {"resources"}
    assert [path.name for path in (CONF / "databricks").glob("*.yml")] == ["headrace.yml"]


def test_the_overlay_of_a_cluster_is_valid() -> None:
    project = load(
        CONF, "cluster", {"HEADRACE_ROOT": "s3a://bucket/headrace", "MLFLOW_TRACKING_URI": "http://mlflow:5000"}
    )
    assert project.settings.spark.master is None
    assert project.settings.storage.root == "s3a://bucket/headrace/tables"
    assert project.settings.registry.tracking_uri == "http://mlflow:5000"


def test_the_commented_source_of_a_cluster_is_valid_too() -> None:
    lines = (CONF / "cluster" / "headrace.yml").read_text(encoding="utf-8").splitlines()
    commented = "\n".join(line.removeprefix("#   ") for line in lines if line.startswith("#   "))
    source = KafkaSource.model_validate(YAML(typ="safe").load(commented)["departures"]["source"])
    options = {name: value.get_secret_value() for name, value in source.options.items()}
    assert kafka_options.translate(options)["sasl_plain_username"] == "${KAFKA_USER}"


@pytest.mark.parametrize(
    "cell", (ROOT / "notebooks" / "tour.py").read_text(encoding="utf-8").split("# COMMAND ----------")
)
def test_a_cell_of_the_tour_is_text_or_code(cell: str) -> None:
    lines = [line for line in cell.splitlines() if line and line != "# Databricks notebook source"]
    magic = [line.startswith("# MAGIC") for line in lines]
    assert lines
    assert all(magic) or not any(magic)
