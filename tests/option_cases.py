"""Every kind of field × every option × every way to write a value, each with what has to come of it.

What a value says stands here as a literal, and what a record is worth is told by Python's Decimal, so that nothing of
headrace judges itself.
"""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal, localcontext
from typing import Any, Final

__all__ = ["CASES", "HEAD", "Case", "contract_text"]

HEAD: Final = """\
apiVersion: v3.1.0
kind: DataContract
id: mill.options
version: 1.0.0
schema:
  - name: options
    customProperties: [{property: eventTime, value: at}]
    properties:
      - {name: at, logicalType: timestamp, required: true}
"""
_TYPES: Final[Mapping[str, str]] = {
    "string": "logicalType: string",
    "integer": "logicalType: integer",
    "number": "logicalType: number",
    "decimal(10,2)": "logicalType: number, physicalType: 'decimal(10,2)'",
    "decimal(38,0)": "logicalType: number, physicalType: 'decimal(38,0)'",
    "boolean": "logicalType: boolean",
    "timestamp": "logicalType: timestamp",
    "date": "logicalType: date",
    "time": "logicalType: time",
    "object": "logicalType: object, properties: "
    "[{name: a, logicalType: boolean}, {name: b, logicalType: boolean}, {name: c, logicalType: boolean}]",
    "array": "logicalType: array, items: {logicalType: integer}",
}
_BOUNDS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "minimum": lambda value, bound: value >= bound,
    "maximum": lambda value, bound: value <= bound,
    "exclusiveMinimum": lambda value, bound: value > bound,
    "exclusiveMaximum": lambda value, bound: value < bound,
}
_NUMBERS: Final = ("integer", "number", "decimal(10,2)", "decimal(38,0)")
_TIMES: Final = ("timestamp", "date", "time")
# By option the types that have it.
_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(_BOUNDS, (*_NUMBERS, *_TIMES)),
    "multipleOf": _NUMBERS,
    "validValues": ("string", *_NUMBERS),
    "outlier": _NUMBERS,
    **dict.fromkeys(("minLength", "maxLength", "pattern"), ("string",)),
    "format": ("string", "integer", "number", *_TIMES),
    "timezone": ("timestamp", "time"),
    "defaultTimezone": ("timestamp",),
    **dict.fromkeys(("minItems", "maxItems", "uniqueItems"), ("array",)),
    **dict.fromkeys(("minProperties", "maxProperties", "required"), ("object",)),
}

# A scalar of YAML → the number it says; None where it says none.
_WRITTEN: Final[Mapping[str, str | None]] = {
    "60": "60",
    "60.0": "60",
    "60.5": "60.5",
    "0.1": "0.1",
    "6e1": "60",
    "+6.05E+1": "60.5",
    "2.5e-1": "0.25",
    "2": "2",
    "-60": "-60",
    "-60.5": "-60.5",
    "-6e1": "-60",
    "-0.005": "-0.005",
    "0": "0",
    "0.0": "0",
    "-0.0": "0",
    "0x10": "16",
    "1_000.5": "1000.5",
    "60.12345678901234567890": "60.12345678901234567890",
    "9223372036854775807": "9223372036854775807",
    "-9223372036854775808": "-9223372036854775808",
    "9223372036854775808": "9223372036854775808",
    "1e30": "1e30",
    "1e-30": "1e-30",
    "1e400": None,
    "1e-400": "1e-400",
    "1e-99999999999999999999": None,
    "9" * 400: "9" * 400,
    ".inf": None,
    "-.inf": None,
    ".nan": None,
    "null": None,
    "~": None,
    "": None,
    "true": None,
    "'60'": None,
    "'60.5'": None,
    "[60]": None,
    "{a: 60}": None,
}
_TEXTS: Final[Mapping[str, str]] = {"'60'": "60", "'60.5'": "60.5"}
_NULLS: Final = ("null", "~", "")
# Neither a double nor how one is usually written.
_NO_DOUBLES: Final = {"60.12345678901234567890", "9223372036854775807", "1e-400", "9" * 400}
_TIMES_WRITTEN: Final[Mapping[str, Mapping[str, Any]]] = {
    "timestamp": {
        "2026-01-31T00:00:00Z": datetime(2026, 1, 31, tzinfo=UTC),
        "2026-01-31T02:00:00.5+02:00": datetime(2026, 1, 31, 0, 0, 0, 500_000, tzinfo=UTC),
        "1969-12-31T23:59:59.999999Z": datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    },
    "date": {"2026-01-31": date(2026, 1, 31), "1969-12-31": date(1969, 12, 31)},
    "time": {"08:30:00": time(8, 30), "08:30:00.25": time(8, 30, 0, 250_000), "00:00:00": time(0)},
}
_LARGEST: Final[Mapping[str, Decimal]] = {
    "integer": Decimal(2**63 - 1),
    "decimal(10,2)": Decimal("99999999.99"),
    "decimal(38,0)": Decimal(10**38 - 1),
}
_STEP: Final[Mapping[str, Decimal]] = {
    "integer": Decimal(1),
    "decimal(10,2)": Decimal("0.01"),
    "decimal(38,0)": Decimal(1),
}
# Of so many digits that nothing here is rounded.
_WIDE: Final = Context(prec=1_000, Emin=-10_000, Emax=10_000)


