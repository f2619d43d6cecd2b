"""A contract proposed from records: what it takes from them, what it leaves out, and that each of them keeps it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.contracts import times
from headrace.contracts.infer import Proposal, propose
from headrace.contracts.infer_field import ENOUGH
from headrace.contracts.model import EARLIEST, LATEST, Contract, Criticality, Field, Kind
from headrace.contracts.odcs import read_contract
from headrace.contracts.reasons import Reason
from headrace.contracts.sample import LONGEST_LINE, Sample, Unreadable, parsed
from headrace.contracts.values import MOST_ALLOWED, MOST_KEYS
from headrace.documents import read
from headrace.errors import UsageError

AT = {"at": "2026-01-31T08:00:00Z"}
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def sample(records: Iterable[dict[str, Any]]) -> Sample:
    gathered = Sample()
    for record in records:
        gathered.add(record)
    return gathered


def proposed(*records: dict[str, Any], times: int = 1, event_time: str | None = None) -> Proposal:
    """What is proposed for the records, each with an event time, all of them so many times."""
    return propose(sample([AT | record for record in records] * times), name="mill", event_time=event_time)


def field(*values: Any, times: int = 1) -> Field:
    (found,) = proposed(*[{"a": value} for value in values], times=times).contract.fields[1:]
    return found


def reread(text: str) -> Contract:
    with TemporaryDirectory() as folder:
        (Path(folder) / "mill.odcs.yaml").write_text(text, encoding="utf-8")
        return read_contract(read(Path(folder) / "mill.odcs.yaml"))


# Lines


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "empty"),
        (b" \t\r", "empty"),
        (b"{", "malformed"),
        (b'{"a": NaN}', "malformed"),
        (b"{'a': 1}", "malformed"),
        (b'{"a": 1} {"a": 2}', "trailing_content"),
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b'{"a": {"b": 1, "b": 1}}', "duplicate_key"),
        (b"[1]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b'{"a": "\xff"}', "invalid_utf8"),
        (b"\xff\xfe{\x00", "foreign_format"),
        (rb'{"a": "\ud800"}', "lone_surrogate"),
        (b'{"a": 1e400}', "non_finite"),
        (b'{"a": ' + b"9" * 400 + b"}", "non_finite"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "long_number"),
        (b'{"a": ' * 100_000, "too_deep"),
        (b'"' + b"a" * LONGEST_LINE, "too_large"),
    ],
)
def test_a_line_that_is_no_record(line: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=f"^{reason}$"):
        parsed(line)
    assert reason in set(Reason)


def test_a_line_that_is_a_record() -> None:
    line = (
        rb'{"a": 1, "b": -2.5, "c": 1e3, "d": "\ud83d\ude00", "e": [null, {"a": 1}], "f": 9223372036854775808}' + b"\r"
    )
    assert parsed(line) == {"a": 1, "b": -2.5, "c": 1000.0, "d": "😀", "e": [None, {"a": 1}], "f": 2**63}


# Fields


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a", ""], Kind.STRING),
        ([1, -2], Kind.INTEGER),
        ([1, 2.0], Kind.NUMBER),
        ([1, 2**63], Kind.DECIMAL),
        ([1.5, 2**63], Kind.NUMBER),
        ([1, 10**38], Kind.NUMBER),
        ([True, False], Kind.BOOLEAN),
        (["2026-01-31", "1899-12-31"], Kind.DATE),
        (["2026-01-31", "2026-02-30"], Kind.STRING),
        (["2026-01-31", "2026-01-31T00:00:00Z"], Kind.STRING),
        (["2026-01-31T00:00Z", "2026-01-31 00:00:00.123456789+05:30", "2026-01-31T00:00:00-0800"], Kind.TIMESTAMP),
        (["2026-01-31T00:00:00"], Kind.STRING),
        (["2026-01-31T24:61:00Z"], Kind.STRING),
        (["2026-01-31T00:00:00+19:00"], Kind.STRING),
        (["0001-01-01T00:00:00+01:00"], Kind.STRING),
        (["٢٠٢٦-01-31"], Kind.STRING),
    ],
)
def test_kinds(values: list[Any], kind: Kind) -> None:
    assert field(*values).kind is kind


def test_required_is_what_no_record_lacks() -> None:
    fields = proposed({"a": 1, "b": 1, "c": None}, {"a": 2, "c": 1}).contract.fields
    assert {each.name: each.required for each in fields} == {"at": True, "a": True, "b": False, "c": False}


def test_few_values_are_a_list_once_they_came_often_enough() -> None:
    assert field("b", "a", times=ENOUGH).allowed == ("a", "b")
    assert field("b", "a", times=ENOUGH - 1).allowed == ()
    assert field("a", times=ENOUGH).allowed == ()
    assert field("a", "2026-01-31", times=ENOUGH).allowed == ("2026-01-31", "a")
    assert field("a", "b" * 65, times=ENOUGH).allowed == ()
    assert field("a", "\x1b[2J", times=ENOUGH).allowed == ()
    assert field(1, 2, times=ENOUGH).allowed == ()
    letters = [chr(ord("a") + place) for place in range(MOST_ALLOWED + 1)]
    assert field(*letters[:-1], times=ENOUGH).allowed == tuple(letters[:-1])
    assert field(*letters, times=ENOUGH).allowed == ()


def test_no_bound_but_zero() -> None:
    assert field(0, 7, times=ENOUGH) == Field(name="a", kind=Kind.INTEGER, required=True, minimum=0)
    assert field(0.5, 7, times=ENOUGH) == Field(name="a", kind=Kind.NUMBER, required=True, minimum=0)
    assert field(-0.1, 7, times=ENOUGH) == Field(name="a", kind=Kind.NUMBER, required=True)
    assert field(7, times=ENOUGH - 1) == Field(name="a", kind=Kind.INTEGER, required=True)
    assert field(True, times=ENOUGH) == Field(name="a", kind=Kind.BOOLEAN, required=True)


def test_a_time_that_would_be_implausible_is_marked() -> None:
    assert field("0001-01-01T00:00:00Z").criticality is Criticality.WARN
    assert field("9999-12-31T23:59:59Z").criticality is Criticality.WARN
    assert field("1900-01-01T00:00:00Z", "2200-01-01T00:00:00Z").criticality is Criticality.ERROR


def test_the_primary_key_is_unique_always_there_and_named_as_one() -> None:
    def key(**columns: Any) -> tuple[str, ...]:
        rows = [{name: value(row) for name, value in columns.items()} for row in range(ENOUGH)]
        return proposed(*rows).contract.primary_key

    assert key(a=lambda row: row, flight_id=str) == ("flight_id",)
    assert key(a=lambda row: row, orderId=str) == ("orderId",)
    assert key(a=lambda row: row, paid=str) == ("a",)
    assert key(id=lambda row: row // 2) == ()
    assert key(id=lambda row: row or None) == ()
    assert key(id=float) == ()
    assert proposed({"id": 1}, {"id": 2}).contract.primary_key == ()


def test_the_event_time_is_the_first_that_can_be_or_the_one_named() -> None:
    records: list[dict[str, Any]] = [
        {"day": "2026-01-31", "seen": None, "sent": "1970-01-01T00:00:00Z"},
        {"seen": AT["at"], "sent": AT["at"]},
    ]
    first, named = proposed(*records).contract, proposed(*records, event_time="sent").contract

    assert (first.event_time, first.field("at").minimum, first.field("sent").minimum) == ("at", EPOCH, None)
    assert (named.event_time, named.field("at").minimum) == ("sent", None)
    assert named.field("sent").minimum == datetime(1970, 1, 1, tzinfo=UTC)
    with pytest.raises(UsageError, match=r"seen is no time with its zone in every record.*did you mean 'sent'"):
        proposed(*records, event_time="seen")
    with pytest.raises(UsageError, match="there are: at, sent"):
        proposed(*records, event_time="nothing")


def test_without_an_event_time_there_is_no_contract() -> None:
    records: list[dict[str, Any]] = [
        {"seen": "2026-01-31T00:00:00"},
        {"seen": "2026-01-31T00:00:00"},
        {"seen": "2026-01-31", "a": 1},
    ]
    with pytest.raises(UsageError) as caught:
        propose(sample(records), name="mill")
    assert str(caught.value).splitlines() == [
        (
            "a contract needs an event time, and no field is a time with its zone in every record, "
            "as 2026-01-31T00:00:00Z is"
        ),
        "'seen' is time without its zone (2), date (1) of 3",
    ]


def test_what_is_left_out_is_said() -> None:
    found = proposed(
        {"a": 1, "b": {}, "c": [1, "x"], "d": None, "e f": 1, "Batch_Id": 1, "g": 1, "G": 1, "h": True},
        {"a": "one", "b": 1, "h": 1},
    )
    assert found.contract.names == ("at", "e_f", "sent_Batch_Id")
    assert found.left_out == (
        "'a' is sent as integer (1), text (1): a field is of one kind",
        "'b' is sent as object (1), integer (1): a field is of one kind",
        "'c[]' is sent as integer (1), text (1): a field is of one kind",
        "'c' holds nothing that could be a field",
        "'d' is null in every record: nothing tells its kind",
        "'g' also comes in other upper and lower case: a field is written in one way",
        "'G' also comes in other upper and lower case: a field is written in one way",
        "'h' is sent as boolean (1), integer (1): a field is of one kind",
    )


def test_keys_that_are_no_names() -> None:
    record = {"@timestamp": "2026-01-31T08:00:00Z", "_id": "x", "id": 1, "user.id": 2, "user_id": 3, "source": "app"}
    found = propose(sample([record, {"_source": {"@id": 1}} | record]), name="mill", event_time="@timestamp")

    assert found.contract.event_time == "timestamp"
    assert [(each.name, each.physical_name) for each in found.contract.fields] == [
        ("timestamp", "@timestamp"),
        ("id_2", "_id"),
        ("id", ""),
        ("user_id_2", "user.id"),
        ("user_id", ""),
        ("sent_source", "source"),
        ("sent_source_2", "_source"),
    ]
    assert found.contract.at("sent_source_2.id").physical_name == "@id"
    assert found.left_out == ()
    assert reread(found.text) == found.contract


def test_what_is_nested() -> None:
    line = {"price": 1.5, "sizes": [1, 2], "mixed": 1}
    found = proposed(
        {"a": {"zip": "01234", "b c": 1}, "lines": [line, {"price": 2, "mixed": "x"}], "grid": [[1.5], []]},
        {"a": {"zip": "56789", "city": "x"}, "lines": [], "grid": None},
    )
    assert found.contract.fields[1:] == (
        Field(
            name="a",
            kind=Kind.OBJECT,
            required=True,
            members=(
                Field(name="zip", kind=Kind.STRING, required=True),
                Field(name="b_c", kind=Kind.INTEGER, physical_name="b c"),
                Field(name="city", kind=Kind.STRING),
            ),
        ),
        Field(
            name="lines",
            kind=Kind.ARRAY,
            required=True,
            items=Field(
                name="",
                kind=Kind.OBJECT,
                members=(
                    Field(name="price", kind=Kind.NUMBER, required=True),
                    Field(name="sizes", kind=Kind.ARRAY, items=Field(name="", kind=Kind.INTEGER)),
                ),
            ),
        ),
        Field(
            name="grid",
            kind=Kind.ARRAY,
            items=Field(name="", kind=Kind.ARRAY, items=Field(name="", kind=Kind.NUMBER)),
        ),
    )
    assert found.left_out == ("'lines[].mixed' is sent as integer (1), text (1): a field is of one kind",)
    assert {path: remark for path, remark in found.remarks.items() if remark} == {
        "a.b_c": "absent or null in 1 of 2",
        "a.city": "absent or null in 1 of 2",
        "lines[].sizes": "absent or null in 1 of 2",
        "grid": "absent or null in 1 of 2",
    }


def test_what_is_nested_in_the_file() -> None:
    found = proposed(
        {"a": {"zip": "01234", "at": "2026-01-31T00:00:00"}, "n": [1, 2]}, {"a": {"zip": "x"}}, times=ENOUGH
    )
    assert (
        found.text[found.text.index("      - name: a\n") :]
        == """\
      - name: a
        logicalType: object
        required: true
        properties:
          - name: zip  # no other in 40 values
            logicalType: string
            required: true
            quality:
              - metric: invalidValues
                arguments: {validValues: ['01234', x]}
                mustBe: 0
          - name: at  # absent or null in 20 of 40; sent as time without its zone (20)
            logicalType: string
      - name: n  # absent or null in 20 of 40
        logicalType: array
        items:
          logicalType: integer  # never below 0 in 40 values
          logicalTypeOptions: {minimum: 0}
