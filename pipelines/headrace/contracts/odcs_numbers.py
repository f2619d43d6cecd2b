"""A number in a contract file → a value that compares with a field's own values exactly, or a reason why none does."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import isinf

from headrace.contracts.model import Field, Kind
from headrace.documents import Node

__all__ = ["Number", "read_factor", "read_number", "read_value"]

Number = int | float | Decimal

_LEAST, _MOST = -(2**63), 2**63 - 1
# What a decimal of Spark's holds; to compare two it makes both of one type, which has to have room for each.
_DIGITS = 38


def read_number(node: Node, field: Field) -> Number:
    """The number as the field's values are: a whole one of 64 bits, a double, or a decimal with every digit.

    Raises ``ValueError`` saying what it must be. No number is rounded: a double is taken where it is the number, or
    where the number is how a double is usually written, as 0.1 is.
    """
    exact = node.number
    if exact is None:
        raise ValueError("must be a number, not text" if isinstance(node.value, str) else "must be a number")
    match field.kind:
        case Kind.INTEGER:
            return _integer(node)
        case Kind.DECIMAL:
            return _decimal(node, exact, field)
        case _:
            return _double(node, exact)


def read_value(node: Node, field: Field) -> Number:
    """A number that the field can have as a value. Raises ``ValueError`` saying what it must be."""
    number = read_number(node, field)
    unscaled = Fraction(number) * 10**field.scale
    if field.kind is Kind.DECIMAL and (unscaled.denominator != 1 or abs(unscaled) >= 10**field.precision):
        raise ValueError(f"must be a decimal({field.precision},{field.scale}) itself")
    return number


def read_factor(node: Node, field: Field) -> Number:
    """The number that others are multiples of. Raises ``ValueError`` where their rest could not be told exactly."""
    factor = read_value(node, field)
    if factor <= 0:
        raise ValueError("must be more than 0")
    if field.kind is Kind.NUMBER and Decimal(factor) != node.number:
        raise ValueError("is no number a double can hold: add physicalType: decimal(p,s), which is exact")
    return factor


def _integer(node: Node) -> int:
    whole = node.whole
    if whole is None or not _LEAST <= whole <= _MOST:
        raise ValueError("must be a whole number of 64 bits")
    return whole


def _double(node: Node, exact: Decimal) -> int | float:
    double = float(exact)
    if isinf(double):
        raise ValueError("is beyond what a double holds: add physicalType: decimal(p,s)")
    if exact not in (Decimal(double), Decimal(repr(double))):
        raise ValueError(f"has more digits than a double holds: write {double!r}, or add physicalType: decimal(p,s)")
    if isinstance(node.value, int) and _LEAST <= node.value <= _MOST:
        return node.value
    return double + 0.0  # which makes a plain zero of -0.0


def _decimal(node: Node, exact: Decimal, field: Field) -> Decimal:
    # What is equal is written in one way, for the fingerprint of the contract is made of it.
    ways = (Decimal(str(node.value)), Decimal(node.whole or 0), exact)
    number = next(way for way in ways if way == exact)
    before = max(number.adjusted() + 1, field.precision - field.scale)
    behind = max(0 if node.whole is not None else -int(number.as_tuple().exponent), field.scale)
    if before + behind > _DIGITS:
        own = f"decimal({field.precision},{field.scale})"
        raise ValueError(
            f"has too many digits to compare with a {own}: {before} before the point and {behind} behind it are more "
            f"than {_DIGITS}"
        )
    return number.copy_abs() if number.is_zero() else number
