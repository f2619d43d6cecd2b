"""The flights and the weather of 2013 as the demo derives them: counts and instants taken from the source by hand."""

from __future__ import annotations

import importlib.metadata
from datetime import date
from typing import NoReturn

import pandas as pd
import pytest

from headrace.demo import flights as demo
from headrace.demo.flights import ORIGINS, Flights, read_flights
from headrace.errors import InfrastructureError

YEAR = (date(2013, 1, 1), date(2014, 1, 2))
FOUR_WEEKS = (date(2013, 1, 1), date(2013, 1, 29))


@pytest.fixture(scope="module")
def flights() -> Flights:
    return read_flights()


def departure(flights: Flights, flight_id: str) -> pd.Series:
    return flights.departures[flights.departures["flight_id"] == flight_id].iloc[0]


def arrival(flights: Flights, flight_id: str) -> pd.Series:
    return flights.arrivals[flights.arrivals["flight_id"] == flight_id].iloc[0]


def at(text: str) -> pd.Timestamp:
    return pd.Timestamp(text)


def test_the_year_has_every_row_of_the_source(flights: Flights) -> None:
    assert len(flights.departures) == 336_776
    assert len(flights.arrivals) == 327_346
    assert len(flights.weather) == 26_115


def test_four_weeks(flights: Flights) -> None:
    part = flights.between(*FOUR_WEEKS)
    assert (len(part.departures), len(part.arrivals), len(part.weather)) == (24_134, 23_578, 1_995)


def test_a_flight_id_names_one_flight(flights: Flights) -> None:
    assert flights.departures["flight_id"].is_unique
    assert flights.arrivals["flight_id"].is_unique
    assert flights.arrivals["flight_id"].isin(flights.departures["flight_id"]).all()


def test_each_signal_is_in_event_order(flights: Flights) -> None:
    for frame in (flights.departures, flights.arrivals, flights.weather):
        assert frame["occurred_at"].is_monotonic_increasing
        assert str(frame["occurred_at"].dtype) == "datetime64[ns, UTC]"


def test_two_parts_make_the_whole(flights: Flights) -> None:
    middle = date(2013, 6, 1)
    first, second = flights.between(YEAR[0], middle), flights.between(middle, YEAR[1])
    pd.testing.assert_frame_equal(pd.concat([first.weather, second.weather], ignore_index=True), flights.weather)
    assert len(first.departures) + len(second.departures) == 336_776
    assert second.arrivals["occurred_at"].min() >= at("2013-06-01T00:00Z")


def test_a_known_flight(flights: Flights) -> None:
    flight = departure(flights, "2013-01-01/UA1545/EWR/0515")
    assert flight["scheduled_at"] == at("2013-01-01T10:15Z")
    assert flight["occurred_at"] == at("2013-01-01T10:17Z")
    assert flight[["status", "carrier", "flight", "tailnum", "origin", "dest", "distance", "dep_delay"]].tolist() == [
        "departed", "UA", 1545, "N14228", "EWR", "IAH", 1400, 2,
    ]  # fmt: skip
    # 08:30 in Houston, which is an hour behind New York.
    landed = arrival(flights, "2013-01-01/UA1545/EWR/0515")
    assert landed["occurred_at"] == at("2013-01-01T14:30Z")
    assert (landed["arr_delay"], landed["air_time"]) == (11, 227)


def test_a_cancelled_flight_is_a_fact_at_its_scheduled_time(flights: Flights) -> None:
    cancelled = flights.departures[flights.departures["status"] == "cancelled"]
    assert len(cancelled) == 8_255
    assert cancelled["dep_delay"].isna().all()
    assert (cancelled["occurred_at"] == cancelled["scheduled_at"]).all()
    assert not cancelled["flight_id"].isin(flights.arrivals["flight_id"]).any()


def test_a_departure_falls_on_the_date_its_delay_says(flights: Flights) -> None:
    departed = flights.departures[flights.departures["status"] == "departed"]
    local = departed["occurred_at"].dt.tz_convert("America/New_York").dt.tz_localize(None)
    written = pd.to_datetime(departed["flight_id"].str[:10], format="%Y-%m-%d")
    assert (local.dt.normalize() > written).sum() == 1_236
    assert departure(flights, "2013-01-09/HA51/JFK/0900")["occurred_at"] == at("2013-01-10T11:41Z")