"""
    )
    assert reread(found.text) == found.contract


def test_nested_keys_that_are_data_and_levels_without_end_are_left_out() -> None:
    deep: Any = 1
    for _ in range(9):
        deep = {"d": deep}
    keys = {f"k{number}": 1 for number in range(MOST_KEYS + 1)}
    found = proposed({"keys": keys, "deep": deep, "none": [], "list": [{}]})
    assert found.contract.names == ("at",)
    many = "holds too many different keys, or more than 8 levels: what is data belongs into values"
    assert found.left_out[0] == f"'keys' {many}"
    assert found.left_out[1] == f"'deep.d.d.d.d.d.d.d' {many}"
    assert found.left_out[-3:] == (
        "'none' holds no value in any record: nothing tells what its items are",
        "'list[]' holds no member that could be a field",
        "'list' holds nothing that could be a field",
    )


def test_data_in_keys_is_refused() -> None:
    with pytest.raises(UsageError, match=f"more than {MOST_KEYS} different keys"):
        sample({str(number): 1} for number in range(MOST_KEYS + 1))


def test_uniqueness_is_looked_at_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.contracts.sample.MOST_KEPT", 2 * ENOUGH)
    gathered = sample({"id": row, "other": row} for row in range(3 * ENOUGH))
    assert gathered.compared == ENOUGH
    assert {name: len(values) for name, values in gathered.unique.items()} == {"id": ENOUGH, "other": ENOUGH}

    gathered = sample(AT | ({"id": row, "other": row} if row < ENOUGH else {}) for row in range(2 * ENOUGH))
    assert (gathered.compared, [*gathered.unique]) == (ENOUGH, ["id", "other"])
    assert propose(gathered, name="mill").contract.primary_key == ()


# The file


def test_the_file() -> None:
    rows = [
        {
            "flight_id": f"f{row}",
            "status": ("no", "on time")[row % 2],
            "distance": 100 + row,
            "gust": None if row % 2 else 2**63,
            "until": "9999-12-31T00:00:00Z",
            "local": "2026-01-31T08:00:00",
        }
        for row in range(2 * ENOUGH)
    ]
    found = proposed(*rows)
    assert (
        found.text
        == """\
