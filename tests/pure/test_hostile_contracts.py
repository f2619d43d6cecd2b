"""Contract files that somebody wrote to do harm, or by mistake: each is refused by file, line and reason."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headrace.cli import app
from headrace.contracts.odcs import read_contract
from headrace.documents import read
from headrace.errors import ConfigError

FILE = "mill.odcs.yaml"
HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: mill.readings
version: 1.2.0
schema:
  - name: readings
    customProperties: [{property: eventTime, value: at}]
    properties:
      - {name: at, logicalType: timestamp, required: true}
      - {name: count, logicalType: integer}
      - {name: open, logicalType: boolean}
      - {name: name, logicalType: string}
"""
NEXT = HEAD.count("\n") + 1
"""The line of what is written behind HEAD."""


def mistakes(folder: Path, text: str | bytes) -> list[str]:
    """What is said of the file, in less than five seconds of work."""
    (folder / FILE).write_bytes(text if isinstance(text, bytes) else text.encode())
    began = time.process_time()
    with pytest.raises(ConfigError) as caught:
        read_contract(read(folder / FILE, folder))
    assert time.process_time() - began < 5
    for mistake in caught.value.mistakes:
        assert len(mistake) < 1_000
        assert mistake.isprintable(), repr(mistake)
    return list(caught.value.mistakes)


def rule(implementation: str, *, name: str = "r") -> str:
    parts = f"type: custom, engine: headrace, name: {json.dumps(name)}, implementation: {json.dumps(implementation)}"
    return f"{HEAD}    quality: [{{{parts}}}]\n"


def field(properties: str) -> str:
    return f"{HEAD}      - {properties}\n"


def listed(values: str) -> str:
    return f"quality: [{{metric: invalidValues, arguments: {{validValues: {values}}}, mustBe: 0}}]}}"


def said(folder: Path, text: str | bytes, line: int, reason: str) -> None:
    found = mistakes(folder, text)
    assert any(each.startswith(f"{FILE}:{line}:") and reason in each for each in found), found


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
LOOP = "a: &a [*a]\n"
TAGS = (
    "!!python/object/apply:os.system ['true']",
    "!!python/name:os.system",
    "!<tag:x,2000:y> z",
    "!secret z",
    "!!binary AA==",
)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        pytest.param(BOMB, 1, "once its aliases are followed", id="aliases that grow"),
        pytest.param(LOOP, 1, "once its aliases are followed", id="an alias of itself"),
        *(pytest.param(f"id: {tag}\n", 1, "has the tag", id=tag) for tag in TAGS),
        pytest.param("!!python/object:os.X {id: a}\n", 1, "has the tag", id="a tagged root"),
        pytest.param("id: !!set {a, b}\n", 1, "has the tag", id="a set"),
        pytest.param("id: !!omap [a: 1]\n", 1, "has the tag", id="an ordered map"),
        pytest.param("a: &a {id: x}\nb:\n  <<: *a\n", 3, "has a key that is no text", id="a merge key"),
        pytest.param("id: a\nid: b\n", 2, "is given twice, first in line 1", id="a key twice"),
        pytest.param("1: a\n", 1, "has a key that is no text", id="a number as key"),
        pytest.param("? [a, b]\n: c\n", 1, "has a key that is no text", id="a list as key"),
        pytest.param("? {a: b}\n: c\n", 1, "has a key that is no text", id="a mapping as key"),
        pytest.param("null: a\n", 1, "has a key that is no text", id="null as key"),
        pytest.param("id: " + "x" * 1_100_000 + "\n", 1, "is larger than 1 MiB", id="a huge scalar"),
        pytest.param("a: " + "[" * 5_000 + "]" * 5_000, 1, "nested too deeply", id="lists 5,000 deep"),
        pytest.param("a: " + "{a: " * 200 + "1" + "}" * 200, 1, "nested too deeply", id="mappings 200 deep"),
        pytest.param("id: x\n" + "- " * 400, 2, "is no YAML", id="dashes"),
        pytest.param("id: a\n---\nid: b\n", 2, "is no YAML", id="two documents"),
        pytest.param("%YAML 9.9\n---\nid: a\n", 1, "", id="another version"),
        pytest.param("%TAG ! tag:evil,2000:\n---\nid: !x y\n", 3, "has the tag", id="a tag of its own"),
        pytest.param("id: 'a\n", 2, "is no YAML", id="an open quote"),
        pytest.param("id: *nowhere\n", 1, "is no YAML", id="an alias of nothing"),
        pytest.param("id: @x\n", 1, "is no YAML", id="a reserved sign"),
        pytest.param("\tid: a\n", 1, "is no YAML", id="a tab"),
        pytest.param(b"id: a\nname: \xff\n", 2, "is not UTF-8", id="other bytes"),
        pytest.param(b"id: a\nname: b\x00\n", 2, "is no YAML", id="a NUL"),
        pytest.param(b"id: a\nname: \x1b[31m\n", 2, "is no YAML", id="an escape sequence"),
        pytest.param("id: a\n".encode("utf-16"), 1, "is not UTF-8", id="two bytes a character"),
        pytest.param("just text\n", 1, "must be a mapping", id="a text"),
        pytest.param("", 1, "is missing", id="nothing"),
        pytest.param(HEAD.replace("v3.1.0", "v9"), 1, "must be v3.0.0 to v3.2.0", id="a version of the standard"),
        pytest.param(HEAD + "evil: {a: 1}\n", NEXT, "is not known", id="an unknown key"),
        pytest.param(HEAD + "  - name: more\n", 5, "must hold exactly one object", id="two records"),
        pytest.param(
            HEAD.replace("value: at", "value: count"), 7, "must have logicalType timestamp", id="no event time"
        ),
        pytest.param(HEAD.replace("value: at", "value: ../at"), 7, "names no field", id="an event time elsewhere"),
        pytest.param(
            HEAD.replace("}]", "}, {property: maxBytes, value: 99999999999999}]"), 7, "must be a whole", id="no bound"
        ),
        pytest.param(HEAD.replace("}]", "}, {property: maxBytes, value: -1}]"), 7, "must be a whole", id="below 1"),
        pytest.param(HEAD.replace("}]", "}, {property: maxBytes, value: .inf}]"), 7, "must be a whole", id="infinity"),
    ],
)
def test_files(tmp_path: Path, text: str | bytes, line: int, reason: str) -> None:
    said(tmp_path, text, line, reason)