def test_2400_is_the_midnight_that_ends_the_day(flights: Flights) -> None:
    raw = demo._read("flights.csv.zip")
    midnight = demo._flight_ids(raw)[raw["dep_time"] == 2400]
    those = flights.departures["flight_id"].isin(midnight)
    left = flights.departures.loc[those, "occurred_at"].dt.tz_convert("America/New_York")
    assert len(left) == 29
    assert (left == left.dt.normalize()).all()
    assert departure(flights, "2013-10-30/B6839/JFK/2359")["occurred_at"] == at("2013-10-31T04:00Z")


@pytest.mark.parametrize(
    ("flight_id", "landed"),
    [
        ("2013-01-01/HA51/JFK/0900", "2013-01-02T01:16Z"),  # 15:16 in Honolulu, the same local day
        ("2013-10-30/B6839/JFK/2359", "2013-10-31T07:27Z"),  # 03:27 in Puerto Rico, not in airports.csv
        ("2013-03-09/B635/JFK/2145", "2013-03-10T07:03Z"),  # 03:03 by the new summer time; the source says 2:03
        ("2013-11-02/VX413/JFK/1655", "2013-11-03T08:14Z"),  # 01:14 in Los Angeles, the first of two
    ],
)
def test_an_arrival_is_an_instant(flights: Flights, flight_id: str, landed: str) -> None:
    assert arrival(flights, flight_id)["occurred_at"] == at(landed)


def test_no_flight_lands_before_its_time_in_the_air_is_over(flights: Flights) -> None:
    both = flights.arrivals.merge(flights.departures, on="flight_id", suffixes=("", "_left"))
    underway = (both["occurred_at"] - both["occurred_at_left"]).dt.total_seconds() / 60
    on_the_ground = underway - both["air_time"]
    assert (on_the_ground.min(), on_the_ground.median(), on_the_ground.max()) == (5, 28, 235)


def test_the_clock_reading_at_arrival_agrees_but_for_one_flight(flights: Flights) -> None:
    raw = demo._read("flights.csv.zip").assign(flight_id=demo._flight_ids)
    both = flights.arrivals.merge(raw[["flight_id", "arr_time"]], on="flight_id")
    zones = demo._zones(demo._read("airports.csv"))
    wrong: list[str] = []
    for zone, part in both.groupby(both["dest"].map(zones)):
        local = part["occurred_at"].dt.tz_convert(str(zone))
        wrong += part.loc[local.dt.hour * 100 + local.dt.minute != part["arr_time"] % 2400, "flight_id"].tolist()
    assert wrong == ["2013-03-09/B635/JFK/2145"]


def test_every_destination_has_a_time_zone(flights: Flights) -> None:
    assert flights.departures["dest"].isin(demo._zones(demo._read("airports.csv"))).all()


def test_a_diverted_flight_has_no_arrival_and_an_unknown_label(flights: Flights) -> None:
    assert flights.label_unknown(*YEAR) == 1_175
    assert flights.label_unknown(*FOUR_WEEKS) == 68
    assert len(flights.arrivals) == 336_776 - 8_255 - 1_175


def test_the_hour_that_comes_twice_is_two_instants(flights: Flights) -> None:
    night = flights.weather[flights.weather["occurred_at"].between(at("2013-11-03T05:00Z"), at("2013-11-03T06:00Z"))]
    assert night["origin"].tolist() == ["EWR", "JFK", "LGA", "EWR", "JFK", "LGA"]
    assert night["temp"].tolist() == [51.98, 53.96, 55.04, 50.00, 51.98, 53.96]
    assert not flights.weather.duplicated(["origin", "occurred_at"]).any()


def test_missing_hours_count_within_the_record(flights: Flights) -> None:
    assert flights.missing_hours(*YEAR) == {"EWR": 57, "JFK": 54, "LGA": 54}
    assert flights.missing_hours(*FOUR_WEEKS) == {"EWR": 2, "JFK": 2, "LGA": 2}
    assert flights.missing_hours(date(2015, 1, 1), date(2015, 2, 1)) == dict.fromkeys(ORIGINS, 0)


def test_absent_measurements_stay_absent(flights: Flights) -> None:
    absent = flights.weather.isna().mean()
    assert absent["pressure"] == pytest.approx(0.1045, abs=1e-4)
    assert absent["wind_gust"] == pytest.approx(0.7956, abs=1e-4)
    assert flights.weather["wind_speed"].max() == pytest.approx(1048.36058)


def test_without_the_data_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> NoReturn:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(demo, "files", missing)
    with pytest.raises(InfrastructureError, match=r"pip install 'headrace\[demo\]'"):
        read_flights()