# Proposed from 40 records, all of which keep it. They are all it knows: where a line says what was seen, ask
# whether it will stay so. What no record says is yours to write: descriptions, the team, patterns, upper bounds.
apiVersion: v3.1.0
kind: DataContract
id: mill
name: mill
version: 1.0.0
status: draft
schema:
  - name: mill
    logicalType: object
    customProperties:
      - {property: eventTime, value: at}  # one of at, until
    properties:
      - name: at
        logicalType: timestamp
        required: true
        logicalTypeOptions: {minimum: '2000-01-01T00:00:00Z'}
      - name: flight_id  # unique in 40 records
        logicalType: string
        required: true
        primaryKey: true
        primaryKeyPosition: 1
      - name: status  # no other in 40 values
        logicalType: string
        required: true
        quality:
          - metric: invalidValues
            arguments: {validValues: [no, on time]}
            mustBe: 0
      - name: distance  # never below 0 in 40 values
        logicalType: integer
        required: true
        logicalTypeOptions: {minimum: 0}
      - name: gust  # absent or null in 20 of 40
        logicalType: number
        physicalType: decimal(38,0)
      - name: until  # sent before 1900 or after 2200 too: marked, not rejected
        logicalType: timestamp
        required: true
        customProperties:
          - {property: severity, value: warn}
      - name: local  # sent as time without its zone (40)
        logicalType: string
        required: true
