"""From records to a contract they keep: a proposal to start from, not the agreement.

``parsed`` reads a line, a ``Sample`` gathers what its records have in common, ``propose`` makes a contract of that, and
``Proposal.text`` writes it as ODCS. What records show is taken over only where it may be a habit: a sample knows
neither the largest value nor the next one. Memory is bounded, whatever the records hold.
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from headrace.contracts.diff import EARLIEST, LATEST
from headrace.contracts.model import Contract, Criticality, Field, Kind
from headrace.contracts.odcs_field import read_field
from headrace.documents import Node, nearest
from headrace.errors import ConfigError, UsageError

__all__ = ["LONGEST_LINE", "Proposal", "Sample", "Unreadable", "parsed", "propose"]

LONGEST_LINE = 1024 * 1024
MOST_KEYS = 300
LONG_NUMBER = 1_000

# What fewer values show may be chance: no bound, list of values or key comes of it.
ENOUGH = 20
MOST_ALLOWED, LONGEST_ALLOWED = 12, 64
# Values kept, over all keys, to find out which keys are unique.
MOST_KEPT = 1_000_000

# Of the forms the judge reads only the common ones: whatever comes in another is proposed as text, which takes it.
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_WIDEST_ZONE = timedelta(hours=18)
_EPOCHS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC))
_IDENTIFIER = re.compile(r"(?:^|_)(?i:id|uuid|guid|key)$|[a-z](?:Id|ID)$")


class Unreadable(ValueError):
    """A line is no record. Its text is the reason it would have in ``dead_letters``."""


def parsed(line: bytes) -> dict[str, Any]:
    """The record in a line. Raises ``Unreadable`` where it would be rejected whatever its contract says."""
    if len(line) > LONGEST_LINE:
        raise Unreadable("too_large")
    try:
        text = line.decode()
        found = _JSON.decode(text)
        if "\\u" in text:
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        raise Unreadable("invalid_utf8") from None
    except UnicodeEncodeError:
        raise Unreadable("lone_surrogate") from None
    except RecursionError:
        raise Unreadable("too_deep") from None
    except json.JSONDecodeError as error:
        trailing = error.msg == "Extra data"
        raise Unreadable("trailing_content" if trailing else "malformed" if text.strip() else "empty") from None
    if not isinstance(found, dict):
        raise Unreadable("not_an_object")
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Unreadable("duplicate_key")
    return found


def _number(text: str) -> int | float:
    if len(text) >= LONG_NUMBER:
        raise Unreadable("long_number")
    number = float(text)
    if abs(number) == float("inf"):
        raise Unreadable("non_finite")
    return int(text) if text.removeprefix("-").isdigit() else number


def _no_number(name: str) -> None:
    raise Unreadable("malformed")


_JSON = json.JSONDecoder(object_pairs_hook=_object, parse_int=_number, parse_float=_number, parse_constant=_no_number)


class Sent(StrEnum):
    """What a value was sent as: finer than a kind."""

    TEXT = "text"
    TIME = "time with its zone"
    ZONELESS = "time without its zone"
    DAY = "date"
    INTEGER = "integer"
    LONG = "integer beyond 64 bits"
    NUMBER = "number"
    BOOLEAN = "boolean"
    OBJECT = "object"
    ARRAY = "array"


_KINDS: Sequence[tuple[Kind, set[Sent]]] = (
    (Kind.BOOLEAN, {Sent.BOOLEAN}),
    (Kind.INTEGER, {Sent.INTEGER}),
    (Kind.NUMBER, {Sent.INTEGER, Sent.LONG, Sent.NUMBER}),
    (Kind.TIMESTAMP, {Sent.TIME}),
    (Kind.DATE, {Sent.DAY}),
    (Kind.STRING, {Sent.TEXT, Sent.TIME, Sent.ZONELESS, Sent.DAY}),
)
_TYPES = {bool: Sent.BOOLEAN, float: Sent.NUMBER, dict: Sent.OBJECT, list: Sent.ARRAY}


@dataclass(slots=True)
class Values:
    """What the values of one key have in common; nulls are not counted.

    texts: how often each text came; None once they are too many or too long to be a list.
    """

    sent: Counter[Sent] = field(default_factory=Counter)
    texts: Counter[str] | None = field(default_factory=Counter)
    least: float = float("inf")
    earliest: datetime = _LAST
    latest: datetime = _FIRST

    def add(self, value: object) -> None:
        if isinstance(value, str):
            self._add_text(value)
        elif type(value) is int:
            self.sent[Sent.INTEGER if abs(value) < 2**63 else Sent.LONG] += 1
            self.least = min(self.least, value)
        elif value is not None:
            self.sent[_TYPES[type(value)]] += 1
            if isinstance(value, float):
                self.least = min(self.least, value)

    def _add_text(self, text: str) -> None:
        sent, instant = _read(text)
        self.sent[sent] += 1
        if instant is not None:
            self.earliest, self.latest = min(self.earliest, instant), max(self.latest, instant)
        if self.texts is not None:
            self.texts[text] += 1
            if len(self.texts) > MOST_ALLOWED or len(text) > LONGEST_ALLOWED or not text.isprintable():
                self.texts = None

    @property
    def kind(self) -> Kind | None:
        """The first kind that takes every value; None if there is none, or no value."""
        return next((kind for kind, taken in _KINDS if self.sent and set(self.sent) <= taken), None)


def _read(text: str) -> tuple[Sent, datetime | None]:
    """What a text is, and its instant if it is one."""
    try:
        if _DAY.fullmatch(text):
            date.fromisoformat(text)
            return Sent.DAY, None
        found = _TIME.fullmatch(text)
        if found:
            moment = datetime.fromisoformat(text)
            offset = moment.utcoffset()
            if offset is None:
                return Sent.ZONELESS, None
            if abs(offset) <= _WIDEST_ZONE:
                return Sent.TIME, moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    return Sent.TEXT, None


@dataclass(slots=True)
class Sample:
    """The records seen so far.

    unique: the keys of the first record that came in each of the first ``compared`` records, as text or integer and
    never with the same value, with those values.
    """

    read: int = 0
    keys: dict[str, Values] = field(default_factory=dict)
    unique: dict[str, set[object]] = field(default_factory=dict)
    compared: int = 0

    def add(self, record: Mapping[str, object]) -> None:
        """Take in one more. Raises ``UsageError`` when the records have too many keys to be of one kind."""
        if not self.read:
            self.unique = {name: set() for name in record}
        self.read += 1
        for name, value in record.items():
            if name not in self.keys and len(self.keys) == MOST_KEYS:
                raise UsageError(
                    f"the records have more than {MOST_KEYS} different keys: a contract lists fields by name, "
                    "so data that stands in keys belongs into values"
                )
            self.keys.setdefault(name, Values()).add(value)
        if len(self.unique) * self.read <= MOST_KEPT:
            self._compare(record)

    def _compare(self, record: Mapping[str, object]) -> None:
        self.compared = self.read
        for name, values in [*self.unique.items()]:
            value = record.get(name)
            # A hash in place of a text, which may be long.
            kept = hash(value) if isinstance(value, str) else value
            if type(value) not in (str, int) or kept in values:
                del self.unique[name]
            else:
                values.add(kept)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A contract that every record of the sample keeps.

    remarks: by field, what its checks were taken from; left_out: keys that are no field of it, and why.
    """

    contract: Contract
    remarks: Mapping[str, str]
    left_out: tuple[str, ...]
    records: int

    @property
    def text(self) -> str:
        """The contract as an ODCS file, with the remarks as comments."""
        yaml, stream = YAML(), io.StringIO()
        yaml.indent(mapping=2, sequence=4, offset=2)
        yaml.width = LONGEST_LINE
        yaml.dump(_document(self), stream)
        return stream.getvalue()


