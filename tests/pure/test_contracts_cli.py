"""``headrace contracts`` as its users meet it: what it prints, where, and with which exit code."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import headrace.cli.contracts
from headrace.cli import app

REPOSITORY = Path(__file__).parents[2]
DEPARTURES = REPOSITORY / "conf" / "contracts" / "departures.odcs.yaml"
SLOW = ("pyspark", "mlflow", "pandas", "numpy", "duckdb", "deltalake", "pyarrow", "kafka")

BARE = """\
apiVersion: v3.1.0
kind: DataContract
id: mill.readings
version: 1.0.0
schema:
  - name: readings
    customProperties: [{property: eventTime, value: at}]
    properties:
      - {name: at, logicalType: timestamp, required: true, description: When.}
      - {name: grist, logicalType: string, description: What is ground.}
      - {name: sacks, logicalType: integer}
"""
WHOLE = """\
apiVersion: v3.1.0
kind: DataContract
id: mill.readings
version: 1.0.0
team: {name: millers}
description: {purpose: What the mill measures.}
schema:
  - name: readings
    customProperties: [{property: eventTime, value: at}]
    properties:
      - name: at
        logicalType: timestamp
        required: true
        primaryKey: true
        description: When.
        logicalTypeOptions: {minimum: 2020-01-01T00:00:00Z}
