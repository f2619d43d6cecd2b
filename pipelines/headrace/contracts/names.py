"""Which names a field of a record can have, so that it can be a column of the signal's table."""

from __future__ import annotations

from typing import Final

from headrace.tables import signals

__all__ = ["FIELD_NAME", "TAKEN"]

FIELD_NAME: Final = r"[A-Za-z][A-Za-z0-9_]{0,127}"
"""A regular expression, for Python and the JVM alike."""

TAKEN: Final = frozenset(
    {*(name.casefold() for name in signals("", ()).names), "envelope", "reasons", "attempt", "outcome"}
)
"""Columns of the table that are no fields, and those a record has beside its fields on the way there, in lower case."""