NAMES = (
    "../../etc/passwd",
    "a/b",
    "a.b",
    "a b",
    "a`b",
    "a;DROP TABLE t",
    "a'b",
    'a"b',
    "a\nb",
    "a\tb",
    "a\0b",
    "a\x1b[31m",
    "a\u202eb",
    "a\u200bb",
    "ä",
    "ａ",
    "1a",
    "_a",
    "_headrace_corrupt",
    "a" * 129,
    "",
    " a",
    "$a",
    "${HOME}",
    "*",
    "a,b INT",
    "-",
    "a:b",
    "record_id",
    "Record_ID",
    "late_by",
    "source",
    "contract_version",
    "query_id",
    "batch_id",
    "envelope",
    "reasons",
    "warnings",
    "event_time",
    "Event_Time",
    "COUNT",
    "_json",
    "attempt",
    "outcome",
)


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_names(tmp_path: Path, name: str) -> None:
    said(tmp_path, field(f"{{name: {json.dumps(name)}, logicalType: string}}"), NEXT, "")


PATTERNS = (
    "(a+)+",
    "(a*)*b",
    "(a|aa)+$",
    "(.*)*x",
    "(a+){20,}",
    "([a-z]+)*",
    "((a+)b?)+",
    "(?:a+)+",
    "(x+x+)+y",
    r"(\w+\s?)*",
    r"(a)\1",
    r"(?<n>a)\k<n>",
    "(?P<n>a)",
    "(?#x)a",
    "(?(1)a|b)",
    "a{,5}",
    "a{1,99999}",
    "a{99999}",
    "a{2000000000}",
    "[[a]]",
    "[a&&b]",
    "[",
    "(",
    "a)",
    "*",
    "a**",
    "+",
    r"\Qa\E",
    r"\p{Foo}",
    "\\",
    "(?i-u)a",
    "a" * 501,
    "(" * 100 + ")" * 99,
    "{",
    "a{1",
    "(?<=a+)b",
    "(a?){50}",
    "(.*a){30}",
    "(a|a)*",
    "(a|b|ab)*c",
    r"(\d|\w)+$",
)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern[:40])
def test_patterns(tmp_path: Path, pattern: str) -> None:
    options = f"logicalTypeOptions: {{pattern: {json.dumps(pattern)}}}"
    said(tmp_path, field(f"{{name: a, logicalType: string, {options}}}"), NEXT, ".pattern: ")


