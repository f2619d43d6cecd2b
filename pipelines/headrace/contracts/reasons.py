"""The closed list of reasons a record can be rejected or marked for."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Reason"]


class Reason(StrEnum):
    """Why a record broke its contract. Each member's text below is its message to people."""

    TOMBSTONE = "tombstone"
    TOO_LARGE = "too_large"
    FOREIGN_FORMAT = "foreign_format"
    INVALID_UTF8 = "invalid_utf8"
    EMPTY = "empty"
    MALFORMED = "malformed"
    TOO_DEEP = "too_deep"
    LONG_NUMBER = "long_number"
    LONE_SURROGATE = "lone_surrogate"
    DUPLICATE_KEY = "duplicate_key"
    TRAILING_CONTENT = "trailing_content"
    NOT_AN_OBJECT = "not_an_object"
    WRONG_CASE = "wrong_case"
    WRONG_TYPE = "wrong_type"
    NON_FINITE = "non_finite"
    INEXACT_DECIMAL = "inexact_decimal"
    REQUIRED = "required"
    WRONG_FORMAT = "wrong_format"
    OUT_OF_RANGE = "out_of_range"
    IMPLAUSIBLE_TIME = "implausible_time"
    FUTURE_EVENT_TIME = "future_event_time"
    LENGTH = "length"
    PATTERN = "pattern"
    FORMAT = "format"
    NOT_ALLOWED = "not_allowed"
    UNKNOWN_FIELD = "unknown_field"
    NOT_A_MULTIPLE = "not_a_multiple"
    ITEM_COUNT = "item_count"
    REPEATED_ITEM = "repeated_item"
    MEMBER_COUNT = "member_count"
    RULE = "rule"
    DUPLICATE = "duplicate"
    OUTLIER = "outlier"
    NOT_SCORED = "not_scored"

    @property
    def message(self) -> str:
        return _MESSAGES[self]


_MESSAGES = {
    Reason.TOMBSTONE: "the record has no value",
    Reason.TOO_LARGE: "the record is larger than the contract allows, and was not parsed",
    Reason.FOREIGN_FORMAT: "the bytes are not JSON in UTF-8, and were not parsed",
    Reason.INVALID_UTF8: "the bytes are not UTF-8",
    Reason.EMPTY: "the record is blank",
    Reason.MALFORMED: "the text is not JSON",
    Reason.TOO_DEEP: "the JSON is nested too deeply to be parsed",
    Reason.LONG_NUMBER: "a number has too many digits to be parsed",
    Reason.LONE_SURROGATE: "half of a surrogate pair stands alone, which no text can hold",
    Reason.DUPLICATE_KEY: "a key stands twice, so its value is ambiguous",
    Reason.TRAILING_CONTENT: "something follows the first JSON document",
    Reason.NOT_AN_OBJECT: "the JSON is not an object",
    Reason.WRONG_CASE: "a key differs from the contract's field only in upper and lower case",
    Reason.WRONG_TYPE: "the value was sent as another type",
    Reason.NON_FINITE: "the number is infinite or not a number",
    Reason.INEXACT_DECIMAL: "the number has more decimal places than the field, and would be rounded",
    Reason.REQUIRED: "the field is required and is null or absent",
    Reason.WRONG_FORMAT: "the text is not a date or time written as the contract says",
    Reason.OUT_OF_RANGE: "the value is outside its bounds",
    Reason.IMPLAUSIBLE_TIME: "the time is outside its bounds",
    Reason.FUTURE_EVENT_TIME: "the event lies farther ahead than the signal's clock allows",
    Reason.LENGTH: "the text is too short or too long",
    Reason.PATTERN: "the text does not match its pattern",
    Reason.FORMAT: "the text is not of its format",
    Reason.NOT_ALLOWED: "the value is not one of those allowed",
    Reason.UNKNOWN_FIELD: "the contract names no such field, and lets none in",
    Reason.NOT_A_MULTIPLE: "the number does not divide by the contract's",
    Reason.ITEM_COUNT: "the array has too few or too many items",
    Reason.REPEATED_ITEM: "an item stands in the array twice",
    Reason.MEMBER_COUNT: "the object has too few or too many members",
    Reason.RULE: "the condition does not hold",
    Reason.DUPLICATE: "a record with the same primary key was accepted before it",
    Reason.OUTLIER: "the value lies far from what the signal usually sends",
    Reason.NOT_SCORED: "the model gave no usable answer",
}
