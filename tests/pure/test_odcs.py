"""Contract files: what becomes of each part of one, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from headrace.contracts.model import Contract, Criticality, Field, Kind, Rule, Unknown
from headrace.contracts.odcs import read_contract
from headrace.contracts.odcs_notes import notes_on_rules
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


INSIDE = """\
apiVersion: v3.1.0
kind: DataContract
id: mill.changes
version: 1.0.0
schema:
  - name: changes
    customProperties: [{property: eventTime, value: payload.after.at}]
    properties:
      - name: payload
        logicalType: object
        required: true
        properties:
          - {name: ts_ms, logicalType: timestamp, logicalTypeOptions: {format: epoch_millis}, required: true}
          - name: after
            logicalType: object
            required: true
            properties:
              - {name: at, logicalType: timestamp, required: true}
              - {name: days, logicalType: array, items: {logicalType: timestamp}}
"""


def test_an_event_time_in_an_envelope(tmp_path: Path) -> None:
    found = contract(tmp_path, INSIDE)
    assert found.at(found.event_time) == Field(name="at", kind=Kind.TIMESTAMP, required=True)
    found = contract(tmp_path, INSIDE.replace("payload.after.at", "payload.ts_ms"))
    assert found.at(found.event_time).is_epoch


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("payload.after.at", "payload.after.att", "names no field; did you mean 'payload.after.at'?"),
        ("payload.after.at", "payload.after.at.x", "names no field; did you mean 'payload.after.at'?"),
        ("payload.after.at", "payload.after.", "names no field; did you mean 'payload.after.at'?"),
        ("payload.after.at", "'payload.after.days[]'", "names no field; did you mean 'payload.after.at'?"),
        (
            "value: payload.after.at",
            "value: payload.after",
            "payload.after must have logicalType timestamp and required true",
        ),
        (
            "required: true\n            properties",
            "properties",
            "payload.after.at can be missing: after must have required true too",
        ),
        (
            "{name: at, logicalType: timestamp, required: true}",
            "{name: at, logicalType: timestamp}",
            "payload.after.at must have logicalType timestamp and required true",
        ),
    ],
)
def test_refused_ways_to_an_event_time(tmp_path: Path, old: str, new: str, mistake: str) -> None:
    assert mistakes(tmp_path, INSIDE.replace(old, new, 1)) == [f"7: schema[0].customProperties[0].value: {mistake}"]


def test_largest_record(tmp_path: Path) -> None:
    text = HEAD.replace("value: at}", "value: at}, {property: maxBytes, value: 2048}")
    assert contract(tmp_path, text).max_bytes == 2048


@pytest.mark.parametrize("said", Unknown)
def test_what_becomes_of_unknown_fields(tmp_path: Path, said: Unknown) -> None:
    text = HEAD.replace("value: at}", f"value: at}}, {{property: unknownFields, value: {said}}}")
    assert contract(tmp_path, text).unknown is said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{name: a, logicalType: string}", Field(name="a", kind=Kind.STRING)),
        ("{name: a, logicalType: boolean, description: d}", Field(name="a", kind=Kind.BOOLEAN, description="d")),
        (
            "{name: a, logicalType: number, physicalType: 'decimal(10, 2)', logicalTypeOptions: {minimum: 0.1}}",
            Field(name="a", kind=Kind.DECIMAL, precision=10, scale=2, minimum=Decimal("0.1")),
        ),
        (
            "{name: a, logicalType: number, physicalType: 'decimal(20, 2)', "
            "logicalTypeOptions: {maximum: 99999999999999999.99}}",
            Field(name="a", kind=Kind.DECIMAL, precision=20, scale=2, maximum=Decimal("99999999999999999.99")),
        ),
        (
            "{name: a, logicalType: number, physicalType: 'NUMBER(10,2)'}",
            Field(name="a", kind=Kind.DECIMAL, precision=10, scale=2),
        ),
        ("{name: a, logicalType: integer, physicalType: 'NUMBER(38,0)'}", Field(name="a", kind=Kind.INTEGER)),
        (
            "{name: a, logicalType: string, primaryKey: true, unique: true}",
            Field(name="a", kind=Kind.STRING, primary_key=1),
        ),
        (
            "{name: a, logicalType: string, enum: [{value: x, label: X}, {value: y}]}",
            Field(name="a", kind=Kind.STRING, allowed=("x", "y")),
        ),
        (
            "{name: a, logicalType: array, items: {logicalType: integer, enum: [{value: 1}]}}",
            Field(name="a", kind=Kind.ARRAY, items=Field(name="", kind=Kind.INTEGER, allowed=(1,))),
        ),
        (
            "{name: a, logicalType: string, quality: [{type: text, description: d}, {type: sql, query: q, mustBe: 0}, "
            "{type: custom, engine: soda, implementation: {x: 1}}]}",
            Field(name="a", kind=Kind.STRING),
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
        (
            (
                "{name: a, logicalType: timestamp, logicalTypeOptions: {format: epoch_micros}, "
                "customProperties: [{property: coerce, value: true}]}"
            ),
            Field(name="a", kind=Kind.TIMESTAMP, format="epoch_micros", coerce=True),
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
        (
            (
                "{name: a, logicalType: object, "
                "logicalTypeOptions: {required: [b], minProperties: 1, maxProperties: 2}, "
                "properties: [{name: b, logicalType: string}, {name: batch_id, logicalType: date}]}"
            ),
            Field(
                name="a",
                kind=Kind.OBJECT,
                min_properties=1,
                max_properties=2,
                members=(Field(name="b", kind=Kind.STRING, required=True), Field(name="batch_id", kind=Kind.DATE)),
            ),
        ),
        (
            (
                "{name: a, logicalType: array, logicalTypeOptions: {minItems: 1, maxItems: 2, uniqueItems: true}, "
                "items: {logicalType: array, items: {name: each, logicalType: integer, required: true}}}"
            ),
            Field(
                name="a",
                kind=Kind.ARRAY,
                min_items=1,
                max_items=2,
                unique_items=True,
                items=Field(name="", kind=Kind.ARRAY, items=Field(name="", kind=Kind.INTEGER, required=True)),
            ),
        ),
        (
            (
                "{name: a, logicalType: integer, logicalTypeOptions: {multipleOf: 5, format: u8}, "
                "customProperties: [{property: coerce, value: true}]}"
            ),
            Field(name="a", kind=Kind.INTEGER, multiple_of=5, format="u8", coerce=True),
        ),
        (
            "{name: a, logicalType: number, physicalType: 'decimal(4,2)', logicalTypeOptions: {multipleOf: 0.05}}",
            Field(name="a", kind=Kind.DECIMAL, precision=4, scale=2, multiple_of=Decimal("0.05")),
        ),
        (
            "{name: a, logicalType: time, logicalTypeOptions: {format: 'HH:mm', minimum: '08:30', timezone: false}}",
            Field(name="a", kind=Kind.TIME, format="HH:mm", minimum=time(8, 30)),
        ),
        (
            "{name: a, logicalType: timestamp, logicalTypeOptions: {timezone: false, defaultTimezone: Europe/Berlin}}",
            Field(name="a", kind=Kind.TIMESTAMP, default_timezone="Europe/Berlin"),
        ),
        (
            "{name: a, logicalType: timestamp, logicalTypeOptions: {timezone: false}}",
            Field(name="a", kind=Kind.TIMESTAMP, default_timezone="Etc/UTC"),
        ),
        ("{name: a, physicalName: a, logicalType: string}", Field(name="a", kind=Kind.STRING)),
        ("{name: a, physicalName: null, logicalType: string}", Field(name="a", kind=Kind.STRING)),
        ("{name: a, physicalName: '', logicalType: string}", Field(name="a", kind=Kind.STRING)),
        ("{name: a, physicalName: AT, logicalType: string}", Field(name="a", kind=Kind.STRING, physical_name="AT")),
        (
            "{name: a, physicalName: '@user.id', logicalType: object, "
            "properties: [{name: source, physicalName: _source, logicalType: string}]}",
            Field(
                name="a",
                kind=Kind.OBJECT,
                physical_name="@user.id",
                members=(Field(name="source", kind=Kind.STRING, physical_name="_source"),),
            ),
        ),
        (
            "{name: a, logicalType: array, items: {name: '*', physicalName: element, logicalType: string}}",
            Field(name="a", kind=Kind.ARRAY, items=Field(name="", kind=Kind.STRING)),
        ),
        (
            "{name: a, logicalType: timestamp, logicalTypeOptions: {timezone: true, format: 'yyyyMMdd HHmmXXX'}}",
            Field(name="a", kind=Kind.TIMESTAMP, format="yyyyMMdd HHmmXXX"),
        ),
    ],
)
def test_fields(tmp_path: Path, text: str, expected: Field) -> None:
    assert field(tmp_path, text) == expected


def test_what_a_message_proposes_can_be_written(tmp_path: Path) -> None:
    for name in ("source", "reasons", "event_time", "_id", "@timestamp", "user.id", "b c", "*", "日本", "on-1"):
        (said,) = mistakes(tmp_path, f"{HEAD}      - {{name: '{name}', logicalType: string}}\n")
        proposed = field(tmp_path, f"{{{said.split(': write ')[1]}, logicalType: string}}")

        assert proposed.member == name
        assert proposed.name != name


def test_each_rule_that_is_not_enforced_is_named(tmp_path: Path) -> None:
    sql, text_ = "{type: sql, query: q, mustBe: 0}", "{type: text}"
    soda = "{type: custom, engine: soda, implementation: x}"
    inner = f"{{name: b, logicalType: string, relationships: [{{to: x.y}}], quality: [{soda}]}}"
    contract(
        tmp_path,
        f"{HEAD}      - {{name: a, logicalType: object, quality: [{text_}], properties: [{inner}]}}\n"
        f"      - {{name: c, logicalType: array, items: {{logicalType: string, quality: [{sql}]}}}}\n"
        f"    quality: [{sql}]\n",
    )

    found = list(notes_on_rules(read(tmp_path / "readings.odcs.yaml", tmp_path)))

    assert [(each.line, each.subject, each.advice.split(", which")[0].split(":")[0]) for each in found] == [
        (NEXT + 2, "the record", "has a rule in SQL"),
        (NEXT, "a", "has a rule in words"),
        (NEXT, "a.b", "has a rule for soda"),
        (NEXT, "a.b", "has relationships"),
        (NEXT + 1, "c[]", "has a rule in SQL"),
    ]


def test_the_name_of_the_table_only_describes(tmp_path: Path) -> None:
    named = HEAD.replace("- name: readings", "- name: readings\n    physicalName: mill.readings-v1")

    assert contract(tmp_path, named) == contract(tmp_path, HEAD)


def test_a_rule(tmp_path: Path) -> None:
    quality = "{type: custom, engine: headrace, name: late, severity: warn, description: d, implementation: at > at}"

    (rule,) = contract(tmp_path, f"{HEAD}    quality: [{quality}]\n").rules

    assert rule == Rule(name="late", expression="(`at` > `at`)", description="d", criticality=Criticality.WARN)


ENGINE = ".engine: is not known; did you mean 'headrace'?"
NO_NAME = ".name: must be letters, digits and _, a letter first"
ADDED = ".name: is the name of a column headrace adds"
KINDS = "string, integer, number, boolean, timestamp, date, time, object, array"
ONE_LIST = "write metric: invalidValues, arguments: {validValues: […]}, mustBe: 0"


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("{logicalType: string}", ": is missing"),
        ("{name: a}", f".logicalType: is missing: one of {KINDS}"),
        ("{name: a, logicalType: strng}", f".logicalType: must be one of {KINDS}; did you mean 'string'?"),
        (
            "{name: a, logicalType: map}",
            (
                ".logicalType: map is not enforced: make it an array of objects with a key and a value, "
                "or an object where the keys are known"
            ),
        ),
        (
            "{name: a, logicalType: vector}",
            ".logicalType: vector is not enforced: write logicalType: array, items: {logicalType: number}",
        ),
        (
            "{name: a, logicalType: array}",
            ".items: is missing: an array says what its items are, as in {logicalType: string}",
        ),
        (
            "{name: a, logicalType: object}",
            ".properties: must list at least one member; without the field, what is sent is kept in others as it came",
        ),
        (
            "{name: a, logicalType: string, items: {logicalType: string}}",
            ".items: belongs to logicalType array: remove it",
        ),
        (
            "{name: a, logicalType: array, items: {logicalType: string}, properties: [{name: b, logicalType: string}]}",
            ".properties: belongs to logicalType object: remove it",
        ),
        (
            "{name: a, logicalType: object, properties: [{name: b, logicalType: strng}]}",
            f".properties[0].logicalType: must be one of {KINDS}; did you mean 'string'?",
        ),
        (
            "{name: a, logicalType: array, items: {logicalType: object, properties: [{logicalType: string}]}}",
            ".items.properties[0].name: is missing",
        ),
        (
            "{name: a, logicalType: object, properties: [{name: b, logicalType: date}, {name: B, logicalType: date}]}",
            ".properties[1].name: is the name of the field in line 12 too; case makes no difference",
        ),
        (
            "{name: a, logicalType: object, properties: [{name: b, logicalType: string, primaryKey: true}]}",
            ".properties[0].primaryKey: is for a plain field of the record: remove it",
        ),
        (
            (
                "{name: a, logicalType: object, logicalTypeOptions: {required: [colour]}, "
                "properties: [{name: color, logicalType: string}]}"
            ),
            ".logicalTypeOptions.required[0]: names no member; did you mean 'color'?",
        ),
        (
            (
                "{name: a, logicalType: object, logicalTypeOptions: {required: true}, "
                "properties: [{name: b, logicalType: string}]}"
            ),
            ".logicalTypeOptions.required: must list members by their names",
        ),
        (
            "{name: a, logicalType: objct, properties: [{name: b, logicalType: string}]}",
            f".logicalType: must be one of {KINDS}; did you mean 'object'?",
        ),
        (
            "{name: a, logicalType: array, logicalTypeOptions: {uniqueItem: true}, items: {logicalType: string}}",
            ".logicalTypeOptions.uniqueItem: is not enforced for type array; did you mean 'uniqueItems'?",
        ),
        (
            "{name: a, logicalType: array, logicalTypeOptions: {minItems: 3, maxItems: 2}, items: {logicalType: date}}",
            ".logicalTypeOptions: minItems is above maxItems: no value can pass",
        ),
        (
            "{name: a, logicalType: array, logicalTypeOptions: {minItems: -1}, items: {logicalType: string}}",
            ".logicalTypeOptions.minItems: must be a whole number, 0 to 2147483647",
        ),
        (
            "{name: a, logicalType: string, customProperties: [{property: coerce, value: true}]}",
            (
                ".customProperties[0].value: is not possible for type string: "
                "only integer, number, decimal, boolean may be sent in quotes"
            ),
        ),
        (
            "{name: a, logicalType: integer, customProperties: [{property: coerce, value: 'yes'}]}",
            ".customProperties[0].value: must be true or false",
        ),
        (
            "{name: a, logicalType: integer, customProperties: [{property: coerse, value: true}]}",
            ".customProperties[0].property: is not known; did you mean 'coerce'?",
        ),
        (
            "{name: a, logicalType: integer, logicalTypeOptions: {multipleOf: 0}}",
            ".logicalTypeOptions.multipleOf: must be more than 0",
        ),
        (
            "{name: a, logicalType: integer, logicalTypeOptions: {multipleOf: 2.5}}",
            ".logicalTypeOptions.multipleOf: must be a whole number of 64 bits",
        ),
        (
            "{name: a, logicalType: number, logicalTypeOptions: {multipleOf: 0.1}}",
            (
                ".logicalTypeOptions.multipleOf: is no number a double can hold: "
                "add physicalType: decimal(p,s), which is exact"
            ),
        ),
        (
            "{name: a, logicalType: number, physicalType: 'decimal(4,1)', logicalTypeOptions: {multipleOf: 0.25}}",
            ".logicalTypeOptions.multipleOf: must be a decimal(4,1) itself",
        ),
        (
            "{name: a, logicalType: integer, logicalTypeOptions: {format: u64}}",
            (
                ".logicalTypeOptions.format: u64 does not fit into 64 bits: "
                "write logicalType: number, physicalType: decimal(20,0)"
            ),
        ),
        (
            "{name: a, logicalType: integer, logicalTypeOptions: {format: int32}}",
            ".logicalTypeOptions.format: must be one of i8, i16, i32, i64, u8, u16, u32; did you mean 'i32'?",
        ),
        (
            "{name: a, logicalType: string, logicalTypeOptions: {format: password}}",
            ".logicalTypeOptions.format: password says nothing a text could be checked by: remove it",
        ),
        (
            "{name: a, logicalType: date, logicalTypeOptions: {format: d.M.yyyy}}",
            (
                ".logicalTypeOptions.format: d is not taken: "
                "only yyyy, MM, dd, HH, mm, ss, S, text in '…', and XXX at the end"
            ),
        ),
        (
            "{name: a, logicalType: date, logicalTypeOptions: {format: yyyy-MM}}",
            ".logicalTypeOptions.format: is not the format of a date, as yyyy-MM-dd is",
        ),
        (
            "{name: a, logicalType: timestamp, logicalTypeOptions: {format: 'yyyy-MM-dd HH:mm'}}",
            ".logicalTypeOptions.format: has no zone: add XXX, or write timezone: false",
        ),
        (
            "{name: a, logicalType: timestamp, logicalTypeOptions: {timezone: false, format: 'yyyy-MM-dd HH:mmXXX'}}",
            ".logicalTypeOptions.format: has a zone (XXX), but timezone is false: leave out one of them",
        ),
        (
            "{name: a, logicalType: timestamp, logicalTypeOptions: {format: epoch_milis}}",
            (
                ".logicalTypeOptions.format: must be one of epoch_second, epoch_millis, epoch_micros; "
                "did you mean 'epoch_millis'?"
            ),
        ),
        (
            "{name: a, logicalType: timestamp, logicalTypeOptions: {format: epoch_millis, timezone: false}}",
            ".logicalTypeOptions.timezone: is for times that are sent as texts: epoch_millis counts in UTC",
        ),
        (
            "{name: a, logicalType: timestamp, logicalTypeOptions: {format: epoch_millis, minimum: 1388534400000}}",
            ".logicalTypeOptions.minimum: must be a time with its zone, as in 2026-01-31T00:00:00Z",
        ),
        (
            "{name: a, logicalType: date, logicalTypeOptions: {format: epoch_millis}}",
            ".logicalTypeOptions.format: epoch_millis is for logicalType: timestamp",
        ),
        (
            "{name: a, logicalType: timestamp, customProperties: [{property: coerce, value: true}]}",
            (
                ".customProperties[0].value: is not possible for type timestamp: "
                "only integer, number, decimal, boolean may be sent in quotes"
            ),
        ),
        (
            "{name: a, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: Europe/Berlin}}",
            ".logicalTypeOptions.defaultTimezone: needs timezone: false; without it each time says its own zone",
        ),
        (
            "{name: a, logicalType: timestamp, logicalTypeOptions: {timezone: false, defaultTimezone: Europe/Berln}}",
            ".logicalTypeOptions.defaultTimezone: must be the name of a time zone, as in Europe/Berlin",
        ),
        (
            "{name: a, logicalType: time, logicalTypeOptions: {timezone: true}}",
            ".logicalTypeOptions.timezone: must be false: a time of day has no zone",
        ),
        (
            "{name: a, logicalType: time, logicalTypeOptions: {minimum: '8:00'}}",
            ".logicalTypeOptions.minimum: must be a time of day without a zone, as in 08:30:00",
        ),
        ("{name: a b, logicalType: string}", f'{NO_NAME}: write name: a_b, physicalName: "a b"'),
        ("{name: _id, logicalType: string}", f'{NO_NAME}: write name: id, physicalName: "_id"'),
        ("{name: '@timestamp', logicalType: string}", f'{NO_NAME}: write name: timestamp, physicalName: "@timestamp"'),
        ("{name: Größe, logicalType: string}", f'{NO_NAME}: write name: Groe, physicalName: "Größe"'),
        ("{name: '1st', logicalType: string}", f'{NO_NAME}: write name: field_1st, physicalName: "1st"'),
        ("{name: b-c, physicalName: d, logicalType: string}", f"{NO_NAME}: write name: b_c, physicalName: d"),
        ("{name: '*', physicalName: 'no', logicalType: string}", f'{NO_NAME}: write name: field, physicalName: "no"'),
        ('{name: "a\\n", logicalType: string}', NO_NAME),
        ("{name: Batch_ID, logicalType: string}", f"{ADDED}: write name: sent_Batch_ID, physicalName: Batch_ID"),
        (
            "{name: source, physicalName: src, logicalType: string}",
            f"{ADDED}: write name: sent_source, physicalName: src",
        ),
        ("{physicalName: user.id, logicalType: string}", ".name: is missing: write name: user_id"),
        (
            "{name: a, physicalName: at, logicalType: string}",
            ".physicalName: at is the member of the field in line 11 too",
        ),
        (
            "{name: a, logicalType: object, properties: [{name: b, physicalName: c, logicalType: date}, "
            "{name: d, physicalName: c, logicalType: date}]}",
            ".properties[1].physicalName: c is the member of the field in line 12 too",
        ),
        (
            "{name: a, logicalType: object, properties: [{name: b, physicalName: c, logicalType: date}, "
            "{name: c, logicalType: date}]}",
            ".properties[1].name: c is the member of the field in line 12 too",
        ),
        (
            f"{{name: a, physicalName: {'x' * 257}, logicalType: string}}",
            ".physicalName: must be printable, and 256 characters at most",
        ),
        ("{name: AT, logicalType: string}", ".name: is the name of the field in line 11 too; case makes no difference"),
        ("{name: a, logicaltype: string}", ".logicaltype: is not known; did you mean 'logicalType'?"),
        ("{name: a, logicalType: string, required: 'yes'}", ".required: must be true or false"),
        (
            "{name: a, logicalType: string, unique: true}",
            ".unique: is not enforced: write quality: [{metric: duplicateValues, mustBe: 0}], "
            "which is judged once a batch",
        ),
        (
            "{name: a, logicalType: object, properties: [{name: b, logicalType: string, unique: true}]}",
            ".properties[0].unique: is not enforced in what is nested: remove it",
        ),
        (
            "{name: a, logicalType: number, semanticType: measure}",
            ".semanticType: measure is computed from records, and in none: remove the property",
        ),
        ("{name: a, logicalType: integer, enum: [{value: 1}, {value: x}]}", ".enum[1].value: must be of type integer"),
        (
            "{name: a, logicalType: string, enum: [{value: x}], quality: "
            "[{metric: invalidValues, arguments: {validValues: [x]}, mustBe: 0}]}",
            ".enum: is a second list of values: keep one",
        ),
        (
            "{name: a, logicalType: array, items: {logicalType: string, quality: [{metric: nullValues, mustBe: 0}]}}",
            f".items.quality[0]: cannot be enforced on a record: {ONE_LIST}",
        ),
        (
            "{name: a, logicalType: string, quality: [{type: lib, metric: nullValues, mustBe: 0}]}",
            ".quality[0].type: must be one of library, custom, text, sql; did you mean 'library'?",
        ),
        (
            "{name: a, logicalType: string, quality: [{query: SELECT 1, mustBe: 0}]}",
            ".quality[0].type: is missing: write type: sql",
        ),
        (
            "{name: a, logicalType: string, quality: [{type: custom, implementation: x}]}",
            ".quality[0].engine: is missing: headrace, or the engine that keeps the rule",
        ),
        (
            "{name: a, logicalType: string, quality: [{type: custom, engine: headrce, implementation: x}]}",
            ".quality[0].engine: is not known; did you mean 'headrace'?",
        ),
        (
            "{name: a, logicalType: string, quality: [{type: custom, engine: headrace, name: x, implementation: a}]}",
            ".quality[0]: is a rule of the whole record: move it to the quality of the record",
        ),
        (
            "{name: a, logicalType: string, quality: [{rule: nullCheck, mustBe: 0}]}",
            ".quality[0].rule: nullCheck is a rule of ODCS v3.0: write metric: nullValues",
        ),
        (
            "{name: a, logicalType: string, quality: [{metric: nullValues, rule: nullValues, mustBe: 0}]}",
            ".quality[0].rule: is what v3.0 calls the metric: remove it",
        ),
        (
            "{name: a, logicalType: integer, physicalType: 'decimal(20,0)'}",
            ".physicalType: goes with logicalType: number; an integer has 64 bits",
        ),
        (
            "{name: a, logicalType: number, physicalType: 'decimal'}",
            ".physicalType: must be decimal(p,s): else the field is a double, which rounds",
        ),
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
                "there are: minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, format"
            ),
        ),
        (
            "{name: a, logicalType: integer, logicalTypeOptions: {minimum: 0.5}}",
            ".logicalTypeOptions.minimum: must be a whole number of 64 bits",
        ),
        (
            "{name: a, logicalType: number, physicalType: 'decimal(6,2)', logicalTypeOptions: {maximum: 1.0e+40}}",
            (
                ".logicalTypeOptions.maximum: has too many digits to compare with a decimal(6,2): "
                "41 before the point and 2 behind it are more than 38"
            ),
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
            (
                ".logicalTypeOptions.format: must be one of uuid, email, uri, ipv4, ipv6, hostname, byte; "
                "did you mean 'uuid'?"
            ),
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
        ("{type: custom, engine: headrice, name: x, implementation: at = at}", ENGINE),
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
        (
            "apiVersion: v3.1.0",
            "apiVersion: v2.2.2\ndatasetDomain: x\nquantumName: y",
            "1: apiVersion: must be v3.0.0 to v3.2.0: files of other versions have other keys, and are not read",
        ),
        (
            "kind: DataContract",
            "kind: DataProduct\noutputPorts: []",
            "2: kind: must be DataContract: other documents are not read",
        ),
        (
            "apiVersion: v3.1.0",
            "dataContractSpecification: 1.1.0\ninfo: {title: x}\nmodels: {}",
            "1: dataContractSpecification: is that of a Data Contract Specification file, and headrace reads ODCS: "
            "convert it with datacontract-cli, as in datacontract export odcs datacontract.yaml "
            "--output NAME.odcs.yaml",
        ),
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
            "value: at}",
            "value: at}, {property: unknownFields, value: evolv}",
            "9: schema[0].customProperties[1].value: must be keep, reject or evolve; did you mean 'evolve'?",
        ),
        (
            "schema:\n",
            "schema:\n  - {name: other, properties: []}\n",
            "7: schema: must hold exactly one object, the record; it holds 2: write a contract for each",
        ),
    ],
)
def test_refused_heads(tmp_path: Path, old: str, new: str, mistake: str) -> None:
    assert HEAD.count(old) == 1
    found = mistakes(tmp_path, HEAD.replace(old, new))

    assert mistake in found
    # Of a file of another standard nothing else is told.
    assert len(found) == 1 or "\n" not in new.strip()


@pytest.mark.parametrize("version", ["v3.0.0", "v3.0.1", "v3.0.2", "v3.1.0", "v3.2.0"])
def test_versions_of_the_standard(tmp_path: Path, version: str) -> None:
    assert contract(tmp_path, HEAD.replace("v3.1.0", version)) == contract(tmp_path, HEAD)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (
            HEAD.replace("team:", "customProperties: [{property: unknownFields, value: reject}]\nteam:"),
            "5: customProperties[0].property: unknownFields belongs to the record: here it would have no effect",
        ),
        (
            f"{HEAD}    quality: [{{type: custom, engine: headrace, name: r, implementation: at = at, "
            "customProperties: [{property: window, value: 1 hour}]}]\n",
            f"{NEXT}: schema[0].quality[0].customProperties[0].property: "
            "window belongs to a rule over many records: here it would have no effect",
        ),
        (
            f"{HEAD}      - {{name: a, logicalType: string, quality: [{{metric: invalidValues, mustBe: 0, "
            "arguments: {validValues: [x]}, customProperties: [{property: delay, value: 1 hour}]}]}\n",
            f"{NEXT}: schema[0].properties[1].quality[0].customProperties[0].property: "
            "delay belongs to a rule over many records: here it would have no effect",
        ),
    ],
)
def test_what_would_have_no_effect_where_it_stands(tmp_path: Path, text: str, mistake: str) -> None:
    assert mistakes(tmp_path, text) == [mistake]


def test_one_of_several_keys_is_not_unique_by_itself(tmp_path: Path) -> None:
    key = "logicalType: string, primaryKey: true"
    text = f"{HEAD}      - {{name: a, {key}, unique: true}}\n      - {{name: b, {key}}}\n"

    assert mistakes(tmp_path, text) == [
        f"{NEXT}: schema[0].properties[1].unique: "
        "is more than the primary key says, which has several fields: remove it"
    ]


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


def nested(levels: int, kind: str) -> str:
    """A property that holds others down to that level."""
    text = "logicalType: string"
    for level in range(levels, 1, -1):
        inner = f"properties: [{{name: l{level}, {text}}}]" if kind == "object" else f"items: {{{text}}}"
        text = f"logicalType: {kind}, {inner}"
    return f"{{name: l1, {text}}}"


@pytest.mark.parametrize(("kind", "step"), [("object", ".properties"), ("array", ".items")])
def test_eight_levels_are_the_most(tmp_path: Path, kind: str, step: str) -> None:
    assert field(tmp_path, nested(8, kind)).kind == kind
    (mistake,) = mistakes(tmp_path, f"{HEAD}      - {nested(9, kind)}\n")
    between = step if kind == "array" else f"{step}[0]"
    assert mistake == f"{NEXT}: schema[0].properties[1]{between * 7}{step}: is nested too deeply: 8 levels are the most"


def test_a_rule_names_members_of_objects_by_their_path(tmp_path: Path) -> None:
    text = (
        f"{HEAD}      - {{name: a, logicalType: object, properties: [{{name: b, logicalType: object, properties: "
        "[{name: c, logicalType: integer}]}, {name: d, logicalType: array, items: {logicalType: integer}}]}\n"
        "    quality: [{type: custom, engine: headrace, name: r, implementation: 'IMPLEMENTATION'}]\n"
    )

    (rule,) = contract(tmp_path, text.replace("IMPLEMENTATION", "a.b.c > 1")).rules
    assert rule.expression == "(`a`.`b`.`c` > 1)"
    for implementation, mistake in (
        ("a.b.d > 1", "field a.b.d does not exist; did you mean 'a.b.c'?"),
        ("a.b IS NULL", "field a.b holds several values: name one of them, as a.b.c"),
        ("a.d IS NULL", "field a.d holds several values, and those of an array have no name"),
    ):
        found = mistakes(tmp_path, text.replace("IMPLEMENTATION", implementation))
        assert found == [f"{NEXT + 1}: schema[0].quality[0].implementation: {mistake}"]


def test_fingerprints_of_contracts_without_the_later_attributes_stay() -> None:
    fields = (
        Field(name="at", kind=Kind.TIMESTAMP, required=True, minimum=datetime(2020, 1, 1, tzinfo=UTC), description="d"),
        Field(name="n", kind=Kind.DECIMAL, precision=8, scale=2, allowed=(), criticality=Criticality.WARN),
    )
    flat = Contract(id="i", version="1", event_time="at", fields=fields, rules=(Rule(name="r", expression="x"),))
    assert flat.fingerprint == "3f85e4de4bcddcef09f2a09ac1c8a0ffbe4d695c266c282bc51200fabe932e41"


def test_a_fingerprint_sees_what_a_field_is_sent_as() -> None:
    def of(field: Field) -> str:
        return Contract(id="i", version="1", event_time="at", fields=(field,)).fingerprint

    plain = Field(name="a", kind=Kind.STRING)
    assert of(plain) == "926e61a295f0cbe749955aaa9ec4928f1858a9d3903957f1fa944470c83d4a07"
    assert of(plain) != of(Field(name="a", kind=Kind.STRING, physical_name="b"))


def test_a_fingerprint_sees_what_is_nested_and_no_words() -> None:
    def of(member: Field) -> str:
        outer = Field(name="a", kind=Kind.ARRAY, items=Field(name="", kind=Kind.OBJECT, members=(member,)))
        return Contract(id="i", version="1", event_time="at", fields=(outer,)).fingerprint

    assert of(Field(name="m", kind=Kind.STRING)) == of(Field(name="m", kind=Kind.STRING, description="Words."))
    assert of(Field(name="m", kind=Kind.STRING)) != of(Field(name="m", kind=Kind.STRING, required=True))
    assert of(Field(name="m", kind=Kind.STRING)) != of(Field(name="n", kind=Kind.STRING))
