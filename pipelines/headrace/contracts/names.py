"""Which names a field of a record can have, so that it can be a column of the signal's table."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection
from typing import Final

from headrace.tables import signals

__all__ = ["FIELD_NAME", "LONGEST_MEMBER", "TAKEN", "is_field_name", "member_mistake", "name_for", "yaml_text"]

FIELD_NAME: Final = r"[A-Za-z][A-Za-z0-9_]{0,127}"
"""A regular expression, for Python and the JVM alike."""

TAKEN: Final = frozenset(
    {*(name.casefold() for name in signals("", ()).names), "envelope", "reasons", "attempt", "outcome"}
)
"""Columns of the table that are no fields, and those a record has beside its fields on the way there, in lower case."""

LONGEST_MEMBER: Final = 256

_LONGEST_PROPOSED = 100
_NAME: Final = re.compile(FIELD_NAME)
# Words that YAML, of whichever version, reads as no text.
_OTHER_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def is_field_name(name: str, *, outermost: bool) -> bool:
    """Whether a field can have the name; ``outermost``: a field of the record, which is a column of the table."""
    return bool(_NAME.fullmatch(name)) and not (outermost and name.casefold() in TAKEN)


def name_for(member: str, *, outermost: bool, others: Collection[str] = ()) -> str:
    """A name for a field that is sent as that member: itself where it can be, else the one most like it.

    others: names of fields beside it, in lower case.
    """
    if is_field_name(member, outermost=outermost) and member.casefold() not in others:
        return member
    letters = unicodedata.normalize("NFKD", member).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9]+", "_", letters).strip("_")[:_LONGEST_PROPOSED]
    name = plain if plain[:1].isalpha() else f"field_{plain}".rstrip("_")
    if outermost and name.casefold() in TAKEN:
        name = f"sent_{name}"
    numbered = (f"{name}_{number}" for number in range(2, len(others) + 3))
    return name if name.casefold() not in others else next(each for each in numbered if each.casefold() not in others)


def member_mistake(member: str) -> str:
    """Why a text can be no member of a record that a contract names; nothing if it can."""
    if not member:
        return "must not be empty"
    if len(member) > LONGEST_MEMBER or not member.isprintable():
        return f"must be printable, and {LONGEST_MEMBER} characters at most"
    return ""


def yaml_text(text: str) -> str:
    """A text as YAML writes it, in quotes where it would be read as something else without."""
    is_plain = _NAME.fullmatch(text) and text.casefold() not in _OTHER_WORDS
    return text if is_plain else json.dumps(text, ensure_ascii=False)
