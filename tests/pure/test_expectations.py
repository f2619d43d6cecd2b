"""Contracts as suites of Great Expectations: which expectation each rule becomes, and what becomes none."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from headrace.contracts.aggregates import Aggregate, Metric, Must, Operator
from headrace.contracts.demands import Demand, demands
from headrace.contracts.expectations import Expectation, Untranslated, suite
from headrace.contracts.model import Contract, Criticality, Field, Kind, Rule
from headrace.contracts.tumbling import Tumbling
from headrace.expressions import compile_condition
from headrace.flows.project import load

PROJECT = load(Path(__file__).parents[2] / "conf", "local", {})
EAST = timezone(timedelta(hours=2))
NEVER = ("the text of a record", "future_event_time")

RICH = Contract(
    id="mill.readings",
    version="1.0.0",
    event_time="at",
    fields=(
        Field(name="at", kind=Kind.TIMESTAMP, required=True, exclusive_maximum=datetime(2030, 1, 1, 2, tzinfo=EAST)),
        Field(name="wheel", kind=Kind.STRING, required=True, primary_key=1, min_length=2, max_length=8),
        Field(name="turn", kind=Kind.INTEGER, primary_key=2, minimum=0, exclusive_maximum=10),
        Field(name="mail", kind=Kind.STRING, format="ipv4", criticality=Criticality.WARN),
        Field(name="name", kind=Kind.STRING, pattern=r"\p{L}+"),
        Field(name="code", kind=Kind.STRING, pattern=r"[A-Z]{2}|\d"),
        Field(name="price", kind=Kind.DECIMAL, precision=8, scale=2, minimum=Decimal("0.10")),
        Field(name="day", kind=Kind.DATE, maximum=date(2030, 12, 31)),
        Field(name="wet", kind=Kind.BOOLEAN),
        Field(name="level", kind=Kind.NUMBER, allowed=(1, 2.5), criticality=Criticality.WARN),
        Field(name="depth", kind=Kind.NUMBER, required=True),
    ),
)

OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"


def said(found: Expectation) -> tuple[str, str, str | None, dict[str, Any], str]:
    return found.rule, found.type, found.column, dict(found.arguments), found.severity.value


def of(condition: str, **changed: Any) -> tuple[Demand, ...]:
    return demands(Rule(name="rule", expression=compile_condition(condition, RICH.kinds), **changed), RICH)


def is_null(column: str, null: bool = True) -> dict[str, Any]:
    return {"type": "nullity", "column": {"name": column}, "is_null": null}


def compared(column: str, operator: str, value: Any) -> dict[str, Any]:
    return {"type": "comparison", "column": {"name": column}, "operator": operator, "parameter": value}


def test_everything_a_contract_can_say_of_fields() -> None:
    found = [said(each) for each in suite(RICH).expectations]

    assert found == [
        (
            "columns",
            "expect_table_columns_to_match_set",
            None,
            {
                "column_set": [
                    "at", "wheel", "turn", "mail", "name", "code", "price", "day", "wet", "level", "depth",
                ],
                "exact_match": False,
            },
            "error",
        ),
        ("primary_key", "expect_compound_columns_to_be_unique", None, {"column_list": ["wheel", "turn"]}, "warn"),
        ("at.required", "expect_column_values_to_not_be_null", "at", {}, "error"),
        ("at.wrong_type", "expect_column_values_to_be_in_type_list", "at", {"type_list": ["datetime64[us]"]}, "error"),
        (
            "at.implausible_time",
            "expect_column_values_to_be_between",
            "at",
            {"min_value": datetime.fromisoformat("1900-01-01")},
            "error",
        ),
        (
            "at.implausible_time",
            "expect_column_values_to_be_between",
            "at",
            {"max_value": datetime.fromisoformat("2030-01-01"), "strict_max": True},
            "error",
        ),
        ("wheel.required", "expect_column_values_to_not_be_null", "wheel", {}, "error"),
        ("wheel.wrong_type", "expect_column_values_to_be_in_type_list", "wheel", {"type_list": ["str"]}, "error"),
        (
            "wheel.length",
            "expect_column_value_lengths_to_be_between",
            "wheel",
            {"min_value": 2, "max_value": 8},
            "error",
        ),
        ("turn.wrong_type", "expect_column_values_to_be_in_type_list", "turn", {"type_list": ["Int64Dtype"]}, "error"),
        ("turn.out_of_range", "expect_column_values_to_be_between", "turn", {"min_value": 0}, "error"),
        (
            "turn.out_of_range",
            "expect_column_values_to_be_between",
            "turn",
            {"max_value": 10, "strict_max": True},
            "error",
        ),
        ("mail.wrong_type", "expect_column_values_to_be_in_type_list", "mail", {"type_list": ["str"]}, "error"),
        (
            "mail.format",
            "expect_column_values_to_match_regex",
            "mail",
            {"regex": rf"(?a)\A(?:(?:{OCTET}\.){{3}}{OCTET})\Z"},
            "warn",
        ),
        ("name.wrong_type", "expect_column_values_to_be_in_type_list", "name", {"type_list": ["str"]}, "error"),
        ("code.wrong_type", "expect_column_values_to_be_in_type_list", "code", {"type_list": ["str"]}, "error"),
        (
            "code.pattern",
            "expect_column_values_to_match_regex",
            "code",
            {"regex": r"(?a)\A(?:[A-Z]{2}|\d)\Z"},
            "error",
        ),
        ("price.wrong_type", "expect_column_values_to_be_in_type_list", "price", {"type_list": ["Decimal"]}, "error"),
        (
            "price.out_of_range",
            "expect_column_values_to_be_between",
            "price",
            {"min_value": Decimal("0.10")},
            "error",
        ),
        ("day.wrong_type", "expect_column_values_to_be_in_type_list", "day", {"type_list": ["date"]}, "error"),
        (
            "day.implausible_time",
            "expect_column_values_to_be_between",
            "day",
            {"max_value": date(2030, 12, 31)},
            "error",
        ),
        ("wet.wrong_type", "expect_column_values_to_be_in_type_list", "wet", {"type_list": ["BooleanDtype"]}, "error"),
        ("level.wrong_type", "expect_column_values_to_be_in_type_list", "level", {"type_list": ["float64"]}, "error"),
        ("level.not_allowed", "expect_column_values_to_be_in_set", "level", {"value_set": [1, 2.5]}, "warn"),
        ("depth.required", "expect_column_values_to_not_be_null", "depth", {}, "error"),
        ("depth.wrong_type", "expect_column_values_to_be_in_type_list", "depth", {"type_list": ["float64"]}, "error"),
    ]  # fmt: skip


def test_what_no_expectation_can_say_is_listed_with_why() -> None:
    assert suite(RICH).untranslated == (
        Untranslated("name.pattern", "Python's regular expressions cannot say it"),
        Untranslated("the text of a record", "is judged before there are columns, and is not kept"),
        Untranslated("future_event_time", "is judged by the signal's clock as it stood at the record's batch"),
    )


def test_rules_over_many_records_are_listed_with_why() -> None:
    of_batch = Aggregate(name="size", metric=Metric.ROW_COUNT, must=Must(Operator.GREATER_THAN, (0.0,)))
    of_window = replace(of_batch, name="hourly", window=Tumbling(timedelta(hours=1)))
    assert suite(replace(RICH, aggregates=(of_batch, of_window))).untranslated[1:3] == (
        Untranslated("size", "is judged over a whole batch, not over a sample"),
        Untranslated("hourly", "is judged over a whole window of event time, not over a sample"),
    )


def test_what_is_nested_is_no_expectation() -> None:
    zip_code = Field(name="zip", kind=Kind.INTEGER)
    contract = replace(
        RICH,
        fields=(
            Field(name="at", kind=Kind.TIMESTAMP, required=True),
            Field(name="zip", kind=Kind.INTEGER, format="u8", multiple_of=5),
            Field(name="place", kind=Kind.OBJECT, required=True, members=(zip_code,)),
            Field(name="opens", kind=Kind.TIME, minimum=time(8)),
        ),
        rules=(Rule(name="near", expression=compile_condition("place.zip > 3", {"place.zip": Kind.INTEGER.value})),),
    )

    found = suite(contract)

    assert [(each.rule, each.arguments) for each in found.expectations if each.column != "at"][1:] == [
        ("zip.wrong_type", {"type_list": ["Int64Dtype"]}),
        ("zip.out_of_range", {"min_value": 0, "max_value": 255}),
        ("place.required", {}),
        ("opens.wrong_type", {"type_list": ["str"]}),
    ]
    assert [each.rule for each in found.untranslated][:-2] == [
        "zip.not_a_multiple", "place", "opens.implausible_time", "near",
    ]  # fmt: skip


def test_the_form_great_expectations_keeps() -> None:
    found = suite(RICH).expectations[1:3]

    assert [each.configuration for each in found] == [
        {
            "type": "expect_compound_columns_to_be_unique",
            "kwargs": {"column_list": ["wheel", "turn"]},
            "severity": "warning",
            "meta": {"rule": "primary_key"},
        },
        {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": "at"},
            "severity": "critical",
            "meta": {"rule": "at.required"},
        },
    ]


@pytest.mark.parametrize(
    ("signal", "counts"),
    [
        (
            "departures",
            {
                "values_to_be_in_type_list": 11,
                "values_to_not_be_null": 10,
                "values_to_be_between": 6,
                "values_to_match_regex": 3,
                "values_to_be_in_set": 2,
                "values_to_be_unique": 1,
                "values_to_be_null": 1,
            },
        ),
        (
            "weather",
            {
                "values_to_be_in_type_list": 11,
                "values_to_not_be_null": 2,
                "values_to_be_between": 7,
                "values_to_be_in_set": 1,
            },
        ),
        (
            "arrivals",
            {
                "values_to_be_in_type_list": 7,
                "values_to_not_be_null": 6,
                "values_to_be_between": 3,
                "values_to_match_regex": 3,
                "values_to_be_in_set": 1,
                "values_to_be_unique": 1,
            },
        ),
    ],
)
def test_the_repository_s_contracts_are_translated_whole(signal: str, counts: dict[str, int]) -> None:
    found = suite(PROJECT.contracts[signal])

    of_columns = Counter(each.type.removeprefix("expect_column_") for each in found.expectations if each.column)
    assert of_columns == counts
    assert tuple(each.rule for each in found.untranslated) == NEVER


def test_the_rules_of_departures() -> None:
    found = [said(each) for each in suite(PROJECT.contracts["departures"]).expectations[-3:]]

    assert found == [
        (
            "delay_if_departed",
            "expect_column_values_to_not_be_null",
            "dep_delay",
            {"row_condition": compared("status", "==", "departed")},
            "error",
        ),
        (
            "delay_if_departed",
            "expect_column_values_to_be_null",
            "dep_delay",
            {"row_condition": compared("status", "!=", "departed")},
            "error",
        ),
        ("long_delay", "expect_column_values_to_be_between", "dep_delay", {"max_value": 720}, "warn"),
    ]


# condition: type, column, arguments of each demand
RULES: dict[str, list[tuple[str, str | None, dict[str, Any]]]] = {
    "depth > 0": [("values_to_be_between", "depth", {"min_value": 0, "strict_min": True})],
    "-1.5 <= depth": [("values_to_be_between", "depth", {"min_value": -1.5})],
    "depth NOT BETWEEN 1 AND 2": [
        (
            "values_to_be_between",
            "depth",
            {"min_value": 2, "strict_min": True, "row_condition": compared("depth", ">=", 1)},
        )
    ],
    # A null breaks a rule, so a value is demanded where the field may be null.
    "turn IN (1, 2)": [
        ("values_to_not_be_null", "turn", {}),
        ("values_to_be_in_set", "turn", {"value_set": [1, 2]}),
    ],
    "turn IS NULL OR NOT (turn IN (1, 2))": [("values_to_not_be_in_set", "turn", {"value_set": [1, 2]})],
    "wheel <> 'old' AND depth = 3": [
        ("values_to_not_be_in_set", "wheel", {"value_set": ["old"]}),
        ("values_to_be_in_set", "depth", {"value_set": [3]}),
    ],
    "wet": [
        ("values_to_not_be_null", "wet", {}),
        ("values_to_be_in_set", "wet", {"value_set": [True]}),
    ],
    "NOT (wheel = 'old' AND depth > 3) OR turn < 5": [
        (
            "values_to_not_be_null",
            "turn",
            {
                "row_condition": {
                    "type": "and",
                    "conditions": [compared("wheel", "==", "old"), compared("depth", ">", 3)],
                }
            },
        ),
        (
            "values_to_be_between",
            "turn",
            {
                "max_value": 5,
                "strict_max": True,
                "row_condition": {
                    "type": "and",
                    "conditions": [compared("wheel", "==", "old"), compared("depth", ">", 3)],
                },
            },
        ),
    ],
    # What may be null cannot stand in a condition, so the other side is demanded.
    "depth > 3 OR turn > 3": [
        ("values_to_not_be_null", "turn", {"row_condition": compared("depth", "<=", 3)}),
        (
            "values_to_be_between",
            "turn",
            {"min_value": 3, "strict_min": True, "row_condition": compared("depth", "<=", 3)},
        ),
    ],
    "turn > 3 OR depth > 3": [
        ("values_to_not_be_null", "turn", {"row_condition": compared("depth", "<=", 3)}),
        (
            "values_to_be_between",
            "turn",
            {"min_value": 3, "strict_min": True, "row_condition": compared("depth", "<=", 3)},
        ),
    ],
    "turn < depth": [
        ("values_to_not_be_null", "turn", {}),
        (
            "pair_values_a_to_be_greater_than_b",
            None,
            {"column_A": "depth", "column_B": "turn", "ignore_row_if": "either_value_is_missing"},
        ),
    ],
    "level IS NULL OR level >= turn": [
        ("values_to_not_be_null", "turn", {"row_condition": is_null("level", False)}),
        (
            "pair_values_a_to_be_greater_than_b",
            None,
            {"column_A": "level", "column_B": "turn", "ignore_row_if": "either_value_is_missing", "or_equal": True},
        ),
    ],
    "(wheel = 'dry') = (level IS NULL)": [
        ("values_to_be_null", "level", {"row_condition": compared("wheel", "==", "dry")}),
        ("values_to_not_be_null", "level", {"row_condition": compared("wheel", "!=", "dry")}),
    ],
    "(wheel = 'dry') <> (level IS NULL)": [
        ("values_to_not_be_null", "level", {"row_condition": compared("wheel", "==", "dry")}),
        ("values_to_be_null", "level", {"row_condition": compared("wheel", "!=", "dry")}),
    ],
}


@pytest.mark.parametrize("condition", RULES)
def test_a_rule_becomes_demands(condition: str) -> None:
    expected = [Demand(f"expect_column_{what}", column, arguments) for what, column, arguments in RULES[condition]]
    assert list(of(condition)) == expected


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ("depth + 1 > 3", "has TRY_ADD(`depth`, 1) > 3, which compares no column with a constant or a column"),
        ("wheel LIKE 'a%'", "has `wheel` LIKE 'a%', which compares no column with a constant or a column"),
        ("turn > 3 OR level > 3", "chooses between comparisons of what may be null"),
        ("turn <> depth", "wants turn and depth to differ, for which there is no expectation"),
        ("price < 0.1", "compares the decimal price with a fraction, which Python does in another way"),
        (
            "(turn = 1 AND turn = 2 AND turn = 3 AND turn = 4 AND turn = 5) OR "
            "(level = 1 AND level = 2 AND level = 3 AND level = 4)",
            "has too many cases",
        ),
    ],
)
def test_a_rule_no_expectation_can_say_tells_why(condition: str, why: str) -> None:
    with pytest.raises(ValueError) as raised:
        of(condition)
    assert str(raised.value) == why
