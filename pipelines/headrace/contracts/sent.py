"""What a value was sent as, seen by the strict parser: a check for each value, wherever it stands in the record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from headrace.contracts.checks import Check
from headrace.contracts.model import Criticality, Field, Kind
from headrace.contracts.reasons import Reason
from headrace.contracts.types import NUMBER_TEXT, WHOLE_TEXT

__all__ = ["Each", "Fails", "check", "json_kind", "member_checks", "members_type"]

Fails = Callable[[Column], Column]
"""A condition on one value, a variant."""
Each = Callable[[Fails], Column]
"""A condition on one value → the same on the record, which has one such value or, in arrays, many."""

_NUMBER: Final = r"BIGINT|DOUBLE|DECIMAL\(\d+,\d+\)"
_BEYOND: Final = r"DECIMAL\((?:19|[23]\d),0\)"
_SENT: Final = {Kind.INTEGER: "BIGINT", Kind.NUMBER: _NUMBER, Kind.BOOLEAN: "BOOLEAN"}


def members_type(fields: Sequence[Field]) -> str:
    """A regular expression: the type of an object that has none but these members, each sent as its own type.

    An array has one type for all of its items; where they are of several, it is one that no field has.
    """
    by_name = sorted(fields, key=lambda field: field.name.encode())
    members = "".join(f"(?:{field.name}: (?:{_type(field)}|VOID)(?:, |(?=>)))?" for field in by_name)
    return f"OBJECT<{members}>"


def json_kind(sent: Column) -> Column:
    """A type as ``schema_of_variant`` names it, in the words of contracts."""
    word = F.lower(F.regexp_extract(sent, "^[A-Z]+", 0))
    return F.when(word == "bigint", "integer").when(word.isin("double", "decimal"), "number").otherwise(word)


def member_checks(fields: Sequence[Field], path: str, anywhere: Each, first: Each) -> Iterator[Check]:
    """Why the members of an object are not those of the contract. ``path`` is what stands before their names.

    anywhere: whether what is asked of an object is true of one. first: what it gives for the first it gives anything
    for.
    """
    for field in fields:
        inner = path + field.name
        yield check(anywhere(_in_other_case(field.name)), Reason.WRONG_CASE, inner)
        yield from _checks(field, inner, _of_member(field.name, anywhere), _of_member(field.name, first))
        if field.required:
            yield check(anywhere(_without(field.name)), Reason.REQUIRED, inner)


def check(fails: Column, code: Reason, field: str | None = None, *, found: Column | None = None) -> Check:
    """A check that always rejects."""
    fails = F.coalesce(fails, F.lit(False))
    return Check(fails=fails, code=code, field=field, criticality=Criticality.ERROR, found=found)


def _checks(field: Field, path: str, anywhere: Each, first: Each) -> Iterator[Check]:
    for code, fails in _wrongs(field):
        found = first(_failing(fails)) if code is Reason.WRONG_TYPE else None
        yield check(anywhere(fails), code, path, found=found)
    yield from member_checks(field.members, f"{path}.", anywhere, first)
    if field.items:
        any_item = _any_item(anywhere)
        yield from _checks(field.items, f"{path}[]", any_item, _first_item(first))
        if field.items.required:
            yield check(any_item(lambda one: F.schema_of_variant(one) == "VOID"), Reason.REQUIRED, f"{path}[]")


def _failing(fails: Fails) -> Fails:
    """What was sent, where the condition is true."""
    return lambda value: F.when(fails(value), json_kind(F.schema_of_variant(value)))


def _member(of: Column, name: str) -> Column:
    return F.try_variant_get(of, f"$.{name}", "variant")


def _of_member(name: str, outer: Each) -> Each:
    return lambda asked: outer(lambda value: asked(_member(value, name)))


def _listed(value: Column) -> Column:
    return F.try_variant_get(value, "$", "array<variant>")


def _any_item(outer: Each) -> Each:
    return lambda asked: outer(lambda value: F.exists(_listed(value), asked))


def _first_item(outer: Each) -> Each:
    def first(asked: Fails, value: Column) -> Column:
        return F.get(F.array_compact(F.transform(_listed(value), asked)), F.lit(0))

    return lambda asked: outer(lambda value: first(asked, value))


def _in_other_case(name: str) -> Fails:
    def keys(value: Column) -> Column:
        return F.map_keys(F.try_variant_get(value, "$", "map<string,variant>"))

    return lambda value: F.exists(keys(value), lambda key: (F.lower(key) == name.lower()) & (key != name))


def _without(name: str) -> Fails:
    def absent(value: Column) -> Column:
        return F.coalesce(F.schema_of_variant(_member(value, name)), F.lit("VOID")) == "VOID"

    return lambda value: F.schema_of_variant(value).startswith("OBJECT<") & absent(value)


def _wrongs(field: Field) -> Iterator[tuple[Reason, Fails]]:
    if field.kind is Kind.DECIMAL:
        yield from _wrong_decimals(field)
    elif field.kind is Kind.INTEGER:
        yield Reason.OUT_OF_RANGE, lambda value: F.schema_of_variant(value).rlike(rf"\A{_BEYOND}\z")
        yield Reason.WRONG_TYPE, _is_not(rf"{_shallow(field)}|{_BEYOND}")
    else:
        yield Reason.WRONG_TYPE, _is_not(_shallow(field))


def _is_not(type_: str) -> Fails:
    return lambda value: ~F.schema_of_variant(value).rlike(rf"(?s)\A(?:{type_}|VOID)\z")


def _wrong_decimals(field: Field) -> Iterator[tuple[Reason, Fails]]:
    """Also asked here: whether it is too large, for ``from_json`` then says no more than that it could not read it."""
    of_number = rf"\A(?:{_type(field)})\z"
    of_text = rf"\A{WHOLE_TEXT}(?:\.(?=\d)\d{{0,{field.scale}}}0*)?\z"

    def in_quotes(value: Column, form: str) -> Column:
        text = F.schema_of_variant(value) == "STRING"
        return text & F.try_variant_get(value, "$", "string").rlike(form) if field.coerce else F.lit(False)

    def exact(value: Column) -> Column:
        return F.schema_of_variant(value).rlike(of_number) | in_quotes(value, of_text)

    def number(value: Column) -> Column:
        return F.schema_of_variant(value).rlike(rf"\A(?:{_NUMBER})\z") | in_quotes(value, rf"\A{NUMBER_TEXT}\z")

    ddl = f"decimal({field.precision},{field.scale})"

    def beyond(value: Column) -> Column:
        return number(value) & F.try_variant_get(value, "$", ddl).isNull()

    yield Reason.OUT_OF_RANGE, beyond
    yield Reason.INEXACT_DECIMAL, lambda value: number(value) & ~exact(value) & ~beyond(value)
    yield Reason.WRONG_TYPE, lambda value: ~number(value) & (F.schema_of_variant(value) != "VOID")


def _type(field: Field) -> str:
    """A regular expression: the type of a value of the field, with all that is in it."""
    match field.kind:
        case Kind.OBJECT:
            return members_type(field.members)
        case Kind.DECIMAL:
            return rf"BIGINT|DECIMAL\(\d+,(?:{'|'.join(str(scale) for scale in range(field.scale + 1))})\)"
        case _ if field.items:
            return f"ARRAY<(?:{_type(field.items)}|VOID)>"
        case _:
            return _SENT.get(field.kind, "STRING") + ("|STRING" if field.coerce else "")


def _shallow(field: Field) -> str:
    """The same without what is in it, which has checks of its own."""
    return {Kind.OBJECT: "OBJECT<.*>", Kind.ARRAY: "ARRAY<.*>"}.get(field.kind) or _type(field)
