"""Planted faults have the defect they claim, are all in the manifest, and leave the good records alone."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from headrace.demo.faults import Fault, FaultMix, Good, encode
from headrace.demo.feed import Landing, Record, land, land_files, records
from headrace.demo.flights import SIGNALS, Flights, read_flights
from headrace.errors import InfrastructureError, UsageError

DEPARTURE = {
    "flight_id": "2013-01-09/HA51/JFK/0900",
    "scheduled_at": "2013-01-09T14:00:00Z",
    "occurred_at": "2013-01-10T11:41:00Z",
    "status": "departed",
    "carrier": "HA",
    "flight": 51,
    "tailnum": "N384HA",
    "origin": "JFK",
    "dest": "HNL",
    "distance": 4983,
    "dep_delay": 1301,
}
ARRIVAL = {
    "flight_id": "2013-01-01/UA1545/EWR/0515",
    "occurred_at": "2013-01-01T14:30:00Z",
    "origin": "EWR",
    "dest": "IAH",
    "carrier": "UA",
    "arr_delay": 11,
    "air_time": None,
}
WEATHER = {"occurred_at": "2013-01-01T06:00:00Z", "origin": "LGA", "temp": 39.92, "wind_gust": None, "visib": 10.0}
GOOD = {
    signal: Good(signal, fields, encode(fields))
    for signal, fields in (("departures", DEPARTURE), ("arrivals", ARRIVAL), ("weather", WEATHER))
}


@pytest.fixture(scope="module")
def flights() -> Flights:
    return read_flights().between(date(2013, 1, 1), date(2013, 1, 15))


@pytest.fixture(scope="module")
def landing(flights: Flights, tmp_path_factory: pytest.TempPathFactory) -> Landing:
    return land(tmp_path_factory.mktemp("landing"), records(flights))


def spoil(kind: str, signal: str = "departures") -> bytes:
    (fault,) = (fault for fault in FaultMix().kinds(signal) if fault.name == kind)
    return fault.spoil(GOOD[signal])


def changed(kind: str, signal: str) -> dict[str, object]:
    """The fields in which the bad record differs from the good one."""
    bad = json.loads(spoil(kind, signal))
    assert list(bad) == list(GOOD[signal].fields)
    return {name: value for name, value in bad.items() if value != GOOD[signal].fields[name]}


def test_every_kind_names_what_it_must_come_to() -> None:
    expected = {fault.name: fault.expected for signal in SIGNALS for fault in FaultMix().kinds(signal)}
    assert expected == {
        "not_json": "malformed",
        "empty": "empty",
        "bad_utf8": "invalid_utf8",
        "trailing": "trailing_content",
        "duplicate_key": "duplicate_key",
        "wrong_case": "wrong_case",
        "missing_required": "required",
        "wrong_type": "wrong_type",
        "quoted_number": "wrong_type",
        "epoch_millis": "wrong_type",
        "infinite": "non_finite",
        "out_of_range": "out_of_range",
        "bad_enum": "not_allowed",
        "bad_pattern": "pattern",
        "future": "future_event_time",
        "ancient": "implausible_time",
        "cross_field": "rule",
        "duplicate": "accepted_duplicate",
        "late": "accepted_late",
    }


def test_kinds_that_need_a_field_spare_the_signals_without_it() -> None:
    kinds = {signal: {fault.name for fault in FaultMix().kinds(signal)} for signal in SIGNALS}
    assert kinds["departures"] ^ kinds["arrivals"] == {"cross_field"}
    assert kinds["departures"] ^ kinds["weather"] == {"cross_field", "bad_pattern", "infinite"}


@pytest.mark.parametrize(
    ("kind", "signal", "difference"),
    [
        ("wrong_type", "departures", {"dep_delay": "twelve"}),
        ("wrong_type", "arrivals", {"arr_delay": "twelve"}),
        ("wrong_type", "weather", {"temp": {"value": 39.02}}),
        ("quoted_number", "departures", {"distance": "4983"}),
        ("quoted_number", "arrivals", {"arr_delay": "11"}),
        ("quoted_number", "weather", {"visib": "10.0"}),
        ("out_of_range", "departures", {"distance": -5}),
        ("out_of_range", "arrivals", {"arr_delay": 99_999}),
        ("out_of_range", "weather", {"visib": 900.0}),
        ("bad_enum", "departures", {"status": "flying"}),
        ("bad_enum", "arrivals", {"origin": "XXX"}),
        ("bad_enum", "weather", {"origin": "XXX"}),
        ("bad_pattern", "departures", {"carrier": "?!"}),
        ("bad_pattern", "arrivals", {"flight_id": "UA1545 from EWR"}),
        ("future", "departures", {"occurred_at": "2053-01-10T11:41:00Z"}),
        ("future", "weather", {"occurred_at": "2053-01-01T06:00:00Z"}),
        ("ancient", "arrivals", {"occurred_at": "1862-01-01T14:30:00Z"}),
        ("epoch_millis", "arrivals", {"occurred_at": 1_357_050_600_000}),
        ("cross_field", "departures", {"status": "cancelled", "dep_delay": 12}),
        ("infinite", "weather", {"visib": float("inf")}),
        ("duplicate", "weather", {}),
        (
            "late",
            "departures",
            {
                "flight_id": "2012-01-09/HA51/JFK/0900",
                "scheduled_at": "2013-01-06T14:00:00Z",
                "occurred_at": "2013-01-07T11:41:00Z",
            },
        ),
        ("late", "arrivals", {"flight_id": "2012-01-01/UA1545/EWR/0515", "occurred_at": "2012-12-29T14:30:00Z"}),
        ("late", "weather", {"occurred_at": "2012-12-29T05:30:00Z"}),
    ],
)
def test_the_defect_is_the_only_difference(kind: str, signal: str, difference: dict[str, object]) -> None:
    assert changed(kind, signal) == difference


@pytest.mark.parametrize("signal", SIGNALS)
def test_broken_bytes(signal: str) -> None:
    good = GOOD[signal]
    assert good.line.startswith(spoil("not_json", signal))
    with pytest.raises(json.JSONDecodeError):
        json.loads(spoil("not_json", signal))
    assert spoil("empty", signal) == b""
    assert spoil("duplicate", signal) == good.line
    with pytest.raises(UnicodeDecodeError):
        spoil("bad_utf8", signal).decode()
    assert json.loads(spoil("bad_utf8", signal).decode(errors="ignore")) == good.fields


@pytest.mark.parametrize("signal", SIGNALS)
def test_json_that_lenient_parsers_let_pass(signal: str) -> None:
    fields = GOOD[signal].fields
    first, end = json.JSONDecoder().raw_decode(spoil("trailing", signal).decode())
    assert first == fields
    assert json.loads(spoil("trailing", signal)[end:]) == fields
    pairs = json.loads(spoil("duplicate_key", signal), object_pairs_hook=list)
    assert [name for name, count in Counter(name for name, _ in pairs).items() if count == 2] == ["origin"]
    assert fields.keys() - json.loads(spoil("missing_required", signal)).keys() == {"origin"}


def test_wrong_case_hides_a_field_that_may_be_null() -> None:
    for signal, (right, wrong) in {
        "departures": ("tailnum", "Tailnum"),
        "arrivals": ("air_time", "Air_Time"),
        "weather": ("temp", "Temp"),
    }.items():
        names = json.loads(spoil("wrong_case", signal)).keys()
        assert names ^ GOOD[signal].fields.keys() == {right, wrong}


def test_infinity_is_written_as_a_number() -> None:
    assert b'"visib":1e400' in spoil("infinite", "weather")


def test_kinds_are_planted_in_equal_parts() -> None:
    hourly = np.arange(100_000) * 3_600
    planted = Counter(fault.name for fault in FaultMix(share=0.018, late_days=0).plant("departures", hourly).values())
    assert planted == {fault.name: 100 for fault in FaultMix().kinds("departures")}


def test_nothing_is_late_before_its_time_has_come() -> None:
    hourly = np.arange(1_000) * 3_600
    planted = FaultMix(share=1, late_days=10).plant("weather", hourly)
    assert min(place for place, fault in planted.items() if fault.name == "late") >= 240


def test_a_mix_without_faults_and_a_signal_without_records() -> None:
    assert FaultMix(share=0).plant("weather", np.arange(1_000)) == {}
    assert FaultMix().plant("weather", np.arange(0)) == {}


@pytest.mark.parametrize("wrong", [{"share": 1.1}, {"share": -0.1}, {"late_days": -1}])
def test_an_impossible_mix_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        FaultMix(**wrong)


def test_records_come_in_event_order_and_each_fault_after_its_good_record(flights: Flights) -> None:
    sent = list(records(flights))
    assert [record.seconds for record in sent] == sorted(record.seconds for record in sent)
    before: dict[str, Record] = {}
    for record in sent:
        if record.fault:
            good = before[record.signal]
            assert (good.fault, good.key, good.seconds) == (None, record.key, record.seconds)
            assert record.value == record.fault.spoil(Good(good.signal, json.loads(good.value), good.value))
        before[record.signal] = record


def test_good_records_are_those_of_a_mix_without_faults(flights: Flights) -> None:
    clean = [(record.signal, record.value) for record in records(flights, FaultMix(share=0))]
    assert [(record.signal, record.value) for record in records(flights) if not record.fault] == clean
    assert len(clean) == len(flights.departures) + len(flights.arrivals) + len(flights.weather)


def test_good_records_carry_the_values_of_their_rows(flights: Flights) -> None:
    sent = next(record for record in records(flights, FaultMix(share=0)) if record.signal == "departures")
    assert (sent.key, sent.value) == (
        b"EWR",
        b'{"flight_id":"2013-01-01/UA1545/EWR/0515","scheduled_at":"2013-01-01T10:15:00Z",'
        b'"occurred_at":"2013-01-01T10:17:00Z","status":"departed","carrier":"UA","flight":1545,'
        b'"tailnum":"N14228","origin":"EWR","dest":"IAH","distance":1400,"dep_delay":2}',
    )


def test_the_same_seed_gives_the_same_bytes(flights: Flights) -> None:
    assert values(flights, FaultMix(seed=1)) == values(flights, FaultMix(seed=1))
    assert values(flights, FaultMix(seed=1)) != values(flights, FaultMix(seed=2))


def values(flights: Flights, mix: FaultMix) -> list[bytes]:
    return [record.value for record in records(flights, mix)]


def test_a_late_identity_is_no_good_records_identity(flights: Flights) -> None:
    sent = [record for record in records(flights, FaultMix(share=0.2)) if is_accepted(record.fault)]
    late = [record for record in sent if record.fault]
    good = {identity(record) for record in sent if not record.fault}
    assert len({identity(record) for record in late}) == len(late) > 100
    assert good.isdisjoint(identity(record) for record in late)


def is_accepted(fault: Fault | None) -> bool:
    return fault is None or fault.name == "late"


def identity(record: Record) -> tuple[str, str, str]:
    fields = json.loads(record.value)
    return record.signal, fields["origin"], fields.get("flight_id", fields["occurred_at"])


def test_the_manifest_names_every_planted_line(landing: Landing) -> None:
    lines = {file.path.name: file.path.read_bytes().removesuffix(b"\n").split(b"\n") for file in landing.files}
    for planted in landing.manifest:
        line = lines[planted.file][planted.line - 1]
        good = lines[planted.file][planted.line - 2]
        (fault,) = (fault for fault in FaultMix().kinds(planted.signal) if fault.name == planted.kind)
        assert line == fault.spoil(Good(planted.signal, json.loads(good), good))
        assert planted.expected == fault.expected
    total = sum(map(len, lines.values()))
    assert total == sum(landing.good.values()) + len(landing.manifest)


def test_what_landed_is_counted(landing: Landing, flights: Flights) -> None:
    assert landing.good == {
        "departures": len(flights.departures),
        "weather": len(flights.weather),
        "arrivals": len(flights.arrivals),
    }
    planted = {signal: sum(kinds.values()) for signal, kinds in landing.planted.items()}
    assert planted == {signal: round(count / 100) for signal, count in landing.good.items()}


def test_the_manifest_is_written_beside_the_signals(landing: Landing) -> None:
    root = landing.files[0].path.parent.parent
    written = [json.loads(line) for line in (root / "manifest.jsonl").read_text().splitlines()]
    assert written[0].keys() == {"signal", "file", "line", "kind", "expected"}
    assert len(written) == len(landing.manifest)
    assert sorted(path.name for path in root.iterdir()) == ["arrivals", "departures", "manifest.jsonl", "weather"]


@pytest.mark.parametrize("signal", SIGNALS)
def test_names_and_modification_times_keep_event_order(landing: Landing, signal: str) -> None:
    paths = [file.path for file in landing.files if file.signal == signal]
    times = [path.stat().st_mtime for path in paths]
    assert paths == sorted(paths) == sorted(paths[0].parent.iterdir())
    assert times == sorted(set(times))
    assert paths[0].name == f"{signal}-2013-01-01.jsonl"
    assert times[0] == 1_357_084_800  # 2013-01-02, when the day is over
    assert len(paths) == 14


def test_files_of_several_days_count_from_the_first(flights: Flights, tmp_path: Path) -> None:
    names = [file.path.name for file in land_files(tmp_path, records(flights), days=10) if file.signal == "weather"]
    assert names == ["weather-2013-01-01.jsonl", "weather-2013-01-11.jsonl"]


def test_a_file_appears_when_it_is_asked_for(flights: Flights, tmp_path: Path) -> None:
    files = land_files(tmp_path, records(flights))
    assert not list(tmp_path.iterdir())
    first = next(files)
    assert list(tmp_path.rglob("*.jsonl")) == [first.path]


def test_a_landed_file_is_never_altered(flights: Flights, tmp_path: Path) -> None:
    (landed, *_) = land_files(tmp_path, records(flights))
    before = landed.path.read_bytes()
    with pytest.raises(InfrastructureError, match="landed already"):
        land(tmp_path, records(flights, FaultMix(seed=1)))
    assert landed.path.read_bytes() == before


def test_nothing_to_land(tmp_path: Path) -> None:
    assert land(tmp_path, []).good == {"departures": 0, "weather": 0, "arrivals": 0}
