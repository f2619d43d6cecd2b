"""Fields called like a word of SQL: which of them an expression has to name in backticks."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

__all__ = ["words_for_backticks"]

# Each try parses the text again, and a text can be made to be slow to parse.
_MOST_WORDS = 8
_QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`"


def words_for_backticks(text: str, fields: Collection[str], is_understood: Callable[[str], bool]) -> tuple[str, ...]:
    """The names of fields, or of members in their paths, that make the text understood once they are in backticks.

    Nothing where none are what is wrong with it. ``is_understood``: whether a text is an expression.
    """
    bare = set(re.findall(r"\w+", re.sub(_QUOTED, " ", text)))
    words = sorted(bare & {part for path in fields for part in path.split(".")})
    if not 0 < len(words) <= _MOST_WORDS or not is_understood(_quoted(text, words)):
        return ()
    for word in words.copy():
        fewer = [other for other in words if other != word]
        if is_understood(_quoted(text, fewer)):
            words = fewer
    return tuple(words)


def _quoted(text: str, words: Collection[str]) -> str:
    """The text with these words in backticks, where they stand outside of texts and names."""
    return re.sub(rf"{_QUOTED}|\w+", lambda found: f"`{found[0]}`" if found[0] in words else found[0], text)
