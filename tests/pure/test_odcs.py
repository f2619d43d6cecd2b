"""Contract files: what becomes of each part of one, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from headrace.contracts.model import Contract, Criticality, Field, Kind, Rule
from headrace.contracts.odcs import read_contract
from headrace.documents import read
from headrace.errors import ConfigError

CONTRACTS = Path(__file__).parents[2] / "conf" / "contracts"

HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: mill.readings
version: 1.2.0
team: {name: millers}
description: {purpose: What the mill measures.}
schema:
  - name: readings
    customProperties: [{property: eventTime, value: at}]
    properties:
      - {name: at, logicalType: timestamp, required: true}
"""
NEXT = HEAD.count("\n") + 1
"""The line of what is written behind HEAD."""


def contract(folder: Path, text: str) -> Contract:
    (folder / "readings.odcs.yaml").write_text(text)
    return read_contract(read(folder / "readings.odcs.yaml", folder))


def field(folder: Path, text: str) -> Field:
    return contract(folder, f"{HEAD}      - {text}\n").fields[1]


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        contract(folder, text)
    return [mistake.removeprefix("readings.odcs.yaml:") for mistake in caught.value.mistakes]


@pytest.mark.parametrize("path", sorted(CONTRACTS.iterdir()), ids=lambda path: path.name)
def test_the_repository_s_contracts(path: Path) -> None:
    found = read_contract(read(path))

    assert found.id == f"flights.{path.name.removesuffix('.odcs.yaml')}"
    assert found.event_time == "occurred_at"


def test_head(tmp_path: Path) -> None:
    assert contract(tmp_path, HEAD) == Contract(
        id="mill.readings",
        version="1.2.0",
        owner="millers",
        description="What the mill measures.",
        event_time="at",
        fields=(Field(name="at", kind=Kind.TIMESTAMP, required=True),),
    )


def test_largest_record(tmp_path: Path) -> None:
    text = HEAD.replace("value: at}", "value: at}, {property: maxBytes, value: 2048}")
    assert contract(tmp_path, text).max_bytes == 2048


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{name: a, logicalType: string}", Field(name="a", kind=Kind.STRING)),
        ("{name: a, logicalType: boolean, description: d}", Field(name="a", kind=Kind.BOOLEAN, description="d")),
        (
            "{name: a, logicalType: number, physicalType: 'decimal(10, 2)', logicalTypeOptions: {minimum: 0.1}}",
            Field(name="a", kind=Kind.DECIMAL, precision=10, scale=2, minimum=Decimal("0.1")),
        ),
        ("{name: a, logicalType: number, physicalType: double}", Field(name="a", kind=Kind.NUMBER)),
        (
            "{name: a, logicalType: integer, logicalTypeOptions: {exclusiveMinimum: 0, exclusiveMaximum: 9}}",
            Field(name="a", kind=Kind.INTEGER, exclusive_minimum=0, exclusive_maximum=9),
        ),
        (
            "{name: a, logicalType: timestamp, logicalTypeOptions: {minimum: 2020-01-01T02:00:00+02:00}}",
            Field(name="a", kind=Kind.TIMESTAMP, minimum=datetime(2020, 1, 1, tzinfo=UTC)),
        ),
        (
            "{name: a, logicalType: date, logicalTypeOptions: {maximum: 2030-12-31}}",
            Field(name="a", kind=Kind.DATE, maximum=date(2030, 12, 31)),
        ),
        (
            (
                "{name: a, logicalType: string, "
                "logicalTypeOptions: {minLength: 1, maxLength: 9, pattern: 'a+', format: uuid}}"
            ),
            Field(name="a", kind=Kind.STRING, min_length=1, max_length=9, pattern="a+", format="uuid"),
        ),
        ("{name: a, logicalType: string, primaryKey: true}", Field(name="a", kind=Kind.STRING, primary_key=1)),
        (
            (
                "{name: a, logicalType: string, quality: "
                "[{metric: invalidValues, arguments: {validValues: [x, y]}, mustBe: 0, severity: warning}]}"
            ),
            Field(name="a", kind=Kind.STRING, allowed=("x", "y"), criticality=Criticality.WARN),
        ),
        (
            (
                "{name: a, logicalType: integer, quality: "
                "[{type: library, rule: invalidValues, arguments: {validValues: [1, 2]}, mustBe: 0}]}"
            ),
            Field(name="a", kind=Kind.INTEGER, allowed=(1, 2)),
        ),
        (
            "{name: a, logicalType: number, customProperties: [{property: severity, value: warn}]}",
            Field(name="a", kind=Kind.NUMBER, criticality=Criticality.WARN),
        ),
    ],
)
def test_fields(tmp_path: Path, text: str, expected: Field) -> None:
    assert field(tmp_path, text) == expected


