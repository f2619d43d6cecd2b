"""The types of what a feature set computes, in Spark's DDL."""

from __future__ import annotations

from headrace.features.feature import Derived, Feature, Op

__all__ = ["derived_type", "feature_type"]

# A sum of decimals has so many digits more than they have, up to the 38 there can be.
_MORE_DIGITS = 10


def feature_type(feature: Feature, field_type: str | None) -> str:
    """The DDL type of a feature, given that of the field or expression it is taken of."""
    match feature.op:
        case Op.COUNT | Op.APPROX_DISTINCT:
            return "BIGINT"
        case Op.SUM if field_type and field_type.startswith("DECIMAL"):
            precision, scale = (int(size) for size in field_type.removeprefix("DECIMAL(").removesuffix(")").split(","))
            return f"DECIMAL({min(precision + _MORE_DIGITS, 38)},{scale})"
        case Op.SUM | Op.MIN | Op.MAX | Op.FIRST | Op.LAST:
            return field_type or "BIGINT"
        case _:
            return "DOUBLE"


def derived_type(derived: Derived) -> str:
    """The DDL type of a derived value."""
    return "BOOLEAN" if derived.kind == "condition" else "DOUBLE"
