"""A rule over several fields, said as demands on one column in those rows where other comparisons do not hold.

A null makes a comparison neither true nor false. So only what cannot be null in such a row may stand in its condition,
and what is demanded of a value includes that there is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headrace.contracts.clauses import Atom, Clause, clauses, negated
from headrace.contracts.model import Contract, Kind, Rule

__all__ = ["Demand", "demands"]

_MEMBERSHIP = {"==": "be_in_set", "IN": "be_in_set", "!=": "not_be_in_set", "NOT_IN": "not_be_in_set"}


@dataclass(frozen=True, slots=True)
class Demand:
    """An expectation by its name in Great Expectations, its column if it has just one, and its other arguments."""

    type: str
    column: str | None
    arguments: Mapping[str, Any]


def demands(rule: Rule, contract: Contract) -> tuple[Demand, ...]:
    """What the rule demands. Of records whose required fields are there, those that break it break one of these.

    Raises ``ValueError`` saying what of the rule no standard expectation can say.
    """
    required = {field.name for field in contract.fields if field.required}
    found = clauses(rule.expression)
    for atom in (atom for clause in found for atom in clause):
        if isinstance(atom.value, float) and contract.field(atom.column).kind is Kind.DECIMAL:
            raise ValueError(f"compares the decimal {atom.column} with a fraction, which Python does in another way")
    return tuple(demand for clause in found for demand in _demanded(clause, required))


def _demanded(clause: Clause, required: set[str]) -> Iterator[Demand]:
    """The last atom that can be demanded, in the rows where none of the others is true."""
    for atom in reversed(clause):
        conditions = [negated(other) for other in clause if other is not atom]
        certain = required | {each.column for each in conditions if each.sign == "NOT NULL"}
        if all(each.other is None and (each.tests_null or each.column in certain) for each in conditions):
            break
    else:
        raise ValueError("chooses between comparisons of what may be null")
    columns = [] if atom.tests_null else [name for name in (atom.column, atom.other) if name]
    for column in columns:
        if column not in certain:
            yield Demand("expect_column_values_to_not_be_null", column, _where(conditions))
    # That a column is null where it may be needs no condition: what is demanded of its values lets a null pass.
    yield _demand(atom, _where([each for each in conditions if each.sign != "NOT NULL" or each.column not in columns]))


def _demand(atom: Atom, where: dict[str, Any]) -> Demand:
    if atom.other is not None:
        return _pair(atom, where)
    arguments: dict[str, Any]
    match atom.sign:
        case "==" | "!=":
            what, arguments = _MEMBERSHIP[atom.sign], {"value_set": [atom.value]}
        case "IN" | "NOT_IN":
            what, arguments = _MEMBERSHIP[atom.sign], {"value_set": list(atom.value)}
        case "NULL" | "NOT NULL":
            what, arguments = "be_null" if atom.sign == "NULL" else "not_be_null", {}
        case sign:
            end = "min" if sign.startswith(">") else "max"
            strict = {} if sign.endswith("=") else {f"strict_{end}": True}
            what, arguments = "be_between", {f"{end}_value": atom.value, **strict}
    return Demand(f"expect_column_values_to_{what}", atom.column, arguments | where)


def _pair(atom: Atom, where: dict[str, Any]) -> Demand:
    first, second = (atom.column, atom.other) if atom.sign.startswith((">", "==")) else (atom.other, atom.column)
    arguments: dict[str, Any] = {"column_A": first, "column_B": second, "ignore_row_if": "either_value_is_missing"}
    if atom.sign == "!=":
        raise ValueError(f"wants {atom.column} and {atom.other} to differ, for which there is no expectation")
    if atom.sign == "==":
        return Demand("expect_column_pair_values_to_be_equal", None, arguments | where)
    arguments |= {"or_equal": True} if atom.sign.endswith("=") else {}
    return Demand("expect_column_pair_values_a_to_be_greater_than_b", None, arguments | where)


def _where(conditions: Sequence[Atom]) -> dict[str, Any]:
    said = [_condition(each) for each in conditions]
    if len(said) < 2:
        return {"row_condition": said[0]} if said else {}
    return {"row_condition": {"type": "and", "conditions": said}}


def _condition(atom: Atom) -> Mapping[str, Any]:
    column = {"name": atom.column}
    if atom.tests_null:
        return {"type": "nullity", "column": column, "is_null": atom.sign == "NULL"}
    value = list(atom.value) if isinstance(atom.value, tuple) else atom.value
    return {"type": "comparison", "column": column, "operator": atom.sign, "parameter": value}