def propose(sample: Sample, *, name: str, event_time: str | None = None) -> Proposal:
    """A contract of that name. Left out of it are keys whose values no single kind takes, or which no field can be.

    event_time: the field that says when it happened; left out, it is the first that can be.
    Raises ``UsageError`` where no field can be, or not this one.
    """
    spelled = Counter(key.casefold() for key in sample.keys)
    refused = {key: _refusal(key, values, spelled[key.casefold()] > 1) for key, values in sample.keys.items()}
    fields = [_field(key, sample) for key, why in refused.items() if not why]
    chosen, identifier = _event_time(fields, sample, event_time), _primary_key(fields, sample)
    fields = [
        replace(each, minimum=_epoch(sample.keys[chosen]))
        if each.name == chosen
        else replace(each, primary_key=int(each.name == identifier))
        for each in fields
    ]
    return Proposal(
        contract=Contract(id=name, version="1.0.0", event_time=chosen, fields=tuple(fields)),
        remarks={each.name: _remark(each, sample) for each in fields},
        left_out=tuple(f"{key[:80]!r} {why}" for key, why in refused.items() if why),
        records=sample.read,
    )


def _refusal(key: str, values: Values, twin: bool) -> str:
    """Why a key can be no field; nothing if it can."""
    if twin:
        return "also comes in other upper and lower case: a field is written in one way"
    try:
        parts = {"name": key, "logicalType": Kind.STRING.value}
        read_field(Node({part: Node(value, "", 0, (part,)) for part, value in parts.items()}, "", 0), key_position=1)
    except ConfigError as error:
        return error.mistakes[0].split(": ", 2)[-1]
    if values.kind is not None:
        return ""
    if not values.sent:
        return "is null in every record: nothing tells its kind"
    if set(values.sent) & {Sent.OBJECT, Sent.ARRAY}:
        return "holds objects or arrays: nested values have no field yet"
    return f"is sent as {_counts(values)}: a field is of one kind"