def test_a_rule(tmp_path: Path) -> None:
    quality = "{type: custom, engine: headrace, name: late, severity: warn, description: d, implementation: at > at}"

    (rule,) = contract(tmp_path, f"{HEAD}    quality: [{quality}]\n").rules

    assert rule == Rule(name="late", expression="(`at` > `at`)", description="d", criticality=Criticality.WARN)


KINDS = "string, integer, number, boolean, timestamp, date"
ONE_LIST = "write metric: invalidValues, arguments: {validValues: […]}, mustBe: 0"


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("{logicalType: string}", ": is missing"),
        ("{name: a}", f".logicalType: is missing: one of {KINDS}"),
        ("{name: a, logicalType: strng}", f".logicalType: must be one of {KINDS}; did you mean 'string'?"),
        ("{name: a, logicalType: array}", f".logicalType: array is not supported yet: use one of {KINDS}"),
        ("{name: a, logicalType: time}", f".logicalType: time is not supported yet: use one of {KINDS}"),
        ("{name: a b, logicalType: string}", ".name: must be letters, digits and _, a letter first"),
        ("{name: _a, logicalType: string}", ".name: must be letters, digits and _, a letter first"),
        ("{name: Batch_ID, logicalType: string}", ".name: is the name of a column headrace adds: name it otherwise"),
        ("{name: AT, logicalType: string}", ".name: is the name of the field in line 11 too; case makes no difference"),
        ("{name: a, logicaltype: string}", ".logicaltype: is not known; did you mean 'logicalType'?"),
        ("{name: a, logicalType: string, required: 'yes'}", ".required: must be true or false"),
        ("{name: a, logicalType: string, unique: true}", ".unique: is not enforced: remove it"),
        ("{name: a, logicalType: string, enum: [{value: x}]}", f".enum: cannot be enforced on a record: {ONE_LIST}"),
        (
            "{name: a, logicalType: number, physicalType: 'decimal(39,2)'}",
            ".physicalType: a decimal has 1 to 38 digits, and its scale is within them",
        ),
        (
            "{name: a, logicalType: string, logicalTypeOptions: {maxLenght: 3}}",
            ".logicalTypeOptions.maxLenght: is not enforced for type string; did you mean 'maxLength'?",
        ),
        (
            "{name: a, logicalType: integer, logicalTypeOptions: {pattern: x}}",
            (
                ".logicalTypeOptions.pattern: is not enforced for type integer; "
                "there are: minimum, maximum, exclusiveMinimum, exclusiveMaximum"
            ),
        ),
        (
            "{name: a, logicalType: integer, logicalTypeOptions: {minimum: 0.5}}",
            ".logicalTypeOptions.minimum: must be a whole number of 64 bits",
        ),
        (
            "{name: a, logicalType: number, logicalTypeOptions: {minimum: .nan}}",
            ".logicalTypeOptions.minimum: must be a number",
        ),
        (
            "{name: a, logicalType: number, logicalTypeOptions: {minimum: 2, maximum: 1}}",
            ".logicalTypeOptions: minimum is above maximum: no value can pass",
        ),
        (
            "{name: a, logicalType: timestamp, logicalTypeOptions: {minimum: 2020-01-01}}",
            ".logicalTypeOptions.minimum: must be a time with its zone, as in 2026-01-31T00:00:00Z",
        ),
        (
            "{name: a, logicalType: string, logicalTypeOptions: {pattern: '(a+)+'}}",
            (
                ".logicalTypeOptions.pattern: "
                "has a repetition inside a repetition, which can take exponential time: as in (a+)+"
            ),
        ),
        (
            "{name: a, logicalType: string, logicalTypeOptions: {pattern: '(?P<x>a)'}}",
            ".logicalTypeOptions.pattern: a group is named (?<name>…) in Java, not (?P<name>…); it needs no name here",
        ),
        (
            "{name: a, logicalType: string, logicalTypeOptions: {format: uid}}",
            ".logicalTypeOptions.format: must be one of uuid, email, uri, ipv4, ipv6, hostname; did you mean 'uuid'?",
        ),
        (
            (
                "{name: a, logicalType: integer, quality: "
                "[{metric: invalidValues, arguments: {validValues: [1, x]}, mustBe: 0}]}"
            ),
            ".quality[0].arguments.validValues[1]: must be of type integer",
        ),
        (
            (
                "{name: a, logicalType: string, quality: "
                "[{metric: invalidValues, arguments: {validValues: [x]}, mustBe: 0, severity: wrn}]}"
            ),
            ".quality[0].severity: must be one of error, warn; did you mean 'warn'?",
        ),
        (
            "{name: a, logicalType: string, customProperties: [{property: outlier, value: 6}]}",
            ".customProperties[0].value: is for numbers, and this is of type string",
        ),
        (
            "{name: a, logicalType: number, customProperties: [{property: outlier, value: 0}]}",
            ".customProperties[0].value: must be a robust z-score from 1 to 1000; 6 is a usual one",
        ),
        (
            "{name: a, logicalType: string, customProperties: [{property: Severity, value: warn}]}",
            ".customProperties[0].property: is not known; did you mean 'severity'?",
        ),
    ],
)
def test_refused_fields(tmp_path: Path, text: str, mistake: str) -> None:
    where = "schema[0].properties[1]"
    if text == "{logicalType: string}":
        where += ".name"

    assert mistakes(tmp_path, f"{HEAD}      - {text}\n") == [f"{NEXT}: {where}{mistake}"]


