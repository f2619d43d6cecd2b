"""Checks of a record: each is a condition that is true where the record breaks the contract, and names the field."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from headrace.contracts.model import Criticality, Field
from headrace.contracts.reasons import Reason
from headrace.contracts.types import typed
from headrace.contracts.value_tests import Fails, ValueTest, value_tests

__all__ = ["Check", "value_checks"]

Each = Callable[[Fails], Column]
"""A condition on one value → the same on the record, which has one such value or, in arrays, many."""

# How much of a value a reason shows.
SHOWN = 80


@dataclass(frozen=True, slots=True)
class Check:
    """A condition, true where it fails, and what failing means. ``found``: what was there instead, as text."""

    fails: Column
    code: Reason
    field: str | None
    criticality: Criticality
    rule: str | None = None
    message: str | None = None
    found: Column | None = None


def value_checks(field: Field, sent: Column, value: Column) -> Iterator[Check]:
    """Every check of one field, and of what is nested in it.

    ``sent`` is its value as it was read (times as they were sent), ``value`` typed.
    """

    def here(asked: Fails) -> Column:
        return asked(sent, value)

    for part, path, anywhere, first in _places(field, field.name, here, here):
        for test in value_tests(part):
            shown = _found(test)
            yield Check(
                fails=F.coalesce(anywhere(test.fails), F.lit(False)),
                code=test.code,
                field=path,
                criticality=Criticality.ERROR if test.always else part.criticality,
                message=test.message,
                found=first(shown) if shown else None,
            )


def _found(test: ValueTest) -> Fails | None:
    """What a reason shows, where the test fails: the value as text."""
    if test.shown:
        return lambda sent, value: F.when(test.fails(sent, value), F.substring(value.cast("string"), 1, SHOWN))
    return None


def _places(field: Field, path: str, anywhere: Each, first: Each) -> Iterator[tuple[Field, str, Each, Each]]:
    """The field, its members or items, and theirs, each with its path and with two looks at all of its values.

    anywhere: whether what is asked of a value is true of one. first: what it gives for the first it gives anything for.
    """
    yield field, path, anywhere, first
    for member in field.members:
        inner = f"{path}.{member.name}"
        yield from _places(member, inner, _of_member(member, anywhere), _of_member(member, first))
    if field.items:
        inner = f"{path}[]"
        yield from _places(field.items, inner, _any_item(field.items, anywhere), _first_item(field.items, first))


def _of_member(member: Field, outer: Each) -> Each:
    def of(asked: Fails, sent: Column, value: Column) -> Column:
        return F.when(sent.isNotNull(), asked(sent.getField(member.name), value.getField(member.name)))

    return lambda asked: outer(lambda sent, value: of(asked, sent, value))


def _any_item(items: Field, outer: Each) -> Each:
    return lambda asked: outer(lambda sent, _: F.exists(sent, lambda one: asked(one, typed(items, one))))


def _first_item(items: Field, outer: Each) -> Each:
    def first(asked: Fails, sent: Column) -> Column:
        given = F.transform(sent, lambda one: asked(one, typed(items, one)))
        return F.get(F.array_compact(given), F.lit(0))

    return lambda asked: outer(lambda sent, _: first(asked, sent))