"""
    )
    assert reread(found.text) == found.contract


# Whatever the records


INSTANTS = st.builds(lambda day, time: f"{day}T{time}+02:00", st.dates(date(2, 1, 1), date(9998, 12, 31)), st.times())
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["no", "<<", "1.0", "=", "null", "2026-01-31", "a: b", "a #b", "'", '"', "", " ", "[]", "~", "\\"]),
    st.text(max_size=5),
    st.dates().map(date.isoformat),
    INSTANTS,
    INSTANTS.map(lambda text: text[:-6]),
)
VALUES = st.one_of(
    SCALARS,
    SCALARS,
    st.recursive(
        SCALARS,
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(st.sampled_from(["a", "A", "b", "batch_id", "a b"]), inner, max_size=3)
        ),
        max_leaves=6,
    ),
)
KEYS = st.one_of(
    st.sampled_from(["id", "ID", "a", "A", "b", "c_key", "null", "true", "batch_id", "a b", "_x", "straße", "1"]),
    st.text(max_size=3).filter(lambda key: key.casefold() != "at"),
)
SAME_KIND = st.sampled_from([st.integers(), st.sampled_from(["x", "no", "1"]), INSTANTS, st.floats(0, 9), st.text()])


@st.composite
def record_lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Records with an event time: some keys hold anything, some one kind of value; often the same ones many times."""
    steady = draw(st.dictionaries(st.sampled_from(["k", "l", "m", "n"]), SAME_KIND))
    one = st.builds(
        lambda any_, same, at: any_ | same | {"at": at},
        st.dictionaries(KEYS, VALUES, max_size=4),
        st.fixed_dictionaries({}, optional=steady) if draw(st.booleans()) else st.fixed_dictionaries(steady),
        INSTANTS,
    )
    return draw(st.lists(one, min_size=1, max_size=30)) * draw(st.sampled_from([1, 2, ENOUGH]))


