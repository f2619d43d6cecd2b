"""From what the values of a key have in common to a field that takes all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from headrace.contracts.model import DEEPEST, EARLIEST, LATEST, Criticality, Field, Kind
from headrace.contracts.names import is_field_name, member_mistake, name_for
from headrace.contracts.values import Sent, Values

__all__ = ["ENOUGH", "counts", "fields_of", "remarks_of"]

# What fewer values show may be chance: no bound, list of values or key comes of it.
ENOUGH = 20


def fields_of(
    keys: Mapping[str, Values], of: int, left_out: list[str], *, path: str = "", level: int = 1
) -> list[Field]:
    """A field for each key of an object that came ``of`` times. What can be no field is added to ``left_out``.

    A key that can be no name is the ``physicalName`` of a field whose name is like it.
    """
    spelled = Counter(key.casefold() for key in keys)
    names = {key.casefold() for key in keys if is_field_name(key, outermost=level == 1)}
    fields: list[Field] = []
    for key, values in keys.items():
        why = member_mistake(key) if spelled[key.casefold()] == 1 else _TWIN
        if why:
            left_out.append(f"{(path + key)[:80]!r} {why}")
            continue
        name = key if key.casefold() in names else name_for(key, outermost=level == 1, others=names)
        found = _field(name, values, of, left_out, path + name, level)
        if found:
            names.add(name.casefold())
            fields.append(replace(found, physical_name="" if name == key else key))
    return fields


def remarks_of(fields: Sequence[Field], keys: Mapping[str, Values], of: int, *, path: str = "") -> dict[str, str]:
    """By path, what the checks of each field were taken from."""
    remarks: dict[str, str] = {}
    for each in fields:
        values, inner = keys[each.member], path + each.name
        absent = "" if each.required else f"absent or null in {of - values.sent.total():,} of {of:,}"
        remarks |= {inner: "; ".join(remark for remark in (absent, *_remarks(each, values)) if remark)}
        remarks |= _nested_remarks(each, values, inner)
    return remarks


def counts(values: Values) -> str:
    """What the values were sent as, and how often."""
    return ", ".join(f"{sent} ({count:,})" for sent, count in values.sent.most_common())


_TWIN = "also comes in other upper and lower case: a field is written in one way"


def _no_kind(values: Values) -> str:
    """Why values have no kind; nothing if they have."""
    if not values.sent:
        return "is null in every record: nothing tells its kind"
    if values.kind is None:
        return f"is sent as {counts(values)}: a field is of one kind"
    if not values.whole:
        return f"holds too many different keys, or more than {DEEPEST} levels: what is data belongs into values"
    if values.kind is Kind.ARRAY and not (values.items and values.items.sent):
        return "holds no value in any record: nothing tells what its items are"
    return ""


def _field(key: str, values: Values, of: int | None, left_out: list[str], path: str, level: int) -> Field | None:
    """The field; None if there can be none. ``of`` is None for what stands in an array, where a null is let pass."""
    kind, why = values.kind, _no_kind(values)
    members: list[Field] = []
    items: Field | None = None
    if not why and kind is Kind.OBJECT:
        members = fields_of(values.members, values.sent[Sent.OBJECT], left_out, path=f"{path}.", level=level + 1)
        why = "" if members else "holds no member that could be a field"
    elif not why and values.items:
        items = _field("", values.items, None, left_out, f"{path}[]", level + 1)
        why = "" if items else "holds nothing that could be a field"
    if why or kind is None:
        left_out.append(f"{path[:80]!r} {why}")
        return None
    count, texts = values.sent.total(), sorted(values.texts or ())
    few = len(texts) > 1 and count >= ENOUGH * len(texts)
    plausible = values.earliest >= EARLIEST and values.latest <= LATEST
    return Field(
        name=key,
        kind=kind,
        required=count == of,
        minimum=0 if kind in (Kind.INTEGER, Kind.NUMBER) and count >= ENOUGH and values.least >= 0 else None,
        allowed=tuple(texts) if few and kind is Kind.STRING else (),
        criticality=Criticality.ERROR if plausible or kind is not Kind.TIMESTAMP else Criticality.WARN,
        members=tuple(members),
        items=items,
    )


def _nested_remarks(each: Field, values: Values, path: str) -> dict[str, str]:
    remarks = remarks_of(each.members, values.members, values.sent[Sent.OBJECT], path=f"{path}.")
    if each.items and values.items:
        inner = f"{path}[]"
        remarks[inner] = "; ".join(_remarks(each.items, values.items))
        remarks |= _nested_remarks(each.items, values.items, inner)
    return remarks


def _remarks(each: Field, values: Values) -> Sequence[str]:
    count = values.sent.total()
    usual = {Kind.STRING: {Sent.TEXT}, Kind.NUMBER: {Sent.INTEGER, Sent.NUMBER}}.get(each.kind)
    remarks = (
        (each.minimum == 0, f"never below 0 in {count:,} values"),
        (each.allowed, f"no other in {count:,} values"),
        (each.criticality is Criticality.WARN, "sent before 1900 or after 2200 too: marked, not rejected"),
        (usual and set(values.sent) - usual, f"sent as {counts(values)}"),
    )
    return [remark for holds, remark in remarks if holds]
