"""Regular expressions that come from a file: which are safe to hand to the JVM.

A pattern runs on every record, in Java. So it must mean in Java what it says here, and must not take exponential time.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field

__all__ = ["pattern_mistake"]

LONGEST = 500
MOST_REPEATS = 1_000
# In how many ways a group may be matched that is repeated a few times.
MOST_WAYS = 100_000

_UNICODE = re.compile(r"\\[pP]\{(?:Is)?(?:L[ulmto]?|M|N[dlo]?|P|S|Z[s]?|C|Alpha|Digit|Alnum|Upper|Lower|Punct|Space)\}")
# Each either fails in Java, means something else there, or can take exponential time.
_REFUSED = (
    (re.compile(r"\(\?P"), "a group is named (?<name>…) in Java, not (?P<name>…); it needs no name here"),
    (re.compile(r"\(\?#"), "a comment is not known to Java"),
    (re.compile(r"\(\?\("), "a conditional group is not known to Java"),
    (re.compile(r"\(\?[a-zA-Z-]*[aLu]"), "of inline flags only i, m, s and x are known"),
    (re.compile(r"\\[1-9]"), "a reference back to a group can take exponential time"),
    (re.compile(r"\\[0ZzUNGRXQEhHVvpPk]"), "this escape differs between regular expressions: write the characters"),
    (re.compile(r"\{,"), "write {0,n}: Java does not know {,n}"),
    (re.compile(r"\{(?!\d+(?:,\d*)?\})"), r"a { that is no repetition is written \{"),
)
# Java, or a later Python, reads these as operations on classes.
_NOT_IN_CLASS = ("&&", "||", "~~", "--", r"\b")
_REPEAT = re.compile(r"(?P<simple>[*+?])|\{(?P<least>\d+)(?P<range>,(?P<most>\d*))?\}")
_TOKEN = re.compile(
    r"\\.|\[\^?(?:\\.|[^\]\\])*\]|\(\?[imsx-]+\)|\((?:\?(?:[:=!>]|<[=!]|[imsx-]+:))?|\)|[*+?]|\{\d+(?:,\d*)?\}|.",
    re.DOTALL,
)
_OPENING = re.compile(r"\((?!.*\)).*")
_LITERAL = re.compile(r"[^\\.^$(\[]|\\[^a-zA-Z0-9]")
_INNER_REPEAT = "has a repetition inside a repetition, which can take exponential time: as in (a+)+"
_INNER_CHOICE = (
    "has a choice inside a repetition, which can take exponential time: as in (a|aa)+; "
    "let each branch begin with a character of its own, or write one class [...]"
)


def pattern_mistake(pattern: str) -> str | None:
    """What is wrong with a pattern, or None if it is safe.

    Guarantees of a pattern that passes: Java compiles it to the same meaning, and each round of a repetition can match
    in one way only, so none takes exponential time. Not guaranteed: that it is fast, as neighbours may still overlap.
    """
    if len(pattern) > LONGEST:
        return f"is longer than {LONGEST} characters"
    plain = _UNICODE.sub(r"\\w", pattern)
    tokens = _TOKEN.findall(plain)
    return _syntax(plain, tokens) or _repeats(tokens)


def _syntax(plain: str, tokens: list[str]) -> str | None:
    outside = "".join("_" if token in (r"\\", r"\{") or token.startswith("[") else token for token in tokens)
    classes = [token for token in tokens if len(token) > 1 and token.startswith("[")]
    for refused, why in _REFUSED:
        if refused.search(outside) or (refused.pattern.startswith(r"\\") and any(map(refused.search, classes))):
            return why
    for each in classes:
        inner = each.removeprefix("[").removeprefix("^")[:-1]
        if not inner or "[" in inner.replace(r"\[", "") or any(sign in inner for sign in _NOT_IN_CLASS):
            return "a class [...] holds plain characters only: escape [ and ], write no &&, ||, ~~, -- and no \\b"
    return _uncompilable(plain)


def _uncompilable(pattern: str) -> str | None:
    try:
        with warnings.catch_warnings():
            # Warned of is what another language, and Java is one, reads as a set within a set.
            warnings.simplefilter("error", FutureWarning)
            re.compile(pattern)
    except (re.error, FutureWarning, OverflowError, RecursionError) as error:
        return f"is no regular expression: {error}"
    return None


@dataclass(slots=True)
class _Group:
    """What was seen of a group: whether a part of it may repeat or be left out, how each branch begins.

    ways: a bound of how many ways there are to match it.
    """

    varies: bool = False
    ways: int = 1
    branches: list[str] = field(default_factory=lambda: [""])

    def begin(self, token: str) -> None:
        self.branches[-1] = self.branches[-1] or token

    def if_repeated(self) -> str | None:
        """Why the group must not repeat; None if each of its rounds can match in one way only."""
        if self.varies:
            return _INNER_REPEAT
        first = {each.removeprefix("\\").casefold() for each in self.branches if _LITERAL.fullmatch(each)}
        return None if len(self.branches) == 1 or len(first) == len(self.branches) else _INNER_CHOICE


def _repeats(tokens: list[str]) -> str | None:
    """Walk the groups; remember for each whether what is inside may match in more than one way."""
    groups = [_Group()]
    last: str | None = None
    ways = 1
    for token in tokens:
        repeat = _REPEAT.fullmatch(token)
        if _OPENING.fullmatch(token):
            groups[-1].begin(token)
            groups.append(_Group())
        elif token == ")" and len(groups) > 1:
            closed = groups.pop()
            last, ways = closed.if_repeated(), closed.ways
            groups[-1].varies = groups[-1].varies or last is not None
            groups[-1].ways = min(groups[-1].ways * ways, _UNBOUNDED)
        elif token == "|":
            groups[-1].branches.append("")
        elif repeat is None:
            groups[-1].begin(token)
            last, ways = None, 1
        else:
            least, most = _bounds(repeat)
            if most > MOST_REPEATS and most != _UNBOUNDED:
                return f"repeats more than {MOST_REPEATS} times"
            if last is not None and (most > 10 or ways**most > MOST_WAYS):
                return last
            each = min(most - least + 1, _OFTEN)
            groups[-1].ways = min(groups[-1].ways * ways ** max(most - 1, 0) * each, _UNBOUNDED)
            groups[-1].varies = groups[-1].varies or least != most
            last = _INNER_REPEAT if most == _UNBOUNDED else last
    return None


_UNBOUNDED = 1_000_000
# For how many ways a repetition counts at most, one without end among them.
_OFTEN = 100


def _bounds(repeat: re.Match[str]) -> tuple[int, int]:
    if repeat["simple"]:
        return {"*": (0, _UNBOUNDED), "+": (1, _UNBOUNDED), "?": (0, 1)}[repeat["simple"]]
    least = int(repeat["least"])
    if repeat["range"] is None:
        return least, least
    return least, int(repeat["most"]) if repeat["most"] else _UNBOUNDED
