"""What the README says is what there is: commands, keys and defaults, tables and columns, and a project to copy.

``python tests/pure/test_readme.py`` writes anew the data dictionary from ``headrace.tables``, and the table of the
standard from ``headrace.contracts.odcs_support``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import pyarrow as pa
import pytest
import sqlglot
from deltalake import write_deltalake
from pydantic import BaseModel
from typer.testing import CliRunner

from headrace import tables
from headrace.cli import COMMANDS, app
from headrace.config import DeltaSource, FileSource, KafkaSource, RedisOnline, Settings, SqliteOnline, duration_text
from headrace.contracts.odcs_support import STANDARD
from headrace.contracts.reasons import Reason
from headrace.features.spec import FeatureSet
from headrace.flows.project import load
from headrace.io import kafka_options
from headrace.models.spec import Model
from headrace.tables import Column, Table, View

README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8") if README.exists() else ""

runner = CliRunner()


def section(title: str, text: str = TEXT) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    level = len(title) - len(title.lstrip("#"))
    begin = text.index(f"\n{title}\n") + len(title) + 2
    end = re.search(rf"^#{{1,{level}}} ", text[begin:], re.MULTILINE)
    return text[begin : begin + end.start() if end else None]


# Commands


def shell_lines() -> Iterator[str]:
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            yield line.split("    #")[0].strip()


def headrace_lines() -> list[list[str]]:
    found = [re.sub(r'"[^"]*"', "QUERY", line).split() for line in shell_lines()]
    return [line[1:] for line in found if line and line[0].split("/")[-1] == "headrace"]


@pytest.mark.parametrize("words", headrace_lines(), ids=" ".join)
def test_every_command_line_is_one_that_exists(words: list[str]) -> None:
    command = words[: 2 if words[0] in ("ledger", "sources", "dead-letters", "features", "quality", "models") else 1]
    shown = runner.invoke(app, [*command, "--help"], terminal_width=200)
    assert shown.exit_code == 0, shown.output
    assert all(f"{word} " in shown.stdout for word in words if word.startswith("--"))


def test_the_table_of_commands_is_complete() -> None:
    rows = re.findall(r"^\| `headrace ([\w-]+)", section("## Every command"), re.MULTILINE)
    assert rows == list(COMMANDS)


def test_every_target_of_make_exists() -> None:
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z]+)", TEXT)) | set(re.findall(r"^make ([a-z]+)", TEXT, re.MULTILINE))
    assert named
    assert all(re.search(rf"^{name}:", makefile, re.MULTILINE) for name in named)


def test_every_link_leads_somewhere() -> None:
    headings = {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in re.findall(r"^#+ (.+)$", TEXT, re.M)}
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        if target.startswith("#"):
            assert target[1:] in headings
        elif "://" not in target:
            assert (README.parent / target).exists()


# Configuration


def models_in(annotation: Any) -> list[type[BaseModel]]:
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    parts = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)]


def keys(model: type[BaseModel], before: str = "") -> Iterator[tuple[str, str]]:
    """Every key with its default, as the tables write them; of the kinds of source only the key ``kind``."""
    for name, field in model.model_fields.items():
        key = before + (field.alias or name)
        inner = models_in(field.annotation)
        origin, arguments = get_origin(field.annotation), get_args(field.annotation)
        if len(inner) > 1:
            yield f"{key}.kind", "required"
        elif inner:
            yield from keys(inner[0], f"{key}.")
        elif origin is dict and (value := models_in(arguments[1])):
            placeholder = {"signals": "<signal>", "features": "<feature>", "derived": "<derived>"}[name]
            yield from keys(value[0], f"{key}.{placeholder}.")
        elif origin is tuple and (value := models_in(arguments[0])):
            yield from keys(value[0], f"{key}[].")
        else:
            yield key, default(field)


def default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={}) if field.default_factory else field.default
    if isinstance(value, timedelta):
        return f"`{duration_text(value)}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if value or isinstance(value, int) else "none"


def rows(text: str) -> dict[str, str]:
    """First and last cell of every row of a table of three columns."""
    return dict(re.findall(r"^\| `([^`]+)` \| .+ \| ([^|]+) \|$", text, re.MULTILINE))


SETTINGS = section("### Settings: `conf/base/*.yml`") if TEXT else ""


@pytest.mark.parametrize(
    ("model", "begin", "end"),
    [
        (Settings, "", "Source of kind `files`"),
        (FileSource, "Source of kind `files`", "Source of kind `kafka`"),
        (KafkaSource, "Source of kind `kafka`", "Source of kind `delta`"),
        (DeltaSource, "Source of kind `delta`", "Online view of kind `sqlite`"),
        (SqliteOnline, "Online view of kind `sqlite`", "Online view of kind `redis`"),
        (RedisOnline, "Online view of kind `redis`", None),
    ],
)
def test_every_setting_is_described(model: type[BaseModel], begin: str, end: str | None) -> None:
    part = SETTINGS[SETTINGS.index(begin) : SETTINGS.index(end) if end else None]
    assert rows(part) == {key: value for key, value in keys(model) if model is Settings or key != "kind"}


@pytest.mark.parametrize(
    ("model", "title"),
    [(FeatureSet, "### Feature sets: `conf/features/<name>.yml`"), (Model, "### Models: `conf/models/<name>.yml`")],
)
def test_every_key_of_a_declaration_is_described(model: type[BaseModel], title: str) -> None:
    assert rows(section(title)) == dict(keys(model))


def test_every_reason_is_named() -> None:
    part = section("### Contracts: `conf/contracts/<name>.odcs.yaml`")
    assert [reason for reason in Reason if f"`{reason}`" not in part] == []


STANDARD_TITLE = "#### Each key of the standard"


def standard() -> str:
    """The table as ``headrace.contracts.odcs_support`` has it."""

    def listed(keys: Sequence[str]) -> str:
        return ", ".join(f"`{key}`" for key in keys)

    rows = [
        f"| `{part}` | {listed(support.enforced)} | {listed(support.refused)} | {listed(support.describes)} |"
        for part, support in STANDARD.items()
    ]
    return "\n".join(["| Part | Enforced | Refused | Only describes |", "|---|---|---|---|", *rows])


def test_the_table_of_the_standard_is_that_of_the_code() -> None:
    assert section(STANDARD_TITLE).split("\n\n")[1].strip() == standard()


# Data dictionary

_NAMED = {tables.SOURCE: "source", tables.HEADERS: "headers", f"ARRAY<{tables.REASON}>": "reasons"}

# What stands in the dictionary for a name or a part that the project's own files declare.
_SIGNAL = tables.signals(
    "zz_signal", [Column("zz_fields", "as in the contract", "The contract's fields, in its order.")]
)
_LOG = tables.features_log(
    "zz_set",
    [Column("zz_entity", "as in the contract", "The set's entity columns.")],
    [Column("zz_features", "by operation", "The set's features.")],
)
_PREDICTIONS = tables.predictions("zz_model", [Column("zz_input", "DOUBLE or STRING")], "zz_answer")
_MADE_BY = {"signals": _SIGNAL, "features_log": _LOG, "predictions": _PREDICTIONS}


def written_tables() -> list[Table]:
    """Every table of ``headrace.tables``: those of signals, sets and models first, then the fixed ones."""
    fixed = [each for each in vars(tables).values() if isinstance(each, Table)]
    made = [
        name for name, each in vars(tables).items() if callable(each) and get_type_hints(each).get("return") is Table
    ]
    assert made == list(_MADE_BY)
    return [*_MADE_BY.values(), *fixed]


def written_views() -> list[View]:
    """Every view of ``headrace.tables``."""
    log = tables.features_log("zz_set", [Column("zz_entity", "STRING")], [Column("zz_features", "STRING")])
    made: dict[str, Sequence[View]] = {
        "feature_views": tables.feature_views("zz_set", log, ["zz_entity"]),
        "delay_view": [tables.delay_view("zz_set", "zz_signal", 0, ("zz_entity",))],
        "all_predictions": [tables.all_predictions({"zz_model": "answer"})],
        "decision_times": [tables.decision_times(["zz_model"])],
        "dead_letters_by_state": tables.dead_letters_by_state(),
        "sources": [tables.sources()],
        "ledgered": [tables.ledgered(Table(name="zz_table", grain="one row of that table", key=(), columns=()))],
    }
    assert list(made) == [
        name
        for name, each in vars(tables).items()
        if callable(each) and View in (answer := get_type_hints(each).get("return"), *get_args(answer))
    ]
    return [view for views in made.values() for view in views]


def dictionary() -> str:
    """The section as ``headrace.tables`` has it."""
    parts = [f"- **{name}**: `{ddl}`" for ddl, name in _NAMED.items()]
    body = "\n\n".join(
        [
            "Types that several tables share:\n\n" + "\n".join(parts),
            *(_of_table(table) for table in written_tables()),
            "### Views\n\n" + "\n".join(_of_view(view) for view in written_views()),
        ]
    )
    return re.sub(r"zz_(\w+?)(?=_log|_latest|_cuts|_delays|_ledgered|\b)", r"<\1>", body)


def _of_table(table: Table) -> str:
    head = f"### `{table.name}`\n\nOne row is {table.grain}. Key: {', '.join(f'`{name}`' for name in table.key)}."
    if table.partitioned_by:
        head += f" Partitioned by {', '.join(f'`{name}`' for name in table.partitioned_by)}."
    lines = [f"| `{one.name}` | {_type(one)} | {one.comment} |" for one in table.columns]
    return "\n".join([head, "", "| Column | Type | Meaning |", "|---|---|---|", *lines])


def _type(column: Column) -> str:
    if column.type in _NAMED or column.type.startswith(("as ", "by ")):
        return _NAMED.get(column.type, column.type)
    return f"`{column.type.replace('`', '')}`"


def _of_view(view: View) -> str:
    query = sqlglot.parse_one(view.sql, read="duckdb")
    assert isinstance(query, sqlglot.exp.Query)
    columns = query.named_selects
    said = "the columns of what it selects from" if columns == ["*"] else ", ".join(f"`{name}`" for name in columns)
    return f"- `{view.name}`: one row is {view.grain}. Columns: {said}."


def test_the_data_dictionary_is_that_of_the_tables() -> None:
    written = section("## Data dictionary").strip()
    assert written.startswith("<!-- ")
    assert written.split("-->", 1)[1].strip() == dictionary()


# A project to copy


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of "Your own project", written as its reader would."""
    folder = tmp_path_factory.mktemp("kitchen")
    for name, content in re.findall(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```", section("## Your own project"), re.M | re.S):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def test_the_project_to_copy_is_valid(kitchen: Path) -> None:
    result = runner.invoke(app, ["validate", "--conf-dir", str(kitchen / "conf")])
    assert result.exit_code == 0, result.output


def test_the_project_to_copy_brings_records(kitchen: Path) -> None:
    subprocess.run([sys.executable, "records.py", "1", "2"], cwd=kitchen, check=True)
    landed = sorted(path.relative_to(kitchen).as_posix() for path in (kitchen / "landing").rglob("*.jsonl"))
    assert landed == [f"landing/{signal}/2026-05-0{day}.jsonl" for signal in ("orders", "served") for day in (1, 2)]


def test_the_queries_of_dead_letters_run_on_bytes_that_are_no_text(kitchen: Path) -> None:
    values = [b'{"order_id": "station-0501-999", "dishes": "two"}', b'{"order_id": "\xff"}', None]
    kinds = {"TIMESTAMP": pa.timestamp("us", "UTC"), "BINARY": pa.binary()}
    schema = pa.schema([(column.name, kinds.get(column.type, pa.string())) for column in tables.DEAD_LETTERS.columns])
    letters = [
        {"record_id": f"orders/{place}", "signal": "orders", "reasons": "rule", "value": value}
        for place, value in enumerate(values)
    ]
    root = load(kitchen / "conf", "local", {}).settings.storage.root
    write_deltalake(f"{root}/dead_letters", pa.Table.from_pylist(letters, schema=schema))

    queries = re.findall(r'headrace sql "(.+dead_letters.*)"', section("## Your own project"))
    shown = [runner.invoke(app, ["sql", query, "--conf-dir", str(kitchen / "conf")]) for query in queries]
    assert [result.exit_code for result in shown] == [0, 0], [result.stderr for result in shown]
    assert [[line.rstrip() for line in result.stdout.splitlines()] for result in shown] == [
        [
            "signal  reasons  value",
            'orders  rule     {"order_id": "station-0501-999", "dishes": "two"}',
            r'orders  rule     {"order_id": "\xff"}',
            "orders  rule",
        ],
        ["record_id", "orders/0"],
    ]


def test_the_kafka_source_to_copy_is_valid(kitchen: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)^```", section("## Your Kafka"), re.M | re.S)
    overlay = kitchen / "conf" / "broker" / "signals.yml"
    overlay.parent.mkdir()
    overlay.write_text(block, encoding="utf-8")
    project = load(kitchen / "conf", "broker", {"KAFKA_USER": "somebody", "KAFKA_PASSWORD": "hidden"})
    source = project.settings.signals["orders"].source
    assert isinstance(source, KafkaSource)
    options = {name: value.get_secret_value() for name, value in source.options.items()}
    assert kafka_options.translate(options)["sasl_plain_password"] == "hidden"
    assert "hidden" not in repr(project)


if __name__ == "__main__":
    old, table = section("## Data dictionary"), section(STANDARD_TITLE).split("\n\n")[1]
    note = old.strip().split("-->", 1)[0] + "-->"
    text = TEXT.replace(old, f"\n{note}\n\n{dictionary()}\n\n").replace(table, standard())
    README.write_text(text, encoding="utf-8")
