"""The command line as its users meet it: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import headrace.cli
from headrace.cli import app

REPOSITORY = Path(__file__).parents[2]
CONF = REPOSITORY / "conf"
SLOW = ("pyspark", "mlflow", "pandas", "numpy", "duckdb", "deltalake", "pyarrow", "kafka", "great_expectations")

runner = CliRunner()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A fresh project, as ``headrace init`` writes it."""
    folder = tmp_path / "greenhouse"
    assert runner.invoke(app, ["init", str(folder)]).exit_code == 0
    return folder


def validate(folder: Path, *arguments: str) -> list[str]:
    return ["validate", "--conf-dir", str(folder / "conf"), *arguments]


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def test_the_repository_is_valid() -> None:
    result = runner.invoke(app, ["validate", "--conf-dir", str(CONF)])

    assert result.exit_code == 0, result.output
    assert "departures" in result.stdout
    assert result.stdout.endswith("Project flights, environment local: the configuration is right.\n")
    assert result.stderr == ""


def test_what_no_record_is_judged_by_is_said(project: Path) -> None:
    contract = project / "conf" / "contracts" / "readings.odcs.yaml"
    rules = "{type: sql, query: SELECT 1, mustBe: 0}", "{type: text, description: d}"
    contract.write_text(contract.read_text() + "".join(f"      - {rule}\n" for rule in rules))
    line = contract.read_text().count("\n")

    plain, as_json = runner.invoke(app, validate(project)), runner.invoke(app, validate(project, "--json"))

    assert (plain.exit_code, as_json.exit_code) == (0, 0), plain.output
    first, second = [told for told in plain.stdout.splitlines() if "note:" in told]
    file = "conf/contracts/readings.odcs.yaml"
    assert first.startswith(f"{file}:{line - 1}: note: the record has a rule in SQL, which is not enforced: ")
    assert second == f"{file}:{line}: note: the record has a rule in words, which is not enforced"
    assert [note["line"] for note in json.loads(as_json.stdout)["notes"]] == [line - 1, line]


def test_a_new_project_is_valid(project: Path) -> None:
    result = runner.invoke(app, validate(project, "--json"))

    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert (said["valid"], said["mistakes"]) == (True, [])
    assert (said["project"], said["environment"]) == ("greenhouse", "local")
    assert said["signals"]["readings"]["contract"] == "greenhouse.readings"
    assert said["feature_sets"]["sensor_hour"]["features"] == ["readings", "mean_temperature", "max_temperature"]
    assert said["models"]["overheats"] == {
        "signal": "readings",
        "inputs": ["temperature", "humidity", "sensor_hour_mean_temperature", "sensor_hour_max_temperature"],
    }


def test_a_new_project_brings_records_of_three_days_and_what_came_of_two(project: Path) -> None:
    landed = {path.relative_to(project / "landing").as_posix(): path for path in project.glob("landing/*/*")}
    records = {name: [json.loads(line) for line in path.read_text().splitlines()] for name, path in landed.items()}

    assert {name: len(lines) for name, lines in sorted(records.items())} == {
        "peaks/2026-03-01.jsonl": 135,
        "peaks/2026-03-02.jsonl": 135,
        "readings/2026-03-01.jsonl": 136,
        "readings/2026-03-02.jsonl": 135,
        "readings/2026-03-03.jsonl": 135,
    }


def test_all_mistakes_are_shown_at_once(project: Path) -> None:
    change(project / "conf" / "base" / "headrace.yml", "trigger: 10 seconds", "trigger: 10 sec")
    change(project / "conf" / "features" / "sensor_hour.yml", "op: max", "op: maxx")

    result = runner.invoke(app, validate(project))

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "conf/base/headrace.yml:11: trigger: '10 sec' is no duration: write a number and a unit, as in '30 minutes'",
        (
            "conf/features/sensor_hour.yml:12: features.max_temperature.op: "
            "must be one of count, sum, mean, min, max, stddev, approx_distinct, approx_quantile, first, last, share, "
            "rate, since_last; did you mean 'max'?"
        ),
    ]


def test_mistakes_as_json(project: Path) -> None:
    change(project / "conf" / "models" / "overheats.yml", "signal: readings", "signal: reading")

    result = runner.invoke(app, validate(project, "--json"))

    assert result.exit_code == 2
    assert json.loads(result.stdout) == {
        "valid": False,
        "environment": "local",
        "mistakes": [
            "conf/models/overheats.yml:5: signal: there is no signal reading; did you mean 'readings'?",
        ],
    }