"""

runner = CliRunner()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's to work in, whose contracts are named as a user there would."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")
    return name


def records(name: str, count: int = 40, **more: object) -> str:
    rows = ({"id": f"r{row}", "at": f"2026-01-31T08:{row % 60:02}:00Z", "grist": "rye", **more} for row in range(count))
    return write(name, "".join(json.dumps(row) + "\n" for row in rows))


# lint


def test_advice_on_a_bare_contract() -> None:
    result = runner.invoke(app, ["contracts", "lint", write("bare.odcs.yaml", BARE)])

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "bare.odcs.yaml:1: note: the contract names no team: who answers for its records?",
        "bare.odcs.yaml:1: note: the contract has no description.purpose: what is one record?",
        "bare.odcs.yaml:6: note: the record has no primaryKey: what tells two records apart?",
        "bare.odcs.yaml:9: note: at is the event time and has no minimum: a clock that was never set is accepted",
        "bare.odcs.yaml:10: note: grist takes any text: give it a pattern, a format, a length or its values",
        "bare.odcs.yaml:11: note: sacks has no description",
        "bare.odcs.yaml:11: note: sacks takes any number: give it a minimum or a maximum",
        "1 contract, no mistake, 7 notes.",
    ]


def test_no_advice_where_nothing_is_open() -> None:
    result = runner.invoke(app, ["contracts", "lint", write("whole.odcs.yaml", WHOLE)])
    assert (result.exit_code, result.stdout) == (0, "1 contract, no mistake, 0 notes.\n")


def test_advice_on_what_is_nested() -> None:
    text = WHOLE + (
        "      - name: lines\n"
        "        logicalType: array\n"
        "        description: What was ordered.\n"
        "        items:\n"
        "          logicalType: object\n"
        "          properties:\n"
        "            - {name: count, logicalType: integer, description: How many.}\n"
        "            - {name: marks, logicalType: array, items: {logicalType: string}}\n"
    )
    result = runner.invoke(app, ["contracts", "lint", write("whole.odcs.yaml", text)])

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "whole.odcs.yaml:17: note: lines takes any number of items: give it maxItems",
        "whole.odcs.yaml:23: note: lines[].count takes any number: give it a minimum or a maximum",
        "whole.odcs.yaml:24: note: lines[].marks has no description",
        "whole.odcs.yaml:24: note: lines[].marks takes any number of items: give it maxItems",
        (
            "whole.odcs.yaml:24: note: lines[].marks[] takes any text: "
            "give it a pattern, a format, a length or its values"
        ),
        "1 contract, no mistake, 5 notes.",
    ]


@pytest.mark.parametrize(
    "option",
    [
        "logicalTypeOptions: {pattern: a+}",
        "logicalTypeOptions: {format: uuid}",
        "logicalTypeOptions: {maxLength: 9}",
        "logicalTypeOptions: {minLength: 1}",
        "quality: [{metric: invalidValues, arguments: {validValues: [rye]}, mustBe: 0}]",
    ],
)
def test_a_text_that_says_what_it_takes(option: str) -> None:
    text = BARE.replace("What is ground.", f"What is ground., {option}")
    result = runner.invoke(app, ["contracts", "lint", write("bare.odcs.yaml", text)])
    assert result.exit_code == 0, result.output
    assert "grist" not in result.stdout


@pytest.mark.parametrize("bound", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"])
def test_a_number_with_a_bound(bound: str) -> None:
    text = BARE.replace("logicalType: integer", f"logicalType: integer, logicalTypeOptions: {{{bound}: 5}}")
    result = runner.invoke(app, ["contracts", "lint", write("bare.odcs.yaml", text)])
    assert result.exit_code == 0, result.output
    assert "any number" not in result.stdout


def test_the_name_of_a_file_cannot_steer_the_terminal() -> None:
    result = runner.invoke(app, ["contracts", "lint", write("\x1b[2J.odcs.yaml", BARE)])
    assert result.stdout.startswith(" [2J.odcs.yaml:1: note: ")


def test_the_configuration_s_contracts_are_the_default() -> None:
    write("conf/contracts/one.odcs.yaml", WHOLE)
    write("conf/contracts/two.odcs.yaml", BARE)
    write("elsewhere/contracts/three.odcs.yaml", WHOLE)

    by_default = runner.invoke(app, ["contracts", "lint"])
    elsewhere = runner.invoke(app, ["contracts", "lint", "--conf-dir", "elsewhere"])

    assert by_default.stdout.startswith("conf/contracts/two.odcs.yaml:1: note: ")
    assert by_default.stdout.endswith("\n2 contracts, no mistake, 7 notes.\n")
    assert elsewhere.stdout == "1 contract, no mistake, 0 notes.\n"


def test_no_contract_to_look_at() -> None:
    result = runner.invoke(app, ["contracts", "lint"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "conf/contracts holds no *.odcs.yaml" in result.stderr


def test_the_mistakes_of_all_files_and_no_advice() -> None:
    one = write("one.odcs.yaml", BARE.replace("integer}", "intger}"))
    two = write("two.odcs.yaml", BARE.replace("required: true", "require: true"))

    result = runner.invoke(app, ["contracts", "lint", one, two, write("bare.odcs.yaml", BARE)])

    assert (result.exit_code, result.stdout) == (2, "")
    kinds = "string, integer, number, boolean, timestamp, date, time, object, array"
    assert result.stderr.splitlines() == [
        f"one.odcs.yaml:11: schema[0].properties[2].logicalType: must be one of {kinds}; did you mean 'integer'?",
        "two.odcs.yaml:9: schema[0].properties[0].require: is not known; did you mean 'required'?",
    ]


def test_contracts_in_the_styles_of_public_ones_say_what_they_leave_to_others() -> None:
    styles = sorted((Path(__file__).parents[1] / "styles").glob("*.odcs.yaml"))

    result = runner.invoke(app, ["contracts", "lint", *map(str, styles)])

    assert (result.exit_code, result.stderr) == (0, "")
    notes = [line.split("/")[-1] for line in result.stdout.splitlines() if "not enforced" in line]
    assert [note.split(", which")[0] for note in notes] == [
        "data_product.odcs.yaml:21: note: weight has a rule in words",
        "data_product.odcs.yaml:21: note: weight has a rule in SQL",
        "dbt_models.odcs.yaml:12: note: segment has a rule for dbt",
        "finance_trades.odcs.yaml:16: note: the record has a rule for soda",
        "gx_checks.odcs.yaml:13: note: score has a rule for greatExpectations",
        "hr_employees.odcs.yaml:20: note: birth_date has a rule in words",
        "kafka_payments.odcs.yaml:16: note: the record has a rule in SQL",
        "monte_carlo.odcs.yaml:12: note: the record has a rule for monteCarlo",
        "relationships.odcs.yaml:8: note: the record has relationships",
        "relationships.odcs.yaml:12: note: order_id has relationships",
    ]
    assert result.stdout.splitlines()[-1].startswith("30 contracts, no mistake, ")


def test_lint_as_json() -> None:
    right = runner.invoke(app, ["contracts", "lint", "--json", write("bare.odcs.yaml", BARE)])
    wrong = runner.invoke(app, ["contracts", "lint", "--json", write("wrong.odcs.yaml", "id: 1\n")])

    said = json.loads(right.stdout)
    assert (right.exit_code, said["valid"], said["mistakes"], len(said["notes"])) == (0, True, [], 7)
    assert said["notes"][5] == {
        "file": "bare.odcs.yaml",
        "line": 11,
        "subject": "sacks",
        "advice": "has no description",
    }
    said = json.loads(wrong.stdout)
    assert (wrong.exit_code, said["valid"], said["notes"]) == (2, False, [])
    assert any("wrong.odcs.yaml:1: id: must be text" in mistake for mistake in said["mistakes"])


# diff


def test_a_breaking_change() -> None:
    old = write("old.odcs.yaml", BARE)
    new = write("new.odcs.yaml", BARE.replace("{name: sacks,", "{name: sacks, required: true,"))

    result = runner.invoke(app, ["contracts", "diff", old, new])

    assert result.exit_code == 1
    assert [line.rstrip() for line in result.stdout.splitlines()] == [
        "field       change                  class     why",
        "sacks       required: false → true  breaking  records without it were accepted, and are rejected",
        ("(contract)  version: still 1.0.0    breaking  the contract changed: give it a new major version, as 2.0.0"),
    ]
    assert result.stderr == (
        "2 of 2 changes are breaking: make them compatible, or agree on them with senders and readers before the new "
        "version applies.\n"
    )


def test_a_compatible_change() -> None:
    old = write("old.odcs.yaml", BARE)
    more = "      - {name: tare, logicalType: number}\n"
    new = write("new.odcs.yaml", BARE.replace("1.0.0", "1.1.0") + more)

    result = runner.invoke(app, ["contracts", "diff", old, new, "--json"])

    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == [
        {
            "field": "tare",
            "change": "added",
            "class": "compatible",
            "why": "records without it are accepted; the signal's table gets a column",
        },
        {"field": "", "change": "version: 1.0.0 → 1.1.0", "class": "compatible", "why": "names the change"},
    ]


def test_no_change() -> None:
    result = runner.invoke(app, ["contracts", "diff", str(DEPARTURES), str(DEPARTURES)])
    assert (result.exit_code, result.stdout, result.stderr) == (0, "No change.\n", "")


def test_a_table_shows_brackets_and_steers_nothing() -> None:
    values = r"""quality: [{metric: invalidValues, arguments: {validValues: ['[red]', "\e[2J"]}, mustBe: 0}]"""
    old = write("old.odcs.yaml", BARE)
    new = write("new.odcs.yaml", BARE.replace("What is ground.", f"What is ground., {values}"))

    result = runner.invoke(app, ["contracts", "diff", old, new])

    assert "validValues: +[red], + [2J" in result.stdout


def test_contracts_with_mistakes_are_not_compared() -> None:
    wrong = write("wrong.odcs.yaml", BARE.replace("logicalType: integer", "logicalType: intger"))

    result = runner.invoke(app, ["contracts", "diff", "nowhere.yaml", wrong])

    assert (result.exit_code, result.stdout) == (2, "")
    missing, mistaken = result.stderr.splitlines()
    assert missing == "nowhere.yaml:1: cannot be read: No such file or directory"
    assert mistaken.startswith("wrong.odcs.yaml:11: ")


# infer


def test_a_proposal_passes_lint() -> None:
    result = runner.invoke(app, ["contracts", "infer", records("landing/mill-2026-01-31.jsonl")])

    assert result.exit_code == 0, result.output
    assert result.stderr == "40 records read.\n"
    assert "\nid: mill\nname: mill\n" in result.stdout
    looked = runner.invoke(app, ["contracts", "lint", write("mill.odcs.yaml", result.stdout)])
    assert looked.exit_code == 0, looked.output


def test_a_compressed_file_with_a_byte_order_mark_and_a_damaged_one() -> None:
    plain = Path(records("landing/mill.jsonl"))
    plain.write_bytes(b"\xef\xbb\xbf" + plain.read_bytes())
    packed = plain.with_suffix(".jsonl.gz")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    read = runner.invoke(app, ["contracts", "infer", str(packed)])
    assert read.exit_code == 0, read.output
    assert read.stderr == "40 records read.\n"
    packed.write_bytes(packed.read_bytes()[:-20])
    damaged = runner.invoke(app, ["contracts", "infer", str(packed)])
    assert (damaged.exit_code, damaged.stdout) == (2, "")
    assert damaged.stderr.startswith("landing/mill.jsonl.gz cannot be read: Compressed file ended before ")


def test_a_folder_and_what_was_left_out_of_it() -> None:
    records("landing/1.jsonl", nested={"a": 1})
    write("landing/2.jsonl", '\n{"id": 1, "id": 2}\n[1]\n{"a": ' + "1" * 2**20 + "}\n" + '{"id": "last", "at": "soon"}')
    write("landing/_SUCCESS", "not read")
    write("landing/.hidden", "not read")
    write("landing/deeper/3.jsonl", "not read")

    result = runner.invoke(app, ["contracts", "infer", "landing"])

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        "41 records read.",
        "Left out: 1 line, empty",
        "Left out: 1 line, duplicate_key",
        "Left out: 1 line, not_an_object",
        "Left out: 1 line, too_large",
        (
            "a contract needs an event time, and no field is a time with its zone in every record, "
            "as 2026-01-31T00:00:00Z is"
        ),
        "'at' is time with its zone (40), text (1) of 41",
    ]


def test_rows_names_and_keys_that_steer() -> None:
    data = records("in.jsonl", 9, **{"\x1b[2J": 1, "nested": {}})

    result = runner.invoke(app, ["contracts", "infer", data, "--rows", "5", "--name", "grist", "--event-time", "at"])

    assert result.exit_code == 0, result.output
    assert "\nid: grist\n" in result.stdout
    assert result.stderr.splitlines() == [
        "5 records read.",
        "Stopped after 5 lines; --rows reads more.",
        r"Left out: '\x1b[2J' must be printable, and 256 characters at most",
        "Left out: 'nested' holds no member that could be a field",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.jsonl"], "nowhere.jsonl cannot be read: No such file or directory\n"),
        (["empty"], "empty holds no file of JSON lines\n"),
        (["blank.jsonl"], "0 records read.\nLeft out: 1 line, empty\nblank.jsonl holds no record: "),
        (["right.jsonl", "--name", "My Mill"], "My Mill is no name: small letters, digits and _, a letter first"),
        (["right.jsonl", "--event-time", "att"], "40 records read.\natt is no time with its zone in every record"),
    ],
)
def test_nothing_to_propose(arguments: list[str], message: str) -> None:
    Path("empty").mkdir()
    write("blank.jsonl", "\n")
    records("right.jsonl")
    result = runner.invoke(app, ["contracts", "infer", *arguments])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(message)


@pytest.mark.parametrize(
    ("data", "name"),
    [("orders-2026-01-31.jsonl", "orders"), ("My Orders.v2.jsonl", "my_orders"), ("1.jsonl", "records")],
)
def test_a_name_comes_from_that_of_the_data(data: str, name: str) -> None:
    result = runner.invoke(app, ["contracts", "infer", records(data)])
    assert f"\nid: {name}\n" in result.stdout


def test_a_long_reading_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headrace.cli.contracts, "_PATIENCE", 0.0)
    result = runner.invoke(app, ["contracts", "infer", records("mill.jsonl", 2_500)])
    assert result.stderr.splitlines() == ["1,000 lines read", "2,000 lines read", "2,500 records read."]


def test_contracts_load_nothing_slow() -> None:
    write("old.odcs.yaml", BARE)
    records("mill.jsonl")
    program = (
        "import sys\n"
        "from headrace.cli import app\n"
        "from typer.testing import CliRunner\n"
        "for arguments in (['lint', 'old.odcs.yaml'], ['diff'] + ['old.odcs.yaml'] * 2, ['infer', 'mill.jsonl']):\n"
        "    assert CliRunner().invoke(app, ['contracts', *arguments]).exit_code == 0\n"
        f"slow = [name for name in {SLOW!r} if name in sys.modules]\n"
        "assert not slow, slow\n"
    )
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "pipelines")}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stderr