@pytest.mark.parametrize(
    ("quality", "mistake"),
    [
        (
            "{type: sql, query: SELECT 1, mustBe: 0}",
            ": cannot be enforced on a record: write type: custom, engine: headrace",
        ),
        (
            "{type: custom, engine: soda, implementation: x}",
            ": cannot be enforced on a record: write type: custom, engine: headrace",
        ),
        ("{type: custom, engine: headrace, implementation: at = at}", ".name: is missing"),
        ("{type: custom, engine: headrace, name: x}", ".implementation: is missing"),
        (
            "{type: custom, engine: headrace, name: x, implementation: att = at}",
            ".implementation: field att does not exist; did you mean 'at'?",
        ),
        (
            "{type: custom, engine: headrace, name: x, implementation: at}",
            ".implementation: is a time, where a condition (true or false) is due",
        ),
        (
            "{type: custom, engine: headrace, name: x, implementation: at = at, mustBe: 0}",
            ".mustBe: is not used in a rule of engine headrace: remove it",
        ),
    ],
)
def test_refused_rules(tmp_path: Path, quality: str, mistake: str) -> None:
    text = f"{HEAD}    quality:\n      - {quality}\n"

    assert mistakes(tmp_path, text) == [f"{NEXT + 1}: schema[0].quality[0]{mistake}"]


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("id: mill.readings\n", "", "1: id: is missing"),
        ("version: 1.2.0", "version: 1", "4: version: must be text"),
        ("apiVersion: v3.1.0", "apiVersion: v2.2.2", "1: apiVersion: must be v3.1.0: other versions are not read"),
        ("kind: DataContract", "kind: DataProduct", "2: kind: must be DataContract"),
        ("team:", "taem:", "5: taem: is not known; did you mean 'team'?"),
        ("value: at}", "value: att}", "9: schema[0].customProperties[0].value: names no field; did you mean 'at'?"),
        (
            "eventTime",
            "eventtime",
            "9: schema[0].customProperties[0].property: is not known; did you mean 'eventTime'?",
        ),
        (
            ", required: true",
            "",
            "9: schema[0].customProperties[0].value: at must have logicalType timestamp and required true",
        ),
        (
            "value: at}",
            "value: at}, {property: maxBytes, value: 0}",
            "9: schema[0].customProperties[1].value: must be a whole number of bytes, 1 to 67108864",
        ),
        (
            "schema:\n",
            "schema:\n  - {name: other, properties: []}\n",
            "7: schema: must hold exactly one object, the record; it holds 2",
        ),
    ],
)
def test_refused_heads(tmp_path: Path, old: str, new: str, mistake: str) -> None:
    assert HEAD.count(old) == 1
    assert mistake in mistakes(tmp_path, HEAD.replace(old, new))


def test_a_broken_field_does_not_make_its_rules_look_broken(tmp_path: Path) -> None:
    rule = "{type: custom, engine: headrace, name: x, implementation: a > 1}"
    text = f"{HEAD}      - {{name: a, logicalType: nmber}}\n    quality: [{rule}]\n"

    assert len(mistakes(tmp_path, text)) == 1


def test_two_fields_cannot_have_one_place_in_the_key(tmp_path: Path) -> None:
    key = "logicalType: string, primaryKey: true, primaryKeyPosition: 1"
    text = f"{HEAD}      - {{name: a, {key}}}\n      - {{name: b, {key}}}\n"

    assert mistakes(tmp_path, text) == [
        "10: schema[0].properties: gives two fields one place in the primary key: set primaryKeyPosition"
    ]