@dataclass(frozen=True)
class Case:
    """One property of a contract.

    written: the value of the option, as it stands in the file.
    records: values of the field as JSON, each with whether it is good; None where the file is refused.
    code: the reason of a value that is not; at: where the reason says it is, behind the field's name.
    key: where a mistake is, below the property.
    """

    type: str
    option: str
    written: str
    records: tuple[tuple[str, bool], ...] | None
    code: str = "out_of_range"
    at: str = ""

    @property
    def key(self) -> str:
        if self.option == "validValues":
            return "quality[0].arguments.validValues"
        if self.option == "outlier":
            return "customProperties[0].value"
        return f"logicalTypeOptions.{self.option}"

    def property(self, name: str) -> str:
        """The property in one line of the file."""
        parts = f"name: {name}, {_TYPES[self.type]}"
        if self.option == "validValues":
            rule = f"{{metric: invalidValues, arguments: {{validValues: [{self.written}]}}, mustBe: 0}}"
            return f"{{{parts}, quality: [{rule}]}}"
        if self.option == "outlier":
            return f"{{{parts}, customProperties: [{{property: outlier, value: {self.written}}}]}}"
        return f"{{{parts}, logicalTypeOptions: {{{self.option}: {self.written}}}}}"

    def __str__(self) -> str:
        return f"{self.type} {self.option}: {self.written[:30]}"


def contract_text(cases: list[Case]) -> str:
    """A contract with a field for each case, ``c0`` and so on, each in a line of its own."""
    return HEAD + "".join(f"      - {case.property(f'c{place}')}\n" for place, case in enumerate(cases))


def _cases() -> Iterator[Case]:
    for type_ in _TYPES:
        for option, types in _OPTIONS.items():
            ways = (*_WRITTEN, *_TIMES_WRITTEN.get(type_, {}), "false", "[a]") if type_ in types else ("60", "null")
            for written in ways:
                with localcontext(_WIDE):
                    yield _case(type_, option, written)


def _case(type_: str, option: str, written: str) -> Case:
    digits = _WRITTEN.get(written)
    number = None if digits is None else Decimal(digits)
    if type_ in _NUMBERS and option in (*_BOUNDS, "multipleOf", "validValues"):
        return _of_number(type_, option, written, number)
    if type_ in _NUMBERS and option == "outlier" and number is not None and 1 <= number <= 1_000:
        return Case(type_, option, written, records=())
    if type_ in _TIMES and option in _BOUNDS and written in _TIMES_WRITTEN[type_]:
        bound = _TIMES_WRITTEN[type_][written]
        records = tuple((json.dumps(_iso(value)), _BOUNDS[option](value, bound)) for value in _around_time(bound))
        return Case(type_, option, written, records, "implausible_time")
    counted = number is not None and number == int(number) and 0 <= number < 2**31
    if counted and number is not None and option in _COUNTED.get(type_, ()):
        return _of_count(type_, option, written, int(number))
    return _of_words(type_, option, written)


def _of_number(type_: str, option: str, written: str, number: Decimal | None) -> Case:
    if number is None or not _is_held(type_, option, written, number):
        return Case(type_, option, written, None)
    if type_ == "number":
        number = Decimal(float(number))
    values = _around(type_, number)
    if option == "multipleOf":
        values |= {value for value in (number, 3 * number, -number, number / 2, Decimal(0)) if _is_value(type_, value)}
        records = ((value, value % number == 0) for value in values)
        code = "not_a_multiple"
    elif option == "validValues":
        records = ((value, value == number) for value in values)
        code = "not_allowed"
    else:
        records = ((value, _BOUNDS[option](value, number)) for value in values)
        code = "out_of_range"
    return Case(type_, option, written, tuple((_json(type_, value), good) for value, good in sorted(records)), code)