def breaks(contract: Contract, record: Mapping[str, Any]) -> bool:
    """Whether the contract would reject the record: the judge in plain Python, for the checks a proposal has."""
    return _any_breaks(contract.fields, record)


def _any_breaks(fields: Sequence[Field], record: Mapping[str, Any]) -> bool:
    names = {each.member.casefold(): each.member for each in fields}
    wrong_case = any(names.get(key.casefold(), key) != key for key in record)
    return wrong_case or any(_breaks(each, record.get(each.member)) for each in fields)


def _breaks(each: Field, value: Any) -> bool:
    if value is None:
        return each.required
    if each.kind is Kind.OBJECT:
        return not isinstance(value, dict) or _any_breaks(each.members, value)
    if each.items:
        return not isinstance(value, list) or any(_breaks(each.items, one) for one in value)
    if not _is(each.kind, value):
        return True
    typed: Any = datetime.fromisoformat(value) if each.kind is Kind.TIMESTAMP else value
    least: Any = each.minimum or (EARLIEST if each.kind is Kind.TIMESTAMP else each.minimum)
    outside = (least is not None and typed < least) or (each.kind is Kind.TIMESTAMP and typed > LATEST)
    listed = not each.allowed or value in each.allowed
    return each.criticality is Criticality.ERROR and (outside or not listed)


def _is(kind: Kind, value: Any) -> bool:
    match kind:
        case Kind.INTEGER:
            return type(value) is int and -(2**63) <= value < 2**63
        case Kind.DECIMAL:
            return type(value) is int and abs(value) < 10**38
        case Kind.NUMBER:
            return type(value) in (int, float)
        case Kind.BOOLEAN:
            return type(value) is bool
        case Kind.TIMESTAMP:
            return type(value) is str and re.fullmatch(times.INSTANT, value, re.ASCII) is not None
        case Kind.DATE:
            return type(value) is str and date.fromisoformat(value).isoformat() == value
        case _:
            return type(value) is str


@settings(deadline=None)
@given(record_lists())
def test_every_record_keeps_what_is_proposed_for_it(records: list[dict[str, Any]]) -> None:
    read_back = [parsed(json.dumps(record).encode()) for record in records]
    found = propose(sample(read_back), name="mill")

    assert reread(found.text) == found.contract
    assert [record for record in read_back if breaks(found.contract, record)] == []


def test_the_model_of_the_judge_sees_what_breaks() -> None:
    contract = proposed({"a": "x"}, {"a": "y"}, {"a": "x", "b": 1}, times=2 * ENOUGH).contract
    assert not breaks(contract, AT | {"a": "x", "c": {}})
    for wrong in ({}, {"a": "z"}, {"a": 1}, {"a": None}, {"a": "x", "b": -1}, {"a": "x", "b": 1.0}, {"a": "x", "B": 1}):
        assert breaks(contract, AT | wrong)
    assert breaks(contract, {"a": "x", "at": "1999-12-31T00:00:00Z"})