def _field(key: str, sample: Sample) -> Field:
    values = sample.keys[key]
    count, texts = values.sent.total(), sorted(values.texts or ())
    few = len(texts) > 1 and count >= ENOUGH * len(texts)
    plausible = values.earliest >= EARLIEST and values.latest <= LATEST
    return Field(
        name=key,
        kind=values.kind or Kind.STRING,
        required=count == sample.read,
        minimum=0 if values.kind in (Kind.INTEGER, Kind.NUMBER) and count >= ENOUGH and values.least >= 0 else None,
        allowed=tuple(texts) if few and values.kind is Kind.STRING else (),
        criticality=Criticality.ERROR if plausible or values.kind is not Kind.TIMESTAMP else Criticality.WARN,
    )


def _event_time(fields: Sequence[Field], sample: Sample, wanted: str | None) -> str:
    able = [each.name for each in fields if each.kind is Kind.TIMESTAMP and each.required]
    if wanted in able or (able and wanted is None):
        return wanted or able[0]
    if able:
        raise UsageError(
            f"{wanted} is no time with its zone in every record, as an event time is"
            + (nearest(wanted, able) or f"; there are: {', '.join(able)}")
        )
    near = {
        key: values for key, values in sample.keys.items() if set(values.sent) & {Sent.TIME, Sent.ZONELESS, Sent.DAY}
    }
    raise UsageError(
        "a contract needs an event time, and no field is a time with its zone in every record, "
        "as 2026-01-31T00:00:00Z is"
        + "".join(f"\n{key[:80]!r} is {_counts(values)} of {sample.read:,}" for key, values in near.items())
    )


def _primary_key(fields: Sequence[Field], sample: Sample) -> str | None:
    """The field that may tell records apart: one named as an identifier first, else the first there is."""
    able = [
        each.name
        for each in fields
        if each.required and each.name in sample.unique and each.kind in (Kind.STRING, Kind.INTEGER)
    ]
    named = [name for name in able if _IDENTIFIER.search(name)]
    return next(iter(named or able), None) if sample.compared >= ENOUGH else None


def _epoch(values: Values) -> datetime | None:
    return next((epoch for epoch in _EPOCHS if values.earliest >= epoch), None)


def _remark(each: Field, sample: Sample) -> str:
    values = sample.keys[each.name]
    count = values.sent.total()
    usual = {Kind.STRING: {Sent.TEXT}, Kind.NUMBER: {Sent.INTEGER, Sent.NUMBER}}.get(each.kind)
    remarks = (
        (not each.required, f"absent or null in {sample.read - count:,} of {sample.read:,}"),
        (each.primary_key, f"unique in {sample.compared:,} records"),
        (each.minimum == 0, f"never below 0 in {count:,} values"),
        (each.allowed, f"no other in {count:,} values"),
        (each.criticality is Criticality.WARN, "sent before 1900 or after 2200 too: marked, not rejected"),
        (usual and set(values.sent) - usual, f"sent as {_counts(values)}"),
    )
    return "; ".join(remark for holds, remark in remarks if holds)


def _counts(values: Values) -> str:
    return ", ".join(f"{sent} ({count:,})" for sent, count in values.sent.most_common())


_HEAD = """\
Proposed from {records:,} records, all of which keep it. They are all it knows: where a line says what was seen, ask
whether it will stay so. What no record says is yours to write: descriptions, the team, patterns, upper bounds."""


def _document(proposal: Proposal) -> CommentedMap:
    contract = proposal.contract
    times = [each.name for each in contract.fields if each.kind is Kind.TIMESTAMP and each.required]
    settings = CommentedSeq([_flow(property="eventTime", value=contract.event_time)])
    if len(times) > 1:
        settings.yaml_add_eol_comment(f"one of {', '.join(times)}", 0)
    record = CommentedMap(
        name=contract.id,
        logicalType="object",
        customProperties=settings,
        properties=[_property(each, proposal.remarks[each.name]) for each in contract.fields],
    )
    document = CommentedMap(
        apiVersion="v3.1.0",
        kind="DataContract",
        id=contract.id,
        name=contract.id,
        version=contract.version,
        status="draft",
        schema=[record],
    )
    document.yaml_set_start_comment(_HEAD.format(records=proposal.records))
    return document


def _property(each: Field, remark: str) -> CommentedMap:
    """What ``propose`` gives a field; no other attribute is written."""
    written = CommentedMap(name=each.name, logicalType=each.kind.value)
    if remark:
        written.yaml_add_eol_comment(remark, "name")
    if each.required:
        written["required"] = True
    if each.primary_key:
        written |= {"primaryKey": True, "primaryKeyPosition": each.primary_key}
    if each.minimum is not None:
        lowest = f"{each.minimum:%Y-%m-%dT%H:%M:%SZ}" if isinstance(each.minimum, datetime) else each.minimum
        written["logicalTypeOptions"] = _flow(minimum=lowest)
    if each.criticality is Criticality.WARN:
        written["customProperties"] = [_flow(property="severity", value=each.criticality.value)]
    if each.allowed:
        values = _flow(validValues=CommentedSeq(each.allowed))
        written["quality"] = [CommentedMap(metric="invalidValues", arguments=values, mustBe=0)]
    return written


def _flow(**parts: Any) -> CommentedMap:
    """A mapping on one line."""
    mapping = CommentedMap(parts)
    mapping.fa.set_flow_style()
    return mapping
