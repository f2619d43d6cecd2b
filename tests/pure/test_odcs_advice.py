"""What a message about a contract says to write: whoever writes it has a contract that is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.contracts.model import Contract
from headrace.contracts.odcs import read_contract
from headrace.documents import read
from headrace.errors import ConfigError

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
"""
NULLS = "{metric: nullValues, mustBe: 0}"
CONDITION = "{type: custom, engine: headrace, name: r, implementation: a > 'x'}"
TEXT = "{name: a, logicalType: string}"


def of_field(quality: str, kind: str = "string") -> str:
    return f"      - {{name: a, logicalType: {kind}, quality: [{quality}]}}\n"


def of_record(quality: str) -> str:
    return f"      - {TEXT}\n    quality: [{quality}]\n"


def prop(text: str) -> str:
    return f"      - {text}\n"


def contract(folder: Path, text: str) -> Contract:
    (folder / "mill.odcs.yaml").write_text(HEAD + text)
    return read_contract(read(folder / "mill.odcs.yaml", folder))


@pytest.mark.parametrize(
    ("wrong", "advice", "advised"),
    [
        (of_field(CONDITION), "move it to the quality of the record", of_record(CONDITION)),
        (of_record(NULLS), "move it to that field's quality", of_field(NULLS)),
        (
            of_field("{metric: rowCount, mustBe: 1}"),
            "move it from the field to the record's quality",
            of_record("{metric: rowCount, mustBe: 1}"),
        ),
        (
            of_record("{metric: duplicateValues, mustBe: 0}"),
            "needs arguments: {properties: [<field>, …]}",
            of_record("{metric: duplicateValues, arguments: {properties: [a]}, mustBe: 0}"),
        ),
        (of_field("{rule: nullCheck, mustBe: 0}"), "write metric: nullValues", of_field(NULLS)),
        (
            of_field("{rule: duplicateCount, mustBe: 0}"),
            "write metric: duplicateValues",
            of_field("{metric: duplicateValues, mustBe: 0}"),
        ),
        (
            of_field("{rule: validValues, mustBe: 0}"),
            "write metric: invalidValues, arguments: {validValues: […]}, mustBe: 0",
            of_field("{metric: invalidValues, arguments: {validValues: [x]}, mustBe: 0}"),
        ),
        (
            of_field("{query: SELECT 1, mustBe: 0}"),
            "write type: sql",
            of_field("{type: sql, query: SELECT 1, mustBe: 0}"),
        ),
        (
            of_record("{engine: soda, implementation: x}"),
            "write type: custom",
            of_record("{type: custom, engine: soda, implementation: x}"),
        ),
        (
            prop(f"{{name: a, logicalType: array, items: {{logicalType: string, quality: [{NULLS}]}}}}"),
            "write metric: invalidValues, arguments: {validValues: […]}, mustBe: 0",
            prop(
                "{name: a, logicalType: array, items: {logicalType: string, "
                "quality: [{metric: invalidValues, arguments: {validValues: [x]}, mustBe: 0}]}}"
            ),
        ),
        (
            prop("{name: a, logicalType: string, unique: true}"),
            "write quality: [{metric: duplicateValues, mustBe: 0}]",
            prop("{name: a, logicalType: string, quality: [{metric: duplicateValues, mustBe: 0}]}"),
        ),
        (
            prop("{name: a, logicalType: map}"),
            "make it an array of objects with a key and a value",
            prop(
                "{name: a, logicalType: array, items: {logicalType: object, "
                "properties: [{name: key, logicalType: string}, {name: value, logicalType: string}]}}"
            ),
        ),
        (
            prop("{name: a, logicalType: vector}"),
            "write logicalType: array, items: {logicalType: number}",
            prop("{name: a, logicalType: array, items: {logicalType: number}}"),
        ),
        (
            of_record(CONDITION.replace("}", ", mustBe: 0}")),
            "mustBe: is not used in a rule of engine headrace: remove it",
            of_record(CONDITION),
        ),
        (
            of_field("{metric: nullValues, rule: nullValues, mustBe: 0}"),
            "is what v3.0 calls the metric: remove it",
            of_field(NULLS),
        ),
        (
            prop("{name: a, logicalType: string, map: {key: {logicalType: string}, value: {logicalType: string}}}"),
            "map: is not enforced: remove it",
            prop(TEXT),
        ),
        (
            prop("{name: a, logicalType: string, items: {logicalType: string}}"),
            "belongs to logicalType array: remove it",
            prop(TEXT),
        ),
        (
            prop("{name: a, logicalType: string, logicalTypeOptions: {format: password}}"),
            "says nothing a text could be checked by: remove it",
            prop(TEXT),
        ),
        (
            prop("{name: a, logicalType: array, items: {logicalType: string, primaryKey: true}}"),
            "is for a plain field of the record: remove it",
            prop("{name: a, logicalType: array, items: {logicalType: string}}"),
        ),
        (
            prop("{name: a, logicalType: string, primaryKey: true, unique: true}")
            + prop("{name: b, logicalType: string, primaryKey: true}"),
            "is more than the primary key says, which has several fields: remove it",
            prop("{name: a, logicalType: string, primaryKey: true}")
            + prop("{name: b, logicalType: string, primaryKey: true}"),
        ),
        (
            prop("{name: a, logicalType: string, primaryKey: true, primaryKeyPosition: 1}")
            + prop("{name: b, logicalType: string, primaryKey: true, primaryKeyPosition: 1}"),
            "gives two fields one place in the primary key: set primaryKeyPosition",
            prop("{name: a, logicalType: string, primaryKey: true, primaryKeyPosition: 1}")
            + prop("{name: b, logicalType: string, primaryKey: true, primaryKeyPosition: 2}"),
        ),
        (
            of_record(
                "{metric: rowCount, mustBe: 1, severity: error, customProperties: [{property: window, value: 1 hour}]}"
            ),
            "cannot be error over windows",
            of_record(
                "{metric: rowCount, mustBe: 1, severity: warn, customProperties: [{property: window, value: 1 hour}]}"
            ),
        ),
        (
            prop("{name: b, logicalType: object}") + prop(TEXT),
            "without the field, what is sent is kept in others as it came",
            prop(TEXT),
        ),
        (
            prop("{name: a, logicalType: number, physicalType: numeric}"),
            "must be decimal(p,s)",
            prop("{name: a, logicalType: number, physicalType: 'decimal(10,2)'}"),
        ),
        (
            prop("{name: a, logicalType: integer, physicalType: 'decimal(20,0)'}"),
            "goes with logicalType: number",
            prop("{name: a, logicalType: number, physicalType: 'decimal(20,0)'}"),
        ),
        (
            prop("{name: a, logicalType: integer, logicalTypeOptions: {format: u64}}"),
            "write logicalType: number, physicalType: decimal(20,0)",
            prop("{name: a, logicalType: number, physicalType: 'decimal(20,0)'}"),
        ),
        (
            prop("{name: a, logicalType: number, logicalTypeOptions: {multipleOf: 0.1}}"),
            "add physicalType: decimal(p,s)",
            prop("{name: a, logicalType: number, physicalType: 'decimal(9,1)', logicalTypeOptions: {multipleOf: 0.1}}"),
        ),
        (
            prop("{name: a, logicalType: timestamp, logicalTypeOptions: {format: yyyy-MM-dd HH:mm}}"),
            "add XXX, or write timezone: false",
            prop("{name: a, logicalType: timestamp, logicalTypeOptions: {format: yyyy-MM-dd HH:mm, timezone: false}}"),
        ),
        (
            prop("{name: a, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: Europe/Berlin}}"),
            "needs timezone: false",
            prop(
                "{name: a, logicalType: timestamp, "
                "logicalTypeOptions: {timezone: false, defaultTimezone: Europe/Berlin}}"
            ),
        ),
        (
            of_record("{metric: rowCount, mustBe: 1, customProperties: [{property: delay, value: 1 hour}]}"),
            "add {property: window, value: 1 hour}",
            of_record(
                "{metric: rowCount, mustBe: 1, "
                "customProperties: [{property: delay, value: 1 hour}, {property: window, value: 1 hour}]}"
            ),
        ),
        (
            prop("{name: from, logicalType: integer}")
            + "    quality: [{type: custom, engine: headrace, name: r, implementation: from > 3}]\n",
            "stands in backticks: `from`, and the whole text in quotes",
            prop("{name: from, logicalType: integer}")
            + "    quality: [{type: custom, engine: headrace, name: r, implementation: '`from` > 3'}]\n",
        ),
    ],
)
def test_what_is_advised_is_right(tmp_path: Path, wrong: str, advice: str, advised: str) -> None:
    with pytest.raises(ConfigError) as caught:
        contract(tmp_path, wrong)

    (mistake,) = caught.value.mistakes
    assert advice in mistake
    assert contract(tmp_path, advised).fields[1].member in ("a", "from")
