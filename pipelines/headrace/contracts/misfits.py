"""Whether two versions of a contract can share a table."""

from __future__ import annotations

from collections.abc import Iterator

from headrace.contracts.model import Contract, Field, Kind

__all__ = ["misfits"]


def misfits(contract: Contract, former: Contract) -> Iterator[str]:
    """Why the former contract cannot be in force beside the other, in words."""
    if former.version == contract.version:
        yield f"has version {former.version} too: rows could not tell which accepted them"
    there = {field.name.casefold(): field for field in contract.fields}
    named = {field.member: field.name for field in contract.fields}
    for field in former.fields:
        other = there.get(field.name.casefold(), field)
        if other.name != field.name:
            yield f"has {field.name}, which differs from {other.name} only in upper and lower case"
        elif _type(other) != _type(field):
            yield f"has {field.name} as {_type(field)}, not {_type(other)}: give the new field another name"
        name = named.get(field.member, field.name)
        if name.casefold() != field.name.casefold():
            yield f"reads the member {field.member} as {field.name}, not as {name}: give it one name in both"
    for name in contract.primary_key:
        if name not in former.names:
            yield f"has no {name}, which is in the primary key"


def _type(field: Field) -> str:
    """What decides about the type of its column."""
    if field.kind is Kind.DECIMAL:
        return f"decimal({field.precision},{field.scale})"
    if field.items:
        return f"array of {_type(field.items)}"
    members = ", ".join(f"{member.name}: {_type(member)}" for member in field.members)
    return f"object ({members})" if members else field.kind.value
