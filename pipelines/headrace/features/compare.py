"""Two computations of the same values, held against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

__all__ = ["TOLERANCE", "Compared", "compared", "differs"]

# Sums of DOUBLE depend on the order of their terms in the last digits.
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One column of one table held against what it should be.

    rows: how many were compared. differ: how many are not what they should be. example: one of those, in words.
    """

    table: str
    column: str
    rows: int
    differ: int
    example: str = ""


def differs(left: Column, right: Column, type_: str) -> Column:
    """True where two values are not the same: DOUBLEs by more than ``TOLERANCE`` of the greater; null equals null."""
    if type_ != "DOUBLE":
        return ~left.eqNullSafe(right)
    apart = F.abs(left - right) > TOLERANCE * F.greatest(F.abs(left), F.abs(right))
    return ~left.eqNullSafe(right) & F.coalesce(apart, F.lit(True))


def compared(
    held: DataFrame, right: DataFrame, table: str, keys: Sequence[str], columns: Mapping[str, str], *, how: str
) -> list[Compared]:
    """Compare by key every column, by its type, of ``held`` with that of ``right``: a row may be on one side only.

    how: ``full_outer``, or ``left`` where ``right`` has rows that need not be held.
    """
    both = held.select(*keys, F.struct(*columns).alias("held")).join(
        right.select(*keys, F.struct(*columns).alias("right")), list(keys), how
    )
    sides = {"held": "is there and should not be", "right": "is not there"}
    missing = F.when(F.col("right").isNull(), F.lit(sides["held"])).when(F.col("held").isNull(), F.lit(sides["right"]))
    found = {name: missing.isNull() & differs(*_sides(name), type_) for name, type_ in columns.items()}
    said = {
        name: F.concat(F.lit("is "), _text(f"held.{name}"), F.lit(", should be "), _text(f"right.{name}"))
        for name in columns
    }
    where = F.concat_ws(", ", *[F.concat(F.lit(f"{key} "), _text(key)) for key in keys])
    row = both.agg(
        F.count(F.lit(1)).alias("rows"),
        F.count_if(missing.isNotNull()).alias("missing"),
        F.min(F.concat(where, F.lit(" "), missing)).alias("one_missing"),
        *[F.count_if(condition).alias(f"differ_{name}") for name, condition in found.items()],
        *[
            F.min(F.when(condition, F.concat(where, F.lit(": "), said[name]))).alias(f"example_{name}")
            for name, condition in found.items()
        ],
    ).first()
    assert row is not None, "an aggregate of all rows is a row"
    there = row["rows"] - row["missing"]
    counts = {name: (there, row[f"differ_{name}"], row[f"example_{name}"]) for name in columns}
    return [
        Compared(table=table, column=name, rows=rows, differ=differ, example=example or "")
        for name, (rows, differ, example) in {
            "rows": (row["rows"], row["missing"], row["one_missing"]),
            **counts,
        }.items()
    ]


def _sides(name: str) -> tuple[Column, Column]:
    return F.col(f"held.{name}"), F.col(f"right.{name}")


def _text(name: str) -> Column:
    return F.coalesce(F.col(name).cast("string"), F.lit("null"))
