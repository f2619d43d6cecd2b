"""What a value was sent as, seen by the strict parser: a check for each value, wherever it stands in the record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from headrace.contracts.checks import Check
from headrace.contracts.model import Criticality, Field, Kind
from headrace.contracts.reasons import Reason
from headrace.contracts.types import NUMBER_TEXT, WHOLE_TEXT

__all__ = ["Sent", "check", "field_checks", "in_other_case", "members_type"]


@dataclass(frozen=True, slots=True)
class Sent:
    """A value: the type ``schema_of_variant`` names it with, null where there is none, and the value, a variant."""

    type: Column
    value: Column


Fails = Callable[[Sent], Column]
"""A condition on one value."""
Each = Callable[[Fails], Column]
"""A condition on one value → the same on the record, which has one such value or, in arrays, many."""

_NUMBER: Final = r"BIGINT|DOUBLE|DECIMAL\(\d+,\d+\)"
_BEYOND: Final = r"DECIMAL\((?:19|[23]\d),0\)"
_KINDS: Final = {
    "BIGINT": "integer",
    "DOUBLE": "number",
    "DECIMAL": "number",
    "STRING": "string",
    "BOOLEAN": "boolean",
    "OBJECT": "object",
    "ARRAY": "array",
}
_NEVER: Final = "(?!)"
_SENT: Final = {Kind.INTEGER: "BIGINT", Kind.NUMBER: _NUMBER, Kind.BOOLEAN: "BOOLEAN"}


def members_type(fields: Sequence[Field], *, complete: bool = False) -> str:
    """A regular expression: the type of an object that has none but these members, each sent as its own type.

    An array has one type for all of its items; where they are of several, it is one that no field has.
    complete: where a required value is missing, or may be, the type does not match.
    """
    members = ""
    for field in sorted(fields, key=lambda field: field.name.encode()):
        type_ = _type(field, complete=complete)
        there = f"{field.name}: (?:{type_})(?:, |(?=>))"
        members += f"(?:{there})" if complete and field.required else f"(?:{there}|{field.name}: VOID(?:, |(?=>)))?"
    return f"OBJECT<{members}>"


def field_checks(field: Field, sent: Sent) -> Iterator[Check]:
    """Why a field of the record, and what is nested in it, was not sent as the contract says."""

    def here(asked: Fails) -> Column:
        return asked(sent)

    def within(asked: Fails) -> Column:
        """What is nested has a look of its own for each check: spared where the type of the whole says all is well."""
        return F.when(_is_not(_type(field, complete=True))(sent), asked(sent))

    yield from _own_checks(field, field.name, here, here)
    yield from _inner_checks(field, field.name, within, within)


def check(fails: Column, code: Reason, field: str | None = None, *, found: Column | None = None) -> Check:
    """A check that always rejects."""
    fails = F.coalesce(fails, F.lit(False))
    return Check(fails=fails, code=code, field=field, criticality=Criticality.ERROR, found=found)


def in_other_case(name: str, keys: Column) -> Column:
    """Whether a name among these is this one, but for upper and lower case."""
    return F.exists(keys, lambda key: key.rlike(rf"(?iu)\A{name}\z") & (key != name))


def _own_checks(field: Field, path: str, anywhere: Each, first: Each) -> Iterator[Check]:
    """anywhere: whether what is asked of a value is true of one. first: what it gives for the first it gives anything
    for."""
    for code, fails in _wrongs(field):
        found = first(_failing(fails)) if code is Reason.WRONG_TYPE else None
        yield check(anywhere(fails), code, path, found=found)


def _inner_checks(field: Field, path: str, anywhere: Each, first: Each) -> Iterator[Check]:
    for member in field.members:
        inner = f"{path}.{member.name}"
        of_member, first_member = _of_member(member.name, anywhere), _of_member(member.name, first)
        yield check(anywhere(_in_other_case(member.name)), Reason.WRONG_CASE, inner)
        yield from _own_checks(member, inner, of_member, first_member)
        yield from _inner_checks(member, inner, of_member, first_member)
        if member.required:
            yield check(anywhere(_without(member.name)), Reason.REQUIRED, inner)
    if field.items:
        any_item, first_item = _any_item(anywhere), _first_item(first)
        yield from _own_checks(field.items, f"{path}[]", any_item, first_item)
        yield from _inner_checks(field.items, f"{path}[]", any_item, first_item)
        if field.items.required:
            yield check(any_item(lambda one: one.type == "VOID"), Reason.REQUIRED, f"{path}[]")


def _failing(fails: Fails) -> Fails:
    """What was sent, where the condition is true."""
    return lambda sent: F.when(fails(sent), _kind(sent.type))


def _kind(sent: Column) -> Column:
    """A type as ``schema_of_variant`` names it, in the words of contracts."""
    kinds = F.create_map(*[F.lit(word) for pair in _KINDS.items() for word in pair])
    return F.try_element_at(kinds, F.regexp_extract(sent, "^[A-Z]+", 0))


def _as_sent(value: Column) -> Sent:
    return Sent(F.schema_of_variant(value), value)


def _member(of: Sent, name: str) -> Sent:
    return _as_sent(F.try_variant_get(of.value, f"$.{name}", "variant"))


def _of_member(name: str, outer: Each) -> Each:
    return lambda asked: outer(lambda sent: asked(_member(sent, name)))


def _listed(sent: Sent) -> Column:
    return F.try_variant_get(sent.value, "$", "array<variant>")


def _any_item(outer: Each) -> Each:
    return lambda asked: outer(lambda sent: F.exists(_listed(sent), lambda one: asked(_as_sent(one))))


def _first_item(outer: Each) -> Each:
    def first(asked: Fails, sent: Sent) -> Column:
        return F.get(F.array_compact(F.transform(_listed(sent), lambda one: asked(_as_sent(one)))), F.lit(0))

    return lambda asked: outer(lambda sent: first(asked, sent))


def _in_other_case(name: str) -> Fails:
    def keys(sent: Sent) -> Column:
        return F.map_keys(F.try_variant_get(sent.value, "$", "map<string,variant>"))

    return lambda sent: in_other_case(name, keys(sent))


def _without(name: str) -> Fails:
    def absent(sent: Sent) -> Column:
        return F.coalesce(_member(sent, name).type, F.lit("VOID")) == "VOID"

    return lambda sent: sent.type.startswith("OBJECT<") & absent(sent)


def _wrongs(field: Field) -> Iterator[tuple[Reason, Fails]]:
    if field.kind is Kind.DECIMAL:
        yield from _wrong_decimals(field)
    elif field.kind is Kind.INTEGER:
        yield Reason.OUT_OF_RANGE, lambda sent: sent.type.startswith("D") & sent.type.rlike(rf"\A{_BEYOND}\z")
        yield Reason.WRONG_TYPE, _is_not(rf"{_shallow(field)}|{_BEYOND}")
    else:
        yield Reason.WRONG_TYPE, _is_not(_shallow(field))


def _is_not(type_: str) -> Fails:
    # What is usual is a word, and compared before there is a search.
    usual = type_.split("|")[0]
    return lambda sent: (sent.type != usual) & ~sent.type.rlike(rf"(?s)\A(?:{type_}|VOID)\z")


def _wrong_decimals(field: Field) -> Iterator[tuple[Reason, Fails]]:
    """Also asked here: whether it is too large, for ``from_json`` then says no more than that it could not read it."""
    of_number = rf"\A(?:{_type(field)})\z"
    of_text = rf"\A{WHOLE_TEXT}(?:\.(?=\d)\d{{0,{field.scale}}}0*)?\z"

    def in_quotes(sent: Sent, form: str) -> Column:
        if not field.coerce:
            return F.lit(False)
        return (sent.type == "STRING") & F.try_variant_get(sent.value, "$", "string").rlike(form)

    def exact(sent: Sent) -> Column:
        return sent.type.rlike(of_number) | in_quotes(sent, of_text)

    def number(sent: Sent) -> Column:
        return sent.type.rlike(rf"\A(?:{_NUMBER})\z") | in_quotes(sent, rf"\A{NUMBER_TEXT}\z")

    ddl = f"decimal({field.precision},{field.scale})"

    def beyond(sent: Sent) -> Column:
        return number(sent) & F.try_variant_get(sent.value, "$", ddl).isNull()

    yield Reason.OUT_OF_RANGE, beyond
    yield Reason.INEXACT_DECIMAL, lambda sent: number(sent) & ~exact(sent) & ~beyond(sent)
    yield Reason.WRONG_TYPE, lambda sent: ~number(sent) & (sent.type != "VOID")


def _type(field: Field, *, complete: bool = False) -> str:
    """A regular expression: the type of a value of the field, with all that is in it."""
    match field.kind:
        case Kind.OBJECT:
            return members_type(field.members, complete=complete)
        case Kind.DECIMAL:
            return rf"BIGINT|DECIMAL\(\d+,(?:{'|'.join(str(scale) for scale in range(field.scale + 1))})\)"
        case _ if field.items:
            # One item may lack what another has.
            return _NEVER if complete and _demands(field.items) else f"ARRAY<(?:{_type(field.items)}|VOID)>"
        case _:
            return _SENT.get(field.kind, "STRING") + ("|STRING" if field.coerce else "")


def _demands(field: Field) -> bool:
    return field.required or any(_demands(part) for part in field.inner)


def _shallow(field: Field) -> str:
    """The same without what is in it, which has checks of its own."""
    return {Kind.OBJECT: "OBJECT<.*>", Kind.ARRAY: "ARRAY<.*>"}.get(field.kind) or _type(field)
