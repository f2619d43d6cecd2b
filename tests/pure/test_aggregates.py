"""Rules over many records: what a file says of them, what is refused, and when one holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.contracts.aggregates import Aggregate, Metric, Must, Operator
from headrace.contracts.model import Contract, Criticality, Field, Kind
from headrace.contracts.odcs import read_contract
from headrace.contracts.tumbling import Tumbling
from headrace.documents import read
from headrace.errors import ConfigError

FILE = """\
apiVersion: v3.1.0
kind: DataContract
id: mill.readings
version: 1.2.0
schema:
  - name: readings
    customProperties: [{{property: eventTime, value: at}}]
    quality:
      - {record}
    properties:
      - {{name: at, logicalType: timestamp, required: true}}
      - {{name: id, logicalType: string}}
      - name: level
        logicalType: integer
        quality:
          - {field}
"""
NOTHING = "{metric: rowCount, mustBeGreaterOrEqualTo: 0, name: nothing}"
OF_LEVEL = "{metric: nullValues, mustBeLessThan: 1, name: of_level}"
RECORD, FIELD = (
    "readings.odcs.yaml:9: schema[0].quality[0]",
    "readings.odcs.yaml:16: schema[0].properties[2].quality[0]",
)


def contract(folder: Path, *, record: str = NOTHING, field: str = OF_LEVEL) -> Contract:
    (folder / "readings.odcs.yaml").write_text(FILE.format(record=record, field=field))
    return read_contract(read(folder / "readings.odcs.yaml", folder))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "{type: library, metric: rowCount, mustBeBetween: [10, 1000], severity: warn, name: size, description: d}",
            Aggregate(
                name="size",
                metric=Metric.ROW_COUNT,
                must=Must(Operator.BETWEEN, (10.0, 1000.0)),
                criticality=Criticality.WARN,
                description="d",
            ),
        ),
        (
            "{metric: duplicateValues, arguments: {properties: [id, level]}, mustBe: 0}",
            Aggregate(
                name="duplicateValues_id_level",
                metric=Metric.DUPLICATE_VALUES,
                must=Must(Operator.BE, (0.0,)),
                fields=("id", "level"),
            ),
        ),
        (
            "{metric: rowCount, mustBeGreaterThan: 0, customProperties: "
            "[{property: window, value: 1 hour}, {property: delay, value: 30 seconds}, {property: theirs, value: 1}]}",
            Aggregate(
                name="rowCount",
                metric=Metric.ROW_COUNT,
                must=Must(Operator.GREATER_THAN, (0.0,)),
                criticality=Criticality.WARN,
                window=Tumbling(timedelta(hours=1), timedelta(seconds=30)),
            ),
        ),
    ],
)
def test_rules_of_the_record(tmp_path: Path, text: str, expected: Aggregate) -> None:
    assert contract(tmp_path, record=text).aggregates[0] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "{metric: nullValues, mustBeLessOrEqualTo: 2.5, unit: percent}",
            Aggregate(
                name="nullValues_level",
                metric=Metric.NULL_VALUES,
                must=Must(Operator.LESS_OR_EQUAL, (2.5,)),
                fields=("level",),
                percent=True,
            ),
        ),
        (
            "{metric: missingValues, arguments: {missingValues: [-1, null]}, mustBe: 0}",
            Aggregate(
                name="missingValues_level",
                metric=Metric.MISSING_VALUES,
                must=Must(Operator.BE, (0.0,)),
                fields=("level",),
                missing=(-1,),
            ),
        ),
        (
            "{metric: invalidValues, arguments: {validValues: [1, 2]}, mustBeLessThan: 5}",
            Aggregate(
                name="invalidValues_level",
                metric=Metric.INVALID_VALUES,
                must=Must(Operator.LESS_THAN, (5.0,)),
                fields=("level",),
                allowed=(1, 2),
            ),
        ),
        (
            "{metric: duplicateValues, mustNotBe: 3}",
            Aggregate(
                name="duplicateValues_level",
                metric=Metric.DUPLICATE_VALUES,
                must=Must(Operator.NOT_BE, (3.0,)),
                fields=("level",),
            ),
        ),
        (
            "{metric: invalidValues, arguments: {validValues: [1]}, mustBe: 0, severity: warn, "
            "customProperties: [{property: window, value: 1 day}]}",
            Aggregate(
                name="invalidValues_level",
                metric=Metric.INVALID_VALUES,
                must=Must(Operator.BE, (0.0,)),
                fields=("level",),
                allowed=(1,),
                criticality=Criticality.WARN,
                window=Tumbling(timedelta(days=1), timedelta(minutes=10)),
            ),
        ),
    ],
)
def test_rules_of_a_field(tmp_path: Path, text: str, expected: Aggregate) -> None:
    assert contract(tmp_path, field=text).aggregates[1] == expected


def test_a_list_of_the_only_values_judges_each_record(tmp_path: Path) -> None:
    found = contract(tmp_path, field="{metric: invalidValues, arguments: {validValues: [1, 2]}, mustBe: 0}")
    assert found.field("level").allowed == (1, 2)
    assert [one.name for one in found.aggregates] == ["nothing"]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (
            "{metric: rowcount, mustBe: 1}",
            ".metric: must be one of nullValues, missingValues, invalidValues, duplicateValues, rowCount; "
            "did you mean 'rowCount'?",
        ),
        ("{metric: rowCount, mustBe: many}", ".mustBe: must be a number"),
        (
            "{metric: rowCount, mustBeBetween: [5, 1]}",
            ".mustBeBetween: has its ends the wrong way round: the lower comes first",
        ),
        (
            "{metric: rowCount, mustBe: 1, unit: percent}",
            ".unit: must be rows for rowCount: it is the whole, not a part of it",
        ),
        ("{metric: rowCount, mustBe: 1, unit: percents}", ".unit: must be rows or percent; did you mean 'percent'?"),
        ("{metric: rowCount, mustBe: 1, engine: soda}", ".type: is missing: write type: custom"),
        (
            "{type: library, metric: rowCount, mustBe: 1, engine: soda}",
            ".engine: is not used in a rule of type library",
        ),
        (
            "{rule: countCheck, mustBe: 1}",
            ".rule: countCheck is a rule of ODCS v3.0: write metric: rowCount",
        ),
        ("{metric: nullValues, mustBe: 1}", ": nullValues is a rule of one field: move it to that field's quality"),
        ("{metric: duplicateValues, mustBe: 0}", ".arguments: needs arguments: {properties: [<field>, …]}"),
        (
            "{metric: duplicateValues, arguments: {properties: [ids]}, mustBe: 0}",
            ".arguments.properties[0]: names no field; did you mean 'id'?",
        ),
        (
            "{metric: duplicateValues, arguments: {properties: [id], pattern: x}, mustBe: 0}",
            ".arguments.pattern: is no argument of duplicateValues",
        ),
    ],
)
def test_refused_rules_of_the_record(tmp_path: Path, text: str, mistake: str) -> None:
    with pytest.raises(ConfigError) as caught:
        contract(tmp_path, record=text)
    assert list(caught.value.mistakes) == [RECORD + mistake]


@pytest.mark.parametrize(
    ("properties", "mistake"),
    [
        (
            "[{property: window, value: 1 hour}], severity: error",
            ".severity: cannot be error over windows: they span batches, so the rule only alarms",
        ),
        ("[{property: window, value: an hour}]", ".customProperties[0].value: must be a duration, as in 1 hour"),
        ("[{property: window, value: 3600}]", ".customProperties[0].value: must be a duration, as in 1 hour"),
        ("[{property: window, value: [1 hour]}]", ".customProperties[0].value: must be a duration, as in 1 hour"),
        ("[{property: window}]", ".customProperties[0]: must be a duration, as in 1 hour"),
        ("[{property: window, value: 0 hours}]", ".customProperties[0].value: must be more than 0"),
        ("[{property: window, value: 53 weeks}]", ".customProperties[0].value: must be at most 366 days"),
        ("[{property: window, value: 99999999999 weeks}]", ".customProperties[0].value: must be at most 366 days"),
        ("[{property: windows, value: 1 hour}]", ".customProperties[0].property: is not known; did you mean 'window'?"),
        (
            "[{property: delay, value: 1 hour}]",
            ".customProperties[0].value: is for a rule over windows: add {property: window, value: 1 hour}",
        ),
    ],
)
def test_refused_windows(tmp_path: Path, properties: str, mistake: str) -> None:
    with pytest.raises(ConfigError) as caught:
        contract(tmp_path, record=f"{{metric: rowCount, mustBeGreaterThan: 0, customProperties: {properties}}}")
    assert list(caught.value.mistakes) == [RECORD + mistake]


def test_rules_of_batches_and_rules_of_windows_are_told_apart(tmp_path: Path) -> None:
    found = contract(tmp_path, field=OF_LEVEL.replace("}", ", customProperties: [{property: window, value: 1 hour}]}"))
    assert [one.name for one in found.batch_rules] == ["nothing"]
    assert [(str(windows), one.name) for windows, one in found.window_rules] == [
        ("1 hour, delay 10 minutes", "of_level")
    ]
    assert str(found.window_rules[0][1]) == (
        "nullValues of level mustBeLessThan 1 in windows of 1 hour, delay 10 minutes"
    )


def test_windows_change_no_fingerprint_but_that_of_their_own_rules() -> None:
    at = Field(name="at", kind=Kind.TIMESTAMP, required=True)
    of_batches = Aggregate(name="n", metric=Metric.ROW_COUNT, must=Must(Operator.BETWEEN, (1.0, 9.0)), description="d")
    hourly, daily = (replace(of_batches, window=Tumbling(timedelta(hours=hours))) for hours in (1, 24))
    before, *after = (
        Contract(id="i", version="1", event_time="at", fields=(at,), aggregates=(one,)).fingerprint
        for one in (of_batches, hourly, daily, replace(daily, window=Tumbling(timedelta(days=1), timedelta(0))))
    )
    assert before == "af70604d373171ed58352caa9485b22689727607d756536512f1f2c76112985e"
    assert len({before, *after}) == 4


def test_a_rule_compares_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"needs exactly one of mustBe, .*; it has 2"):
        contract(tmp_path, record="{metric: rowCount, mustBe: 1, mustNotBe: 2}")
    with pytest.raises(ConfigError, match=r"needs exactly one of mustBe, .*; it has 0"):
        contract(tmp_path, record="{metric: rowCount}")


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("{metric: rowCount, mustBe: 1}", ": counts records: move it from the field to the record's quality"),
        (
            "{metric: missingValues, arguments: {missingValues: n/a}, mustBe: 0}",
            ".arguments.missingValues: must be a list of values",
        ),
        (
            "{metric: invalidValues, mustBeLessThan: 5}",
            ".arguments: needs arguments: {validValues: […]} or {pattern: …}",
        ),
        (
            "{metric: invalidValues, arguments: {pattern: '[0-9]+'}, mustBeLessThan: 5}",
            ".arguments.pattern: is for texts, and level is of type integer",
        ),
        (
            "{metric: invalidValues, arguments: {validValues: [99999999999999999999]}, mustBeLessThan: 5}",
            ".arguments.validValues[0]: must be a whole number of 64 bits",
        ),
        (
            "{metric: invalidValues, arguments: {validValues: [x]}, mustBeLessThan: 5}",
            ".arguments.validValues[0]: must be of type integer",
        ),
        (
            "{type: custom, engine: headrace, name: r, implementation: level > 1}",
            ": is a rule of the whole record: move it to the quality of the record",
        ),
    ],
)
def test_refused_rules_of_a_field(tmp_path: Path, text: str, mistake: str) -> None:
    with pytest.raises(ConfigError) as caught:
        contract(tmp_path, field=text)
    assert list(caught.value.mistakes) == [FIELD + mistake]


HOLDS: Mapping[Operator, Callable[[Fraction, Fraction], bool]] = {
    Operator.BE: lambda value, bound: value == bound,
    Operator.NOT_BE: lambda value, bound: value != bound,
    Operator.GREATER_THAN: lambda value, bound: value > bound,
    Operator.GREATER_OR_EQUAL: lambda value, bound: value >= bound,
    Operator.LESS_THAN: lambda value, bound: value < bound,
    Operator.LESS_OR_EQUAL: lambda value, bound: value <= bound,
    Operator.BETWEEN: lambda value, bound: bound <= value <= bound + 1,
    Operator.NOT_BETWEEN: lambda value, bound: not bound <= value <= bound + 1,
}


@pytest.mark.parametrize("operator", Operator)
@pytest.mark.parametrize(
    ("written", "above", "bound"),
    [
        ("2", "3", Fraction(2)),
        ("2.5", "3.5", Fraction(5, 2)),
        ("25e-1", "35e-1", Fraction(5, 2)),
        ("1e3", "1001", Fraction(1000)),
        ("0", "1", Fraction(0)),
        ("-0.0", "1.0", Fraction(0)),
        ("-0.5", "0.5", Fraction(-1, 2)),
    ],
)
def test_a_bound_however_written(tmp_path: Path, operator: Operator, written: str, above: str, bound: Fraction) -> None:
    value = f"[{written}, {above}]" if "Between" in operator else written
    must = contract(tmp_path, field=f"{{metric: nullValues, {operator}: {value}, unit: percent}}").aggregates[1].must
    shares = [bound - 1, bound - Fraction(1, 4), bound, bound + Fraction(1, 4), bound + 1, bound + 2]
    assert [must.holds(float(share)) for share in shares] == [HOLDS[operator](share, bound) for share in shares]


@pytest.mark.parametrize("operator", Operator)
@pytest.mark.parametrize(
    "written", ["null", ".inf", ".nan", "1e400", "9" * 400, "'2'", "true", "{a: 1}", "[1]", "[1, x]"]
)
def test_a_bound_that_is_none(tmp_path: Path, operator: Operator, written: str) -> None:
    with pytest.raises(ConfigError) as caught:
        contract(tmp_path, field=f"{{metric: nullValues, {operator}: {written}}}")
    assert all(mistake.startswith(f"{FIELD}.{operator}") for mistake in caught.value.mistakes), caught.value.mistakes


@pytest.mark.parametrize(
    ("type_", "written", "missing"),
    [
        ("integer", "[1e3, -99, null]", (1000, -99)),
        ("number", "[-99.9, 1e3, -0.0]", (-99.9, 1000.0, 0.0)),
        (
            "number\n        physicalType: decimal(20,2)",
            "[-99.9, 123456789012345678.91]",
            ("-99.9", "123456789012345678.91"),
        ),
        ("string", "['', '-99.9']", ("", "-99.9")),
    ],
)
def test_values_that_stand_for_none(tmp_path: Path, type_: str, written: str, missing: tuple[object, ...]) -> None:
    rule = f"{{metric: missingValues, arguments: {{missingValues: {written}}}, mustBe: 0}}"
    text = FILE.format(record=NOTHING, field=rule).replace("logicalType: integer", f"logicalType: {type_}")
    (tmp_path / "readings.odcs.yaml").write_text(text)
    found = read_contract(read(tmp_path / "readings.odcs.yaml")).aggregates[1].missing
    assert [str(value) if isinstance(value, Decimal) else value for value in found] == list(missing)


@pytest.mark.parametrize(
    ("operator", "bounds", "holding", "broken"),
    [
        (Operator.BE, (2.0,), [2], [1, 3]),
        (Operator.NOT_BE, (2.0,), [1, 3], [2]),
        (Operator.GREATER_THAN, (2.0,), [3], [1, 2]),
        (Operator.GREATER_OR_EQUAL, (2.0,), [2, 3], [1]),
        (Operator.LESS_THAN, (2.0,), [1], [2, 3]),
        (Operator.LESS_OR_EQUAL, (2.0,), [1, 2], [3]),
        (Operator.BETWEEN, (2.0, 4.0), [2, 3, 4], [1, 5]),
        (Operator.NOT_BETWEEN, (2.0, 4.0), [1, 5], [2, 3, 4]),
    ],
)
def test_comparisons(operator: Operator, bounds: tuple[float, ...], holding: list[int], broken: list[int]) -> None:
    must = Must(operator, bounds)
    assert all(must.holds(value) for value in holding)
    assert not any(must.holds(value) for value in broken)


def test_a_share_of_no_rows_is_nothing_and_no_rows_are_counted() -> None:
    share = Aggregate(name="a", metric=Metric.NULL_VALUES, must=Must(Operator.BE, (0,)), fields=("a",), percent=True)
    assert (share.value(1, 4), share.value(0, 0)) == (25.0, None)
    count = Aggregate(name="n", metric=Metric.ROW_COUNT, must=Must(Operator.GREATER_THAN, (0,)))
    assert (count.value(7, 7), count.value(0, 0)) == (7.0, 0.0)


MUSTS = st.builds(
    lambda operator, low, more: Must(operator, (low, low + more) if "Between" in operator else (low,)),
    st.sampled_from(Operator),
    st.integers(0, 4).map(float),
    st.integers(0, 3).map(float),
)


@given(MUSTS, MUSTS)
def test_one_comparison_implies_another_where_no_value_parts_them(one: Must, other: Must) -> None:
    values = [tenth / 10 for tenth in range(100)]
    assert one.implies(other) == all(other.holds(value) for value in values if one.holds(value))
