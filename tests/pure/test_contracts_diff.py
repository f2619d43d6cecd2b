"""What breaks between two versions of a contract, and that no difference is passed over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.contracts.aggregates import Aggregate, Metric, Must, Operator
from headrace.contracts.diff import Change, Compatibility, diff
from headrace.contracts.model import EARLIEST, Contract, Criticality, Field, Kind, Rule, Unknown
from headrace.contracts.tumbling import Tumbling

BREAKING, COMPATIBLE = Compatibility.BREAKING, Compatibility.COMPATIBLE
AT = Field(name="at", kind=Kind.TIMESTAMP, required=True)
WARN, ERROR = Criticality.WARN, Criticality.ERROR
HOURS = Tumbling(timedelta(hours=1))


def contract(*more: Field, rules: tuple[Rule, ...] = (), version: str = "1.0.0", **settings: Any) -> Contract:
    parts = {"id": "mill", "event_time": "at", "fields": (AT, *more), "rules": rules, "version": version}
    return Contract(**parts | settings)


def between(old: Contract, new: Contract) -> list[tuple[str, str, str]]:
    """The changes but that of the version, without why."""
    found = diff(old, replace(new, version="2.0.0"))
    assert found[-1] == Change("", "version: 1.0.0 → 2.0.0", COMPATIBLE, "names the change")
    return [(one.field, one.change, one.compatibility) for one in found[:-1]]


def of_field(before: Mapping[str, Any], after: Mapping[str, Any], kind: Kind = Kind.STRING) -> list[tuple[str, str]]:
    old, new = (contract(Field(**{"name": "a", "kind": kind, **given})) for given in (before, after))
    return [(change, compatibility) for _, change, compatibility in between(old, new)]


NUMBERS, TIMES = {"kind": Kind.NUMBER}, {"kind": Kind.TIMESTAMP}


@pytest.mark.parametrize(
    ("before", "after", "change", "compatibility"),
    [
        ({}, {"kind": Kind.INTEGER}, "logicalType: string → integer", BREAKING),
        ({}, {"description": "Words."}, "description", COMPATIBLE),
        ({}, {"required": True}, "required: false → true", BREAKING),
        ({"required": True}, {}, "required: true → false", COMPATIBLE),
        ({}, {"primary_key": 1}, "primaryKeyPosition: none → 1", BREAKING),
        ({"primary_key": 1}, {}, "primaryKeyPosition: 1 → none", BREAKING),
        ({"primary_key": 1}, {"primary_key": 2}, "primaryKeyPosition: 1 → 2", BREAKING),
        (NUMBERS, NUMBERS | {"minimum": 0}, "minimum: none → 0", BREAKING),
        (NUMBERS | {"minimum": 0}, NUMBERS, "minimum: 0 → none", COMPATIBLE),
        (NUMBERS | {"minimum": 0}, NUMBERS | {"minimum": 1}, "minimum: 0 → 1", BREAKING),
        (NUMBERS | {"minimum": 1}, NUMBERS | {"minimum": 0}, "minimum: 1 → 0", COMPATIBLE),
        (NUMBERS | {"minimum": 1}, NUMBERS | {"minimum": 1.0}, "minimum: 1 → 1.0", COMPATIBLE),
        (NUMBERS, NUMBERS | {"maximum": 0}, "maximum: none → 0", BREAKING),
        (NUMBERS | {"maximum": 0}, NUMBERS, "maximum: 0 → none", COMPATIBLE),
        (NUMBERS | {"maximum": 0}, NUMBERS | {"maximum": 1}, "maximum: 0 → 1", COMPATIBLE),
        (NUMBERS | {"maximum": 1}, NUMBERS | {"maximum": 0}, "maximum: 1 → 0", BREAKING),
        (NUMBERS | {"maximum": 1}, NUMBERS | {"maximum": 1.0}, "maximum: 1 → 1.0", COMPATIBLE),
        (NUMBERS, NUMBERS | {"exclusive_minimum": 0}, "exclusiveMinimum: none → 0", BREAKING),
        (NUMBERS | {"exclusive_minimum": 1}, NUMBERS | {"exclusive_minimum": 0}, "exclusiveMinimum: 1 → 0", COMPATIBLE),
        (NUMBERS, NUMBERS | {"exclusive_maximum": 0}, "exclusiveMaximum: none → 0", BREAKING),
        (NUMBERS | {"exclusive_maximum": 0}, NUMBERS | {"exclusive_maximum": 1}, "exclusiveMaximum: 0 → 1", COMPATIBLE),
        (
            {"kind": Kind.DECIMAL, "minimum": Decimal("0.1")},
            {"kind": Kind.DECIMAL, "minimum": Decimal("0.2")},
            "minimum: 0.1 → 0.2",
            BREAKING,
        ),
        (
            {"kind": Kind.DATE, "maximum": date(2030, 1, 1)},
            {"kind": Kind.DATE, "maximum": date(2031, 1, 1)},
            "maximum: 2030-01-01 → 2031-01-01",
            COMPATIBLE,
        ),
        (
            TIMES,
            TIMES | {"minimum": datetime(2000, 1, 1, tzinfo=UTC)},
            "minimum: none → 2000-01-01T00:00:00Z",
            BREAKING,
        ),
        (
            TIMES,
            TIMES | {"minimum": datetime(1800, 1, 1, tzinfo=UTC)},
            "minimum: none → 1800-01-01T00:00:00Z",
            COMPATIBLE,
        ),
        (TIMES, TIMES | {"minimum": EARLIEST}, "minimum: none → 1900-01-01T00:00:00Z", COMPATIBLE),
        (
            TIMES | {"maximum": datetime(2300, 1, 1, tzinfo=UTC)},
            TIMES,
            "maximum: 2300-01-01T00:00:00Z → none",
            BREAKING,
        ),
        ({}, {"min_length": 1}, "minLength: none → 1", BREAKING),
        ({}, {"min_length": 0}, "minLength: none → 0", COMPATIBLE),
        ({"min_length": 2}, {"min_length": 1}, "minLength: 2 → 1", COMPATIBLE),
        ({"min_length": 2}, {}, "minLength: 2 → none", COMPATIBLE),
        ({}, {"max_length": 9}, "maxLength: none → 9", BREAKING),
        ({"max_length": 9}, {"max_length": 8}, "maxLength: 9 → 8", BREAKING),
        ({"max_length": 8}, {"max_length": 9}, "maxLength: 8 → 9", COMPATIBLE),
        ({"max_length": 8}, {}, "maxLength: 8 → none", COMPATIBLE),
        ({}, {"pattern": "a+"}, "pattern: none → a+", BREAKING),
        ({"pattern": "a+"}, {"pattern": "a*"}, "pattern: a+ → a*", BREAKING),
        ({"pattern": "a+"}, {}, "pattern: a+ → none", COMPATIBLE),
        ({}, {"format": "uuid"}, "format: none → uuid", BREAKING),
        ({"format": "uuid"}, {"format": "uri"}, "format: uuid → uri", BREAKING),
        ({"format": "uuid"}, {}, "format: uuid → none", COMPATIBLE),
        ({}, {"allowed": ("x", "y")}, "validValues: +x, +y", BREAKING),
        ({"allowed": ("x",)}, {}, "validValues: -x", COMPATIBLE),
        ({"allowed": ("x",)}, {"allowed": ("x", "y")}, "validValues: +y", COMPATIBLE),
        ({"allowed": ("x", "y")}, {"allowed": ("x", "z")}, "validValues: -y, +z", BREAKING),
        ({"allowed": ("x", "y")}, {"allowed": ("y", "x")}, "validValues: written otherwise", COMPATIBLE),
        ({"criticality": WARN}, {}, "severity: warn → error", BREAKING),
        ({}, {"criticality": WARN}, "severity: error → warn", COMPATIBLE),
    ],
)
def test_an_attribute_of_a_field(
    before: Mapping[str, Any], after: Mapping[str, Any], change: str, compatibility: Compatibility
) -> None:
    assert of_field(before, after) == [(change, compatibility)]


def test_decimals() -> None:
    def sized(precision: int, scale: int) -> dict[str, Any]:
        return {"kind": Kind.DECIMAL, "precision": precision, "scale": scale}

    assert of_field(sized(10, 2), sized(12, 2)) == [("precision: 10 → 12", BREAKING)]
    assert of_field(sized(12, 2), sized(10, 2)) == [("precision: 12 → 10", BREAKING)]
    assert of_field(sized(10, 2), sized(10, 1)) == [("scale: 2 → 1", BREAKING)]
    # More decimal places in as many digits leave fewer before the point.
    assert of_field(sized(10, 2), sized(10, 4)) == [("scale: 2 → 4", BREAKING)]
    assert of_field(sized(10, 2), sized(12, 4)) == [("precision: 10 → 12", BREAKING), ("scale: 2 → 4", BREAKING)]


def test_a_bound_that_becomes_exclusive() -> None:
    assert of_field(NUMBERS | {"minimum": 1}, NUMBERS | {"exclusive_minimum": 1}) == [
        ("minimum: 1 → none", BREAKING),
        ("exclusiveMinimum: none → 1", BREAKING),
    ]
    assert of_field(NUMBERS | {"exclusive_maximum": 1}, NUMBERS | {"maximum": 1}) == [
        ("maximum: none → 1", COMPATIBLE),
        ("exclusiveMaximum: 1 → none", COMPATIBLE),
    ]


def test_a_check_that_only_marks_breaks_nothing() -> None:
    warned = {"criticality": WARN}
    assert of_field(warned, warned | {"pattern": "a"}) == [("pattern: none → a", COMPATIBLE)]
    assert of_field({}, warned | {"pattern": "a"}) == [
        ("pattern: none → a", COMPATIBLE),
        ("severity: error → warn", COMPATIBLE),
    ]
    assert of_field(warned | {"allowed": ("x",)}, {"allowed": ("x",)}) == [("severity: warn → error", BREAKING)]


def test_bounds_of_another_kind_are_not_compared() -> None:
    since = {"minimum": datetime(2000, 1, 1, tzinfo=UTC)}
    assert of_field(TIMES | since, NUMBERS | {"minimum": 0}) == [
        ("logicalType: timestamp → number", BREAKING),
        ("minimum: 2000-01-01T00:00:00Z → 0", BREAKING),
    ]


def test_fields_come_and_go() -> None:
    one, two = Field(name="one", kind=Kind.STRING), Field(name="two", kind=Kind.STRING)

    assert between(contract(), contract(one)) == [("one", "added", COMPATIBLE)]
    assert between(contract(), contract(replace(one, required=True))) == [("one", "added", BREAKING)]
    assert between(contract(), contract(replace(one, primary_key=1))) == [("one", "added", BREAKING)]
    assert between(contract(one), contract()) == [("one", "removed", BREAKING)]
    assert between(contract(one), contract(replace(one, name="One"))) == [
        ("one", "removed", BREAKING),
        ("One", "added", COMPATIBLE),
    ]
    assert between(contract(one, two), contract(two, one)) == [("", "order of the fields", COMPATIBLE)]


def outer(member: Field) -> Field:
    return Field(name="o", kind=Kind.OBJECT, members=(member,))


def test_another_member_breaks_senders_and_another_name_readers() -> None:
    plain = Field(name="a", kind=Kind.INTEGER)
    moved, renamed = replace(plain, physical_name="_a"), Field(name="b", kind=Kind.INTEGER, physical_name="a")

    assert between(contract(plain), contract(moved)) == [("a", "physicalName: none → _a", BREAKING)]
    assert between(contract(moved), contract(plain)) == [("a", "physicalName: _a → none", BREAKING)]
    assert between(contract(plain), contract(renamed)) == [("b", "name: a → b", BREAKING)]
    assert between(contract(plain), contract(replace(renamed, required=True))) == [
        ("b", "name: a → b", BREAKING),
        ("b", "required: false → true", BREAKING),
    ]
    assert between(contract(outer(plain)), contract(outer(renamed))) == [("o.b", "name: a → b", BREAKING)]
    # Two fields that change members are not the same two under other names.
    swapped = replace(plain, physical_name="b"), Field(name="b", kind=Kind.INTEGER, physical_name="a")
    assert between(contract(plain, Field(name="b", kind=Kind.INTEGER)), contract(*swapped)) == [
        ("a", "physicalName: none → b", BREAKING),
        ("b", "physicalName: none → a", BREAKING),
    ]


def test_rules() -> None:
    strict, lenient = Rule(name="r", expression="a > 0"), Rule(name="r", expression="a > 0", criticality=WARN)

    def found(old: tuple[Rule, ...], new: tuple[Rule, ...]) -> list[tuple[str, str, str]]:
        return between(contract(rules=old), contract(rules=new))

    assert found((), (strict,)) == [("rule r", "added", BREAKING)]
    assert found((), (lenient,)) == [("rule r", "added", COMPATIBLE)]
    assert found((strict,), ()) == [("rule r", "removed", COMPATIBLE)]
    assert found((lenient,), (strict,)) == [("rule r", "severity: warn → error", BREAKING)]
    assert found((strict,), (lenient,)) == [("rule r", "severity: error → warn", COMPATIBLE)]
    altered = ("rule r", "implementation: a > 0 → a > 1")
    assert found((strict,), (replace(strict, expression="a > 1"),)) == [(*altered, BREAKING)]
    assert found((lenient,), (replace(lenient, expression="a > 1"),)) == [(*altered, COMPATIBLE)]
    other = replace(strict, name="s")
    assert found((strict, other), (other, strict)) == [("", "order of the rules", COMPATIBLE)]


@pytest.mark.parametrize(
    ("settings", "change", "compatibility"),
    [
        ({"id": "other"}, "id: mill → other", BREAKING),
        ({"event_time": "then"}, "eventTime: at → then", BREAKING),
        ({"owner": "millers"}, "team: none → millers", COMPATIBLE),
        ({"description": "What it grinds."}, "description", COMPATIBLE),
        ({"max_bytes": 1024}, "maxBytes: 1048576 → 1024", BREAKING),
        ({"max_bytes": 2**21}, "maxBytes: 1048576 → 2097152", COMPATIBLE),
    ],
)
def test_the_contract_as_a_whole(settings: dict[str, Any], change: str, compatibility: Compatibility) -> None:
    assert between(contract(), contract(**settings)) == [("", change, compatibility)]


KEEP, REJECT, EVOLVE = Unknown


@pytest.mark.parametrize(
    ("before", "after", "compatibility"),
    [
        (KEEP, REJECT, BREAKING),
        (EVOLVE, REJECT, BREAKING),
        (REJECT, KEEP, COMPATIBLE),
        (REJECT, EVOLVE, COMPATIBLE),
        (KEEP, EVOLVE, BREAKING),
        (EVOLVE, KEEP, BREAKING),
    ],
)
def test_what_becomes_of_unknown_fields(before: Unknown, after: Unknown, compatibility: Compatibility) -> None:
    change = f"unknownFields: {before} → {after}"
    assert between(contract(unknown=before), contract(unknown=after)) == [("", change, compatibility)]


TIGHTER = Field(name="a", kind=Kind.STRING, required=True)
LOOSER = Field(name="a", kind=Kind.STRING)


@pytest.mark.parametrize(
    ("version", "field", "change", "compatibility", "why"),
    [
        ("1.4.2", LOOSER, "version: still 1.4.2", BREAKING, "the contract changed: give it a new version"),
        ("1.4.3", LOOSER, "version: 1.4.2 → 1.4.3", COMPATIBLE, "names the change"),
        (
            "1.4.2",
            TIGHTER,
            "version: still 1.4.2",
            BREAKING,
            "the contract changed: give it a new major version, as 2.0.0",
        ),
        (
            "1.5.0",
            TIGHTER,
            "version: 1.4.2 → 1.5.0",
            BREAKING,
            "a breaking change raises the major version: make it 2.0.0",
        ),
        (
            "next",
            TIGHTER,
            "version: 1.4.2 → next",
            BREAKING,
            "a breaking change raises the major version: make it 2.0.0",
        ),
        ("2.0.0", TIGHTER, "version: 1.4.2 → 2.0.0", COMPATIBLE, "names the change"),
        ("v10", TIGHTER, "version: 1.4.2 → v10", COMPATIBLE, "names the change"),
    ],
)
def test_the_version_says_what_changed(
    version: str, field: Field, change: str, compatibility: Compatibility, why: str
) -> None:
    found = diff(contract(version="1.4.2"), contract(field, version=version))
    assert found[-1] == Change("", change, compatibility, why)


def test_words_alone_need_no_version() -> None:
    (change,) = diff(contract(), contract(description="Words.", owner=""))
    assert change == Change("", "description", COMPATIBLE, "decides nothing")


def test_nothing_changed() -> None:
    assert diff(contract(TIGHTER), contract(TIGHTER)) == ()


# What is nested


def an_object(**members: Field) -> Field:
    return Field(name="a", kind=Kind.OBJECT, members=tuple(members.values()))


def an_array(**options: Any) -> Field:
    items = Field(name="", kind=Kind.OBJECT, members=(Field(name="x", kind=Kind.INTEGER, **options),))
    return Field(name="a", kind=Kind.ARRAY, items=items)


STRING, NEEDED = Field(name="s", kind=Kind.STRING), Field(name="n", kind=Kind.INTEGER, required=True)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (an_object(s=STRING), an_object(s=STRING, n=NEEDED), [("a.n", "added", BREAKING)]),
        (an_object(s=STRING, n=NEEDED), an_object(n=NEEDED), [("a.s", "removed", BREAKING)]),
        (an_object(n=NEEDED), an_object(n=NEEDED, s=STRING), [("a.s", "added", COMPATIBLE)]),
        (an_object(s=STRING, n=NEEDED), an_object(n=NEEDED, s=STRING), [("a", "order of the members", COMPATIBLE)]),
        (an_array(), an_array(maximum=9), [("a[].x", "maximum: none → 9", BREAKING)]),
        (an_array(maximum=9), an_array(), [("a[].x", "maximum: 9 → none", COMPATIBLE)]),
        (an_array(), an_array(coerce=True), [("a[].x", "coerce: false → true", COMPATIBLE)]),
        (an_array(coerce=True), an_array(), [("a[].x", "coerce: true → false", BREAKING)]),
        (an_array(), an_object(s=STRING), [("a", "logicalType: array → object", BREAKING)]),
    ],
)
def test_what_is_nested_is_told_by_its_path(old: Field, new: Field, expected: list[tuple[str, str, str]]) -> None:
    found = [(one.field, one.change, one.compatibility) for one in diff(contract(old), contract(new))]
    assert found[: len(expected)] == expected
    assert [change for _, change, _ in found[len(expected) :]] == ["version: still 1.0.0"]


@pytest.mark.parametrize(
    ("kind", "before", "after", "compatibility"),
    [
        (Kind.INTEGER, {"multiple_of": 10}, {"multiple_of": 5}, COMPATIBLE),
        (Kind.INTEGER, {"multiple_of": 5}, {"multiple_of": 10}, BREAKING),
        (Kind.INTEGER, {"multiple_of": 5}, {}, COMPATIBLE),
        (Kind.INTEGER, {"format": "i16"}, {"format": "i32"}, COMPATIBLE),
        (Kind.INTEGER, {"format": "i16"}, {"format": "u16"}, BREAKING),
        (Kind.INTEGER, {}, {"format": "i64"}, COMPATIBLE),
        (Kind.NUMBER, {}, {"format": "f32"}, BREAKING),
        (Kind.DATE, {}, {"format": "yyyyMMdd", "criticality": WARN}, BREAKING),
        (Kind.TIMESTAMP, {}, {"default_timezone": "Etc/UTC"}, BREAKING),
        (Kind.ARRAY, {"min_items": 2}, {"min_items": 1}, COMPATIBLE),
        (Kind.ARRAY, {}, {"max_items": 9}, BREAKING),
        (Kind.ARRAY, {}, {"unique_items": True}, BREAKING),
        (Kind.ARRAY, {"unique_items": True}, {}, COMPATIBLE),
        (Kind.OBJECT, {}, {"min_properties": 1}, BREAKING),
    ],
)
def test_options(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any], compatibility: Compatibility) -> None:
    assert of_field(before, after, kind)[0][1] == compatibility


# Nothing is passed over

OTHER: Mapping[type, Mapping[str, object]] = {
    Field: {
        "name": "b",
        "kind": Kind.NUMBER,
        "description": "d",
        "required": True,
        "primary_key": 1,
        "precision": 9,
        "scale": 9,
        "minimum": 1,
        "maximum": 1,
        "exclusive_minimum": 1,
        "exclusive_maximum": 1,
        "min_length": 1,
        "max_length": 1,
        "pattern": "p",
        "format": "i8",
        "allowed": (1,),
        "outlier": 6.0,
        "physical_name": "b",
        "criticality": WARN,
        "members": (Field(name="m", kind=Kind.STRING),),
        "items": Field(name="", kind=Kind.STRING),
        "min_items": 1,
        "max_items": 1,
        "unique_items": True,
        "min_properties": 1,
        "max_properties": 1,
        "multiple_of": 2,
        "default_timezone": "Etc/UTC",
        "coerce": True,
    },
    Rule: {"name": "s", "expression": "e", "description": "d", "criticality": WARN},
    Contract: {
        "id": "i",
        "version": "2.0.0",
        "event_time": "e",
        "fields": (),
        "rules": (Rule(name="r", expression="x"),),
        "description": "d",
        "owner": "o",
        "max_bytes": 1,
        "unknown": Unknown.REJECT,
        "former": Contract(id="i", version="0.1.0", event_time="e", fields=()),
        "aggregates": (Aggregate(name="n", metric=Metric.ROW_COUNT, must=Must(Operator.BE, (1,))),),
    },
    Aggregate: {
        "name": "m",
        "metric": Metric.NULL_VALUES,
        "must": Must(Operator.BE, (2,)),
        "fields": ("a",),
        "percent": True,
        "missing": (1,),
        "allowed": (1,),
        "pattern": "p",
        "description": "d",
        "criticality": WARN,
        "window": HOURS,
    },
}
"""A value for each attribute other than the one it has below."""


@pytest.mark.parametrize(("part", "name"), [(part, attribute.name) for part in OTHER for attribute in fields(part)])
def test_each_attribute_is_looked_at(part: type, name: str) -> None:
    field, rule = Field(name="a", kind=Kind.INTEGER), Rule(name="r", expression="x")
    altered: dict[str, Any] = {name: OTHER[part][name]}
    match part.__name__:
        case "Field":
            old, new = contract(field), contract(replace(field, **altered))
        case "Rule":
            old, new = contract(rules=(rule,)), contract(rules=(replace(rule, **altered),))
        case "Aggregate":
            one = Aggregate(name="n", metric=Metric.ROW_COUNT, must=Must(Operator.BE, (1,)))
            old = replace(contract(), aggregates=(one,))
            new = replace(contract(), aggregates=(replace(one, **altered),))
        case _:
            old, new = contract(), replace(contract(), **altered)
    assert [change for change in diff(old, new) if not change.change.startswith("version: still")]


@dataclass(frozen=True, slots=True, kw_only=True)
class WiderField(Field):
    nested: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WiderRule(Rule):
    applies_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WiderContract(Contract):
    tolerance: int = 0


def test_an_attribute_that_nobody_judges_is_breaking() -> None:
    field, rule = WiderField(name="a", kind=Kind.STRING), WiderRule(name="r", expression="x")
    old = WiderContract(**{each.name: getattr(contract(field, rules=(rule,)), each.name) for each in fields(Contract)})
    new = replace(
        old,
        fields=(AT, replace(field, nested=("b",))),
        rules=(replace(rule, applies_to="b"),),
        tolerance=1,
        version="2.0.0",
    )
    why = "nothing is known that makes it compatible"
    assert diff(old, new)[:-1] == (
        Change("", "tolerance: 0 → 1", BREAKING, why),
        Change("a", "nested: +b", BREAKING, why),
        Change("rule r", "appliesTo: none → b", BREAKING, why),
    )


def test_a_rule_over_windows_breaks_nobody() -> None:
    of_batches = Aggregate(name="n", metric=Metric.ROW_COUNT, must=Must(Operator.BE, (1,)), criticality=WARN)
    of_windows = replace(of_batches, window=HOURS)
    longer = replace(of_batches, window=Tumbling(timedelta(days=1), timedelta(hours=1)))
    without, batches, windows, days = (
        contract(aggregates=aggregates) for aggregates in ((), (of_batches,), (of_windows,), (longer,))
    )
    why = "raises alarms: rejects no record, holds no batch back"
    assert diff(without, windows)[0] == Change("quality n", "added", COMPATIBLE, why)
    assert diff(windows, days)[0] == Change(
        "quality n", "window: 1 hour, delay 10 minutes → 1 day, delay 1 hour", COMPATIBLE, why
    )
    assert diff(batches, windows)[0] == Change("quality n", "window: none → 1 hour, delay 10 minutes", COMPATIBLE, why)
    strict = contract(aggregates=(replace(of_batches, criticality=ERROR),))
    assert diff(windows, strict)[-2] == Change(
        "quality n", "window: 1 hour, delay 10 minutes → none", BREAKING, "batches that were taken in may be held back"
    )


@pytest.mark.parametrize(
    ("old", "new", "breaking"),
    [
        (Must(Operator.LESS_THAN, (5,)), Must(Operator.LESS_OR_EQUAL, (5,)), False),
        (Must(Operator.BE, (0,)), Must(Operator.BETWEEN, (0, 3)), False),
        (Must(Operator.LESS_OR_EQUAL, (5,)), Must(Operator.LESS_THAN, (5,)), True),
        (Must(Operator.GREATER_THAN, (1,)), Must(Operator.NOT_BE, (7,)), True),
    ],
)
def test_a_rule_on_batches_that_lets_pass_what_it_did_breaks_nobody(old: Must, new: Must, breaking: bool) -> None:
    before, after = (
        contract(aggregates=(Aggregate(name="n", metric=Metric.ROW_COUNT, must=must),)) for must in (old, new)
    )
    assert diff(before, after)[0].breaking is breaking


# Whatever the contracts

BOUNDS = st.none() | st.integers(-3, 3)
FIELDS = st.builds(
    Field,
    name=st.sampled_from("abc"),
    kind=st.just(Kind.INTEGER),
    required=st.booleans(),
    minimum=BOUNDS,
    maximum=BOUNDS,
    exclusive_minimum=BOUNDS,
    exclusive_maximum=BOUNDS,
    allowed=st.lists(st.integers(-3, 3), unique=True, max_size=3).map(tuple),
    criticality=st.sampled_from(Criticality),
)
CONTRACTS = st.builds(
    lambda more, size: contract(*more, max_bytes=size),
    st.lists(FIELDS, unique_by=lambda field: field.name),
    st.integers(1, 3),
)


def accepts(field: Field, value: int | None) -> bool:
    """The judge in plain Python, for fields of whole numbers."""
    if value is None:
        return not field.required
    # A bound may be a time as well; those of whole numbers are numbers.
    kept = (
        (field.minimum is None or value >= field.minimum)  # type: ignore[operator]
        and (field.maximum is None or value <= field.maximum)  # type: ignore[operator]
        and (field.exclusive_minimum is None or value > field.exclusive_minimum)  # type: ignore[operator]
        and (field.exclusive_maximum is None or value < field.exclusive_maximum)  # type: ignore[operator]
        and (not field.allowed or value in field.allowed)
    )
    return kept or field.criticality is WARN


@given(CONTRACTS, CONTRACTS)
def test_what_differs_in_its_fingerprint_has_a_change(old: Contract, new: Contract) -> None:
    found = [change for change in diff(old, new) if not change.change.startswith("version")]
    assert bool(found) == (old.fingerprint != new.fingerprint)


@given(CONTRACTS, CONTRACTS)
def test_no_record_is_lost_to_compatible_changes(old: Contract, new: Contract) -> None:
    breaking = {change.field for change in diff(old, new) if change.breaking}
    for field in new.fields:
        before = old.field(field.name) if field.name in old.names else Field(name=field.name, kind=field.kind)
        asked = range(-4, 5) if field.name in old.names else ()
        lost = [value for value in (None, *asked) if accepts(before, value) and not accepts(field, value)]
        assert not lost or field.name in breaking
