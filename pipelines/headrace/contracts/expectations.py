"""A contract as a suite of Great Expectations: the same rules, in the names that library and its pages know.

The judge decides about every record; a suite is for people, who look at a sample of what was accepted. It is written
for frames of pandas, whose types and regular expressions differ from Spark's, with times in UTC without their zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from headrace.contracts.aggregates import Aggregate
from headrace.contracts.demands import demands
from headrace.contracts.formats import FORMATS
from headrace.contracts.model import RANGES, TIMES, Contract, Criticality, Field, Kind
from headrace.contracts.reasons import Reason

__all__ = ["Expectation", "Suite", "Untranslated", "suite"]

# The type of a column of a frame; where that is object, of each value in it.
_TYPES: Mapping[Kind, str] = {
    Kind.STRING: "str",
    Kind.INTEGER: "Int64Dtype",
    Kind.NUMBER: "float64",
    Kind.DECIMAL: "Decimal",
    Kind.BOOLEAN: "BooleanDtype",
    Kind.TIMESTAMP: "datetime64[us]",
    Kind.DATE: "date",
    Kind.TIME: "str",
}
_SEVERITIES = {Criticality.ERROR: "critical", Criticality.WARN: "warning"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One expectation.

    type: its name in Great Expectations.
    column: the column it is about; None where it is about several, or about the table.
    arguments: all it is given but the column.
    rule: the rule of the contract it says, named as in a record's reasons.
    """

    type: str
    column: str | None
    arguments: Mapping[str, Any]
    severity: Criticality
    rule: str

    @property
    def configuration(self) -> dict[str, Any]:
        """The expectation in the form Great Expectations keeps it in."""
        column = {} if self.column is None else {"column": self.column}
        return {
            "type": self.type,
            "kwargs": column | dict(self.arguments),
            "severity": _SEVERITIES[self.severity],
            "meta": {"rule": self.rule},
        }


@dataclass(frozen=True, slots=True)
class Untranslated:
    """A rule that no standard expectation can say, and why."""

    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class Suite:
    """A contract translated: every rule of it is an expectation, or is listed as untranslated."""

    expectations: tuple[Expectation, ...]
    untranslated: tuple[Untranslated, ...]


_NEVER = (
    Untranslated("the text of a record", "is judged before there are columns, and is not kept"),
    Untranslated(Reason.FUTURE_EVENT_TIME.value, "is judged by the signal's clock as it stood at the record's batch"),
)


def suite(contract: Contract) -> Suite:
    """The suite of a contract. Records it accepted break no expectation of severity error."""
    expectations = [_columns(contract), *_key(contract)]
    untranslated: list[Untranslated] = []
    for field in contract.fields:
        expectations += _of_field(field)
        untranslated += _unsaid(field)
    for rule in contract.rules:
        try:
            said = demands(rule, contract)
        except ValueError as error:
            untranslated.append(Untranslated(rule.name, str(error)))
            continue
        expectations += [
            Expectation(
                type=each.type,
                column=each.column,
                arguments=each.arguments,
                severity=rule.criticality,
                rule=rule.name,
            )
            for each in said
        ]
    untranslated += [Untranslated(one.name, _sampled(one)) for one in contract.aggregates]
    return Suite(tuple(expectations), (*untranslated, *_NEVER))


def _sampled(one: Aggregate) -> str:
    return f"is judged over a whole {'batch' if one.window is None else 'window of event time'}, not over a sample"


def _unsaid(field: Field) -> Iterator[Untranslated]:
    """What no expectation says of a field, though the judge does."""
    if field.kind.nested:
        yield Untranslated(field.name, "expectations look at columns, not at what is nested in them")
    if field.pattern is not None and not _is_pythons(field.pattern):
        yield Untranslated(f"{field.name}.{Reason.PATTERN}", "Python's regular expressions cannot say it")
    if field.multiple_of is not None:
        yield Untranslated(f"{field.name}.{Reason.NOT_A_MULTIPLE}", "no expectation divides a value")
    if field.kind is Kind.TIME and _is_bounded(field):
        yield Untranslated(f"{field.name}.{Reason.IMPLAUSIBLE_TIME}", "times of day are texts of more than one length")