def test_an_unknown_environment_names_those_there_are(project: Path) -> None:
    result = runner.invoke(app, validate(project, "--env", "locla"))

    assert result.exit_code == 2
    assert "no environment" in result.stderr
    assert "did you mean 'local'?" in result.stderr


def test_a_mistake_cannot_steer_the_terminal(project: Path) -> None:
    change(project / "conf" / "models" / "overheats.yml", "signal: readings", r'signal: "reading\e[2J"')

    result = runner.invoke(app, validate(project))

    assert result.exit_code == 2
    assert "\x1b" not in result.stderr


def test_options_come_from_the_environment_too(project: Path) -> None:
    result = runner.invoke(app, ["validate"], env={"HEADRACE_CONF": str(project / "conf"), "HEADRACE_ENV": "nowhere"})

    assert result.exit_code == 2
    assert "nowhere" in result.stderr


def test_references_are_taken_from_the_environment(project: Path) -> None:
    change(project / "conf" / "base" / "headrace.yml", "var/tables", "${GREENHOUSE_TABLES}")

    assert runner.invoke(app, validate(project), env={"GREENHOUSE_TABLES": "elsewhere"}).exit_code == 0
    missing = runner.invoke(app, validate(project), env={"GREENHOUSE_TABLES": None})
    assert missing.exit_code == 2
    assert "GREENHOUSE_TABLES" in missing.stderr


@pytest.mark.parametrize("content", ["a file", "a folder that holds something"])
def test_init_overwrites_nothing(tmp_path: Path, content: str) -> None:
    target = tmp_path / "target"
    if content == "a file":
        target.write_text("mine")
    else:
        target.mkdir()
        (target / "mine").write_text("mine")

    result = runner.invoke(app, ["init", str(target)])

    assert result.exit_code == 2
    assert "is not an empty folder" in result.stderr
    assert (target if target.is_file() else target / "mine").read_text() == "mine"


def test_init_fills_an_empty_folder(tmp_path: Path) -> None:
    assert runner.invoke(app, ["init", str(tmp_path)]).exit_code == 0
    assert (tmp_path / "conf" / "base" / "headrace.yml").is_file()


def test_a_mistyped_command_gets_a_suggestion() -> None:
    result = runner.invoke(app, ["valdate"])

    assert result.exit_code == 2
    assert "Did you mean 'validate'?" in result.stderr


@pytest.mark.parametrize("name", headrace.cli.COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    result = runner.invoke(app, [name, "--help"])

    assert result.exit_code == 0, result.output
    assert f"Usage: headrace {name}" in result.stdout


def broken() -> None:
    """Stands in for a fault of headrace itself."""
    raise RuntimeError("a fault of ours")


@pytest.fixture
def with_broken_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headrace.cli, "COMMANDS", {"broken": f"{__name__}:broken"})
    monkeypatch.setitem(sys.modules, __name__, sys.modules[broken.__module__])


@pytest.mark.usefixtures("with_broken_command")
def test_a_fault_of_its_own_is_short_and_says_how_to_see_more() -> None:
    result = runner.invoke(app, ["broken"])

    assert result.exit_code == 3
    assert result.stderr == ("headrace failed, and should not: RuntimeError: a fault of ours\n--debug shows where.\n")


@pytest.mark.usefixtures("with_broken_command")
def test_debug_shows_the_traceback() -> None:
    result = runner.invoke(app, ["broken", "--debug"])

    assert result.exit_code == 3
    assert "Traceback (most recent call last)" in result.stderr
    assert "in broken" in result.stderr


def test_version() -> None:
    result = runner.invoke(app, ["--version"])

    assert result.exit_code == 0
    assert result.stdout.startswith("headrace")


def test_validate_loads_nothing_slow() -> None:
    program = (
        "import sys\n"
        "from headrace.cli import main\n"
        "sys.argv = ['headrace', 'validate']\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        f"    slow = [name for name in {SLOW!r} if name in sys.modules]\n"
        "    assert not slow, slow\n"
    )
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "pipelines")}
    for name in ("HEADRACE_CONF", "HEADRACE_ENV"):
        environment.pop(name, None)

    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=600
    )

    assert ran.returncode == 0, ran.stderr
    assert "the configuration is right" in ran.stdout
