"""Contract files: what becomes of each part of one, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from headrace.contracts.model import Contract, Criticality, Field, Kind, Rule, Unknown
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
        (
            "{name: a, logicalType: timestamp, logicalTypeOptions: {timezone: true, format: 'yyyyMMdd HHmmXXX'}}",
            Field(name="a", kind=Kind.TIMESTAMP, format="yyyyMMdd HHmmXXX"),
        ),
    ],
)
def test_fields(tmp_path: Path, text: str, expected: Field) -> None:
    assert field(tmp_path, text) == expected


def test_a_rule(tmp_path: Path) -> None:
    quality = "{type: custom, engine: headrace, name: late, severity: warn, description: d, implementation: at > at}"

    (rule,) = contract(tmp_path, f"{HEAD}    quality: [{quality}]\n").rules

    assert rule == Rule(name="late", expression="(`at` > `at`)", description="d", criticality=Criticality.WARN)


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
        ("{name: a, logicalType: object}", ".properties: must list at least one member"),
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
        ("{name: a b, logicalType: string}", ".name: must be letters, digits and _, a letter first"),
        ("{name: _a, logicalType: string}", ".name: must be letters, digits and _, a letter first"),
        ("{name: Batch_ID, logicalType: string}", ".name: is the name of a column headrace adds: name it otherwise"),
        ("{name: AT, logicalType: string}", ".name: is the name of the field in line 11 too; case makes no difference"),
        ("{name: a, logicaltype: string}", ".logicaltype: is not known; did you mean 'logicalType'?"),
        ("{name: a, logicalType: string, required: 'yes'}", ".required: must be true or false"),
        ("{name: a, logicalType: string, unique: true}", ".unique: is not enforced: remove it"),
        ("{name: a, logicalType: string, enum: [{value: x}]}", f".enum: cannot be enforced on a record: {ONE_LIST}"),
        (
            "{name: a, logicalType: integer, physicalType: 'decimal(20,0)'}",
            ".physicalType: goes with logicalType: number; an integer has 64 bits",
        ),
        (
            "{name: a, logicalType: number, physicalType: 'dec(8,2)'}",
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
            "value: at}",
            "value: at}, {property: unknownFields, value: evolv}",
            "9: schema[0].customProperties[1].value: must be keep, reject or evolve; did you mean 'evolve'?",
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


def test_a_fingerprint_sees_what_is_nested_and_no_words() -> None:
    def of(member: Field) -> str:
        outer = Field(name="a", kind=Kind.ARRAY, items=Field(name="", kind=Kind.OBJECT, members=(member,)))
        return Contract(id="i", version="1", event_time="at", fields=(outer,)).fingerprint

    assert of(Field(name="m", kind=Kind.STRING)) == of(Field(name="m", kind=Kind.STRING, description="Words."))
    assert of(Field(name="m", kind=Kind.STRING)) != of(Field(name="m", kind=Kind.STRING, required=True))
    assert of(Field(name="m", kind=Kind.STRING)) != of(Field(name="n", kind=Kind.STRING))
