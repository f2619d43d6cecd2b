"""A time as it was sent → the time: a text of ISO 8601, one of the contract's ``format``, or a number of an epoch."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from headrace.contracts.model import EPOCHS, Field, Kind
from headrace.contracts.time_pattern import ZONE, TimePattern, time_pattern

__all__ = ["INSTANT", "OF_DAY", "instant", "read_date", "read_time"]

DAY = r"\d{4}-\d{2}-\d{2}"
LOCAL = rf"{DAY}[Tt ]\d{{2}}:\d{{2}}(?::\d{{2}}(?:[.,]\d{{1,9}})?)?"
# A time without its zone means another instant to every reader, so the zone is part of the format.
INSTANT = LOCAL + ZONE
# The years 1 to 9999 in microseconds since 1970, which is as far as Python reads.
_YEARS = (-62_135_596_800_000_000, 253_402_300_799_999_999)
OF_DAY = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?"


def instant(field: Field, sent: Column) -> Column:
    """The instant a text says, in its own zone or in the contract's; null where it is not written so, or there is none.

    A number of an epoch says one of the years 1 to 9999, or none. Of a time that a clock put back shows twice it is the
    first. One that a clock put forward leaves out is none.
    """
    if field.is_epoch:
        return _of_epoch(EPOCHS[str(field.format)], sent)
    if not field.format and not field.default_timezone:
        read = F.coalesce(sent.try_cast("timestamp"), _in_full(sent).try_cast("timestamp"))
        return F.when(sent.rlike(rf"\A{INSTANT}\z"), read)
    found = time_pattern(field.format, Kind.TIMESTAMP) if field.format else None
    written = sent.rlike(rf"\A{found.regex if found else LOCAL}\z")
    local = _iso(found, sent) if found else sent
    if found and found.has_zone:
        zone = F.substring(sent, found.places["X"][0], 6)
        return F.when(written, F.concat(local, zone).try_cast("timestamp"))
    # The session's zone is UTC, so that the cast adds nothing to what is written.
    moment = local.try_cast("timestamp")
    there = F.to_utc_timestamp(moment, field.default_timezone)
    return F.when(written & (F.from_utc_timestamp(there, field.default_timezone) == moment), there)


def _of_epoch(a_second: int, sent: Column) -> Column:
    micros = F.try_multiply(sent, F.lit(1_000_000 // a_second))
    return F.when(micros.between(*_YEARS), F.timestamp_micros(micros))


def _in_full(sent: Column) -> Column:
    """What Spark does not take for a time of ISO 8601: a comma, small letters, no seconds before a zone."""
    usual = F.upper(F.replace(sent, F.lit(","), F.lit(".")))
    return F.regexp_replace(usual, r"(?<=[T ]\d{2}:\d{2})(?=[Z+-])", ":00")


def read_date(field: Field, sent: Column) -> Column:
    """The day a text says; null where it is not written so, or there is none."""
    if not field.format:
        return F.when(sent.rlike(rf"\A{DAY}\z"), sent.try_cast("date"))
    found = time_pattern(field.format, Kind.DATE)
    return F.when(sent.rlike(rf"\A{found.regex}\z"), F.substring(_iso(found, sent), 1, 10).try_cast("date"))


def read_time(field: Field, sent: Column) -> Column:
    """The time of day a text says, as ``HH:mm:ss`` and a fraction if it has one; null where it is none."""
    if not field.format:
        return F.when(sent.rlike(rf"\A{OF_DAY}\z"), sent)
    found = time_pattern(field.format, Kind.TIME)
    clock = F.substring(_iso(found, sent), 12, 18)
    return F.when(sent.rlike(rf"\A{found.regex}\z") & clock.rlike(rf"\A{OF_DAY}\z"), clock)


def _iso(pattern: TimePattern, text: Column) -> Column:
    """The text in the order of ISO 8601, without its zone; what the pattern has no part for is zero."""
    of = {letter: F.substring(text, *place) for letter, place in pattern.places.items()}
    day = F.concat_ws("-", of.get("y", F.lit("1970")), of.get("M", F.lit("01")), of.get("d", F.lit("01")))
    clock = F.concat_ws(":", *[of.get(letter, F.lit("00")) for letter in "Hms"])
    return F.concat(day, F.lit("T"), clock, *([F.lit("."), of["S"]] if "S" in of else []))