def _is_held(type_: str, option: str, written: str, number: Decimal) -> bool:
    """Whether a number can be compared exactly with the values of the type, be one of them, or divide them."""
    if option == "multipleOf" and number <= 0:
        return False
    match type_:
        case "integer":
            return number == int(number) and -(2**63) <= number < 2**63
        case "number" if option == "multipleOf":
            return written not in _NO_DOUBLES and Decimal(float(number)) == number
        case "number":
            return written not in _NO_DOUBLES
        case "decimal(10,2)" if option in _BOUNDS:
            # Beside eight digits before the point and two behind it.
            return abs(number) < 10**36 and number * 10**30 == int(number * 10**30)
        case _:
            return _is_value(type_, number)


def _around(type_: str, number: Decimal) -> set[Decimal]:
    """Values of the type just below a number, just above it, and the number, where it is one."""
    if type_ == "number":
        double = float(number)
        near = (double, math.nextafter(double, -math.inf), math.nextafter(double, math.inf), double - 1, double + 1)
        return {Decimal(value) for value in near}
    step, most = _STEP[type_], _LARGEST[type_]
    below = math.floor(number / step) * step
    return {max(-most, min(value, most)) for value in (below - step, below, below + step, below + 2 * step)}


def _is_value(type_: str, value: Decimal) -> bool:
    if type_ == "number":
        return Decimal(float(value)) == value
    return abs(value) <= _LARGEST[type_] and value % _STEP[type_] == 0


def _json(type_: str, value: Decimal) -> str:
    return repr(float(value)) if type_ == "number" else f"{value:f}"


def _around_time(bound: Any) -> list[Any]:
    if isinstance(bound, time):
        moment = datetime.combine(date(2026, 1, 31), bound)
        near = [moment + timedelta(microseconds=step) for step in (-1, 0, 1)]
        return [one.time() for one in near if one.date() == moment.date()]
    step = timedelta(microseconds=1) if isinstance(bound, datetime) else timedelta(days=1)
    return [bound - step, bound, bound + step]


def _iso(value: Any) -> str:
    text: str = value.isoformat()
    return text


_COUNTED: Final[Mapping[str, tuple[str, str]]] = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}
_SIZED: Final[Mapping[str, tuple[str, Callable[[int], str]]]] = {
    "string": ("length", lambda size: json.dumps("x" * size)),
    "array": ("item_count", lambda size: json.dumps(list(range(size)))),
    "object": ("member_count", lambda size: json.dumps(dict.fromkeys("abc"[:size], True))),
}


def _of_count(type_: str, option: str, written: str, count: int) -> Case:
    code, made = _SIZED[type_]
    most = 3 if type_ == "object" else 70
    sizes = sorted({max(0, min(size, most)) for size in (count - 1, count, count + 1)})
    sides = operator.ge if option.startswith("min") else operator.le
    return Case(type_, option, written, tuple((made(size), sides(size, count)) for size in sizes), code)


def _of_words(type_: str, option: str, written: str) -> Case:
    """What is said by texts and by true and false, and all that is refused."""
    text = _TEXTS.get(written)
    zoned, zoneless = '"2026-01-31T00:00:00Z"', '"2026-01-31T00:00:00"'
    match type_, option, written:
        case "string", "pattern", _ if text is not None:
            texts = ("60", "60.5", "6005", "605", "x")
            pattern = text
            records = tuple((json.dumps(one), bool(re.fullmatch(pattern, one))) for one in texts)
            return Case(type_, option, written, records, "pattern")
        case "string", "validValues", _ if text is not None:
            records = tuple((json.dumps(one), one == text) for one in ("60", "60.5", "60.0", ""))
            return Case(type_, option, written, records, "not_allowed")
        case "array", "uniqueItems", "true" | "false":
            records = (("[1,2]", True), ("[1,1]", written == "false"))
            return Case(type_, option, written, records, "repeated_item")
        case "object", "required", "[a]":
            return Case(type_, option, written, (('{"a":true}', True), ('{"b":true}', False)), "required", ".a")
        case "timestamp", "timezone", "true" | "false":
            records = ((zoned, written == "true"), (zoneless, written == "false"))
            return Case(type_, option, written, records, "wrong_format")
        case "time", "timezone", "false":
            return Case(type_, option, written, (('"08:30:00"', True), ('"08:30:00Z"', False)), "wrong_format")
    return Case(type_, option, written, None)


CASES: Final = tuple(_cases())