def _is_bounded(field: Field) -> bool:
    bounds = (field.lowest, field.highest, field.exclusive_minimum, field.exclusive_maximum)
    return any(bound is not None for bound in bounds)


def _columns(contract: Contract) -> Expectation:
    return Expectation(
        type="expect_table_columns_to_match_set",
        column=None,
        arguments={"column_set": list(contract.names), "exact_match": False},
        severity=Criticality.ERROR,
        rule="columns",
    )


def _key(contract: Contract) -> Iterator[Expectation]:
    """A key that stands twice only warns: no record breaks it by itself, and a source may send one again."""
    key, warn = contract.primary_key, Criticality.WARN
    if len(key) == 1:
        kind = "expect_column_values_to_be_unique"
        yield Expectation(type=kind, column=key[0], arguments={}, severity=warn, rule="primary_key")
    elif key:
        kind, columns = "expect_compound_columns_to_be_unique", {"column_list": list(key)}
        yield Expectation(type=kind, column=None, arguments=columns, severity=warn, rule="primary_key")


def _of_field(field: Field) -> Iterator[Expectation]:
    if field.required:
        yield _values(field, Reason.REQUIRED, "values_to_not_be_null", always=True)
    if field.kind.nested:
        return
    yield _values(
        field, Reason.WRONG_TYPE, "values_to_be_in_type_list", {"type_list": [_TYPES[field.kind]]}, always=True
    )
    if field.kind is not Kind.TIME:
        yield from _between(field)
    lengths = _given(min_value=field.min_length, max_value=field.max_length)
    if lengths:
        yield _values(field, Reason.LENGTH, "value_lengths_to_be_between", lengths)
    if field.pattern is not None and _is_pythons(field.pattern):
        yield _values(field, Reason.PATTERN, "values_to_match_regex", {"regex": _whole(field.pattern)})
    if field.kind is Kind.STRING and field.format is not None:
        yield _values(field, Reason.FORMAT, "values_to_match_regex", {"regex": _whole(_pythons(FORMATS[field.format]))})
    if field.allowed:
        yield _values(field, Reason.NOT_ALLOWED, "values_to_be_in_set", {"value_set": list(field.allowed)})


def _between(field: Field) -> Iterator[Expectation]:
    bounds = Reason.IMPLAUSIBLE_TIME if field.kind in TIMES else Reason.OUT_OF_RANGE
    if field.kind in (Kind.INTEGER, Kind.NUMBER) and field.format is not None:
        low, high = RANGES[field.format]
        yield _values(field, bounds, "values_to_be_between", {"min_value": low, "max_value": high})
    inclusive = _given(min_value=field.lowest, max_value=field.highest)
    exclusive = _given(min_value=field.exclusive_minimum, max_value=field.exclusive_maximum)
    if inclusive:
        yield _values(field, bounds, "values_to_be_between", inclusive)
    if exclusive:
        strict = {
            name.replace("min_value", "strict_min").replace("max_value", "strict_max"): True for name in exclusive
        }
        yield _values(field, bounds, "values_to_be_between", exclusive | strict)


def _values(
    field: Field, code: Reason, what: str, arguments: Mapping[str, Any] | None = None, *, always: bool = False
) -> Expectation:
    return Expectation(
        type=f"expect_column_{what}",
        column=field.name,
        arguments=arguments or {},
        severity=Criticality.ERROR if always else field.criticality,
        rule=f"{field.name}.{code}",
    )


def _given(**arguments: Any) -> dict[str, Any]:
    return {name: _in_utc(value) for name, value in arguments.items() if value is not None}


def _in_utc(value: Any) -> Any:
    """A time without its zone, as a frame holds it."""
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def _whole(pattern: str) -> str:
    r"""The pattern for the whole text, as Python writes it; (?a), for \d and \s are of ASCII in Java."""
    return rf"(?a)\A(?:{pattern})\Z"


def _pythons(pattern: str) -> str:
    r"""One of our own patterns as Python writes it, which has \Z for Java's \z."""
    return pattern.replace(r"\z", r"\Z")


def _is_pythons(pattern: str) -> bool:
    try:
        re.compile(_whole(pattern))
    except re.error:
        return False
    return True