@pytest.mark.parametrize(
    "properties",
    [
        "{name: a, logicalType: number, physicalType: 'decimal(39, 2)'}",
        "{name: a, logicalType: number, physicalType: 'decimal(2, 5)'}",
        "{name: a, logicalType: number, physicalType: 'decimal(0)'}",
        "{name: a, logicalType: number, physicalType: 'decimal(" + "9" * 5_000 + ")'}",
        "{name: a, logicalType: integer, logicalTypeOptions: {minimum: 9223372036854775808}}",
        "{name: a, logicalType: integer, logicalTypeOptions: {minimum: .nan}}",
        "{name: a, logicalType: number, logicalTypeOptions: {maximum: .inf}}",
        "{name: a, logicalType: number, logicalTypeOptions: {maximum: " + "9" * 5_000 + "}}",
        "{name: a, logicalType: number, logicalTypeOptions: {minimum: 2, maximum: 1}}",
        "{name: a, logicalType: number, logicalTypeOptions: {minimum: 2, exclusiveMaximum: 1}}",
        "{name: a, logicalType: timestamp, logicalTypeOptions: {minimum: 2026-01-01}}",
        "{name: a, logicalType: timestamp, logicalTypeOptions: {minimum: 10000-01-01T00:00:00Z}}",
        "{name: a, logicalType: timestamp, logicalTypeOptions: {maximum: '9999-12-31T23:59:59-14:00'}}",
        "{name: a, logicalType: date, logicalTypeOptions: {maximum: 2026-02-30}}",
        "{name: a, logicalType: string, logicalTypeOptions: {maxLength: -1}}",
        "{name: a, logicalType: string, logicalTypeOptions: {maxLength: 99999999999999999999}}",
        "{name: a, logicalType: string, logicalTypeOptions: {maxLength: 1.5e0}}",
        "{name: a, logicalType: string, logicalTypeOptions: {format: ../x}}",
        "{name: a, logicalType: string, primaryKey: true, primaryKeyPosition: -1}",
        "{name: a, logicalType: string, primaryKey: yes}",
        "{name: a, logicalType: string, quality: [{query: 'DROP TABLE t', mustBe: 0}]}",
        "{name: a, logicalType: string, quality: [{type: txt, description: trust me}]}",
        "{name: a, logicalType: integer, " + listed("[1.5]"),
        "{name: a, logicalType: integer, " + listed(f"[{'9' * 30}]"),
        "{name: a, logicalType: number, " + listed("[.nan]"),
        "{name: a, logicalType: number, " + listed("[-.inf]"),
        "{name: a, logicalType: string, " + listed("[[x]]"),
        "{name: a, logicalType: 'string`, b STRING'}",
        "{name: a, logicalType: object, properties: [{name: 'b`>, c STRING', logicalType: string}]}",
        "{name: a, logicalType: array, items: "
        + "{logicalType: array, items: " * 8
        + "{logicalType: string}"
        + "}" * 9,
    ],
    ids=lambda text: text[9:90],
)
def test_fields(tmp_path: Path, properties: str) -> None:
    said(tmp_path, field(properties), NEXT, "schema[0].properties[4]")


CALLS = (
    "java_method('java.lang.Runtime', 'getRuntime')",
    "reflect('java.lang.System', 'exit', 0)",
    "try_reflect('a', 'b')",
    "ai_query('m', name)",
    "ai_gen(name)",
    "http_request('GET', name)",
    "remote_query('c', 'q')",
    "secret('a', 'b')",
    "try_secret('a', 'b')",
    "current_user()",
    "current_user",
    "session_user()",
    "user()",
    "current_database()",
    "current_catalog()",
    "version()",
    "input_file_name()",
    "input_file_block_start()",
    "monotonically_increasing_id()",
    "spark_partition_id()",
    "uuid()",
    "rand()",
    "shuffle(name)",
    "raise_error('x')",
    "assert_true(open)",
    "current_timestamp()",
    "now()",
    "my_udf(count)",
    "main.secrets.f(count)",
    "system.ai.f(name)",
    "read_files('/etc')",
    "from_avro(name, 'x')",
    "from_json(name, 'a INT')",
    "schema_of_json(name)",
    "xpath(name, '//a')",
    "parse_url(name, 'H')",
    "parse_json(name)",
    "to_timestamp(name)",
    "element_at(name, 9)",
    "elt(9, name)",
    "repeat(name, 99999999)",
    "space(999999999)",
    "rpad(name, 999999999, 'x')",
    "sequence(0, 99999999999)",
    "array_repeat(1, 999999999)",
    "regexp_replace(name, '(a+)+', '')",
    "regexp_extract(name, '(a+)+')",
    "split(name, '(a+)+')",
    "transform(name, x -> x)",
    "aggregate(name, 0, (a, b) -> a)",
    "explode(name)",
    "decode(name, 'x')",
    "aes_decrypt(name, 'k')",
    "try_to_number(name, '9')",
    "hll_sketch_agg(count)",
    "count(*)",
    "row_number() OVER (ORDER BY count)",
    "sum(count) OVER ()",
    "lag(count) OVER (ORDER BY at)",
    "first(count)",
    "(SELECT 1)",
    "count IN (SELECT 1)",
    "EXISTS (SELECT 1)",
    "count = ANY (SELECT 1)",
    "SELECT count",
    "TABLE t",
    "VALUES (1)",
    "WITH a AS (SELECT 1) SELECT 1",
    "DROP TABLE t",
    "open; DROP TABLE t",
    "open -- x\n; SET a = b",
    "open UNION SELECT 1",
    "CALL p()",
    "EXECUTE IMMEDIATE 'x'",
    "SET spark.a = b",
    "ADD JAR 'x'",
    "${spark.sql.x}",
    "${env:HOME} = name",
    ":p",
    "?",
    "@x",
    "{{x}}",
    "IDENTIFIER('open')",
    "open::variant",
    "cast(name AS INTERVAL DAY)",
    "cast(name AS BINARY)",
    "interval '1' day",
    "name COLLATE UNICODE",
    "a.b.c",
    "delta.`/etc/passwd`",
    "`/etc/passwd`",
    "`count``;--`",
    "count[0]",
    "count.x",
    "*",
    "struct(*)",
    "name RLIKE '(a+)+$'",
    "name RLIKE name",
    "regexp_like(name, '(a|aa)+$')",
    "name LIKE name",
    r"name LIKE 'a\\'",
    "name LIKE 'a' ESCAPE '/'",
    "name ILIKE ANY ('a')",
    "x'00' = name",
    "b'1'",
    "1e999 < count",
    "9" * 4_000,
    "count > " + "9" * 60,
    "'" + "x" * 3_000 + "' = name",
    "'\ud800' = name",
    "'a\0' = name",
    "name = 'a",
    "(" * 900 + "open" + ")" * 900,
    "NOT " * 450 + "open",
    "open" + " AND open" * 400,
    "-" * 1_500 + "1 > 0",
    "count" + "+1" * 900 + " > 0",
    "if(" * 300 + "open" + ")" * 300,
    "count > 0 /* " + "/*" * 900,
    "/*+ BROADCAST(t) */ SELECT 1",
    "\u202eopen AND",
    "оpen",
    "open\u2028;x",
    "count",
    "name",
    "at",
    "1",
    "'true'",
    "count + name > 0",
    "open = 1",
    "at > 5",
    "NULL IN ()",
    "lambda x: x",
    "__import__('os')",
    "open and count(",
    "§",
    "\\",
)


@pytest.mark.parametrize("implementation", CALLS, ids=lambda text: repr(text[:50]))
def test_rules(tmp_path: Path, implementation: str) -> None:
    said(tmp_path, rule(implementation), NEXT, "schema[0].quality[0].implementation: ")


@pytest.mark.parametrize("name", ["", "a\nb", "a\x1b[31mb", "x" * 5_000, "a\0b", "a\u202eb"], ids=repr)
def test_names_of_rules(tmp_path: Path, name: str) -> None:
    said(tmp_path, rule("open", name=name), NEXT, "schema[0].quality[0]")


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "id: !!python/object/apply:os.system ['true']\n",
        rule("reflect('java.lang.System', 'exit', 0)"),
        rule("(SELECT 1)"),
    ],
    ids=["aliases", "tag", "reflect", "sub-query"],
)
def test_the_command_line_says_so_and_exits_with_2(tmp_path: Path, text: str) -> None:
    runner, folder = CliRunner(), tmp_path / "mill"
    assert runner.invoke(app, ["init", str(folder)]).exit_code == 0
    (folder / "conf" / "contracts" / FILE).write_text(text)
    result = runner.invoke(app, ["validate", "--conf-dir", str(folder / "conf")])
    assert result.exit_code == 2
    assert f"conf/contracts/{FILE}:" in result.output
    assert "Traceback" not in result.output
