"""The judge: envelopes in, the same rows out with typed fields, reasons and warnings. One parse, one pass.

Every record keeps exactly one row. ``reasons`` is empty where the record is accepted. No record can make the query
fail, and none is repaired: what was sent as another type is ``wrong_type``, and cast only where the contract says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache, reduce
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from headrace.contracts.checks import Check, value_checks
from headrace.contracts.former import asked_again, settled
from headrace.contracts.model import Contract, Criticality, Field, Unknown
from headrace.contracts.plain import is_plain
from headrace.contracts.reasons import NONE, Reason, reason
from headrace.contracts.shape import (
    as_variant,
    in_brackets,
    sent_types,
    shape_checks,
    shape_is_clean,
    text_checks,
)
from headrace.contracts.types import json_type, typed
from headrace.contracts.unknown import unknown_members, unknown_reasons

__all__ = ["judge"]

_BAD: Final = "_headrace_corrupt"
_STRICT: Final = {
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": _BAD,
    "allowSingleQuotes": "false",
    "allowNonNumericNumbers": "false",
}


def judge(envelopes: DataFrame, contract: Contract) -> DataFrame:
    """Judge every envelope by the contract.

    In: ``value`` BINARY and any other columns. Out: one column ``envelope`` holding all of those, the contract's
    fields typed and in its order, ``event_time`` TIMESTAMP (null if it could not be read), ``reasons``, ``warnings``,
    ``others`` MAP<STRING, STRING>, the members no field is named as, null if there are none, and
    ``contract_version``, of the contract or of the former one, which is asked about what the contract rejects. Not
    decided here: whether the event time is plausible for the signal's clock.
    """
    judged = _judged(envelopes, contract)
    if contract.former is None:
        return judged
    return settled(_judged(asked_again(judged), contract.former), contract, contract.former)


def _judged(envelopes: DataFrame, contract: Contract) -> DataFrame:
    return reduce(lambda rows, columns: rows.select(*columns), _steps(contract), envelopes)


@lru_cache(maxsize=64)
def _steps(contract: Contract) -> tuple[tuple[Column | str, ...], ...]:
    """What is selected, step after step; each reads what the ones before it made, by name.

    Kept, for it takes longer to put together than a small batch takes to be judged. What stands in one step with a
    function of functions (``F.transform``) is compiled apart, in methods that are small enough; the steps before them
    are one method, which has to be.
    """
    value, plain = F.col("envelope.value"), F.col("_plain")
    text = F.when(F.col("_gate").isNull(), value.cast("string"))
    plainly = F.coalesce(is_plain(contract, F.col("_text"), F.col("_json")), F.lit(False))
    record = F.when(~plain, as_variant(F.col("_bracketed"), F.col("_text")))
    whole = shape_is_clean(contract, F.col("_variant")) & _corrupt().isNull()
    checks = tuple(_value_checks(contract))
    errors = tuple(check for check in checks if check.criticality is Criticality.ERROR)
    warns = tuple(check for check in checks if check.criticality is Criticality.WARN)
    unclean = F.col("_gate").isNull() & ~F.col("_clean")
    read = unclean & F.col("_variant").isNotNull()
    return (
        (F.struct("*").alias("envelope"),),
        ("*", _gate(contract, value).alias("_gate")),
        ("*", text.alias("_text")),
        ("*", _parse(contract).alias("_json")),
        ("*", plainly.alias("_plain")),
        ("*", F.when(~plain, in_brackets(F.col("_text"))).alias("_bracketed")),
        ("*", record.alias("_variant")),
        ("*", (plain | whole).alias("_clean")),
        ("*", F.when(unclean, F.json_object_keys("_text")).alias("_keys")),
        (
            "*",
            *[typed(field, _sent(field)).alias(field.name) for field in contract.fields],
            F.when(read, unknown_members(contract, F.col("_variant"), F.col("_keys"))).alias("others"),
            F.when(read, sent_types(F.col("_variant"))).alias("_types"),
        ),
        (
            "*",
            _asked(errors).alias("_errors"),
            _asked(warns).alias("_warns"),
            F.when(unclean, _misshapen(contract)).alias("_misshapen"),
        ),
        (
            "envelope",
            *contract.names,
            F.col(contract.event_time).alias("event_time"),
            _reasons(_answered(errors, "_errors")).alias("reasons"),
            _warnings(_answered(warns, "_warns")).alias("warnings"),
            "others",
            F.lit(contract.version).alias("contract_version"),
        ),
    )


def _gate(contract: Contract, value: Column) -> Column:
    """Why a record is not worth parsing, else null."""
    text = value.cast("string")
    return (
        F.when(value.isNull(), Reason.TOMBSTONE.value)
        .when(F.length(value) > contract.max_bytes, Reason.TOO_LARGE.value)
        .when(~F.is_valid_utf8(text), Reason.INVALID_UTF8.value)
        .when(~text.startswith("{") & ~text.rlike(r"\S"), Reason.EMPTY.value)
    )


def _parse(contract: Contract) -> Column:
    members = ", ".join(f"`{field.name}` {json_type(field)}" for field in contract.fields)
    return F.from_json(F.col("_text"), f"{members}, `{_BAD}` STRING", _STRICT)


def _sent(field: Field) -> Column:
    return F.col("_json").getField(field.name)


def _corrupt() -> Column:
    """The text again where from_json could not read all of it: one number too large for its field is enough."""
    return F.col("_json").getField(_BAD)


def _value_checks(contract: Contract) -> Iterator[Check]:
    for field in contract.fields:
        yield from value_checks(field, _sent(field), F.col(field.name))
    for rule in contract.rules:
        holds = F.coalesce(F.expr(rule.expression), F.lit(False))
        message = rule.description or Reason.RULE.message
        yield Check(~holds, Reason.RULE, None, rule.criticality, rule.name, message)


def _misshapen(contract: Contract) -> Column:
    """What is wrong with the text, or with what was sent in it."""
    text, variant, others = F.col("_text"), F.col("_variant"), F.col("others")
    unread = text_checks(text, F.col("_keys"), _corrupt().isNotNull())
    misfit = _built(shape_checks(contract, variant, F.col("_types"), others))
    if contract.unknown is Unknown.REJECT:
        misfit = F.concat(misfit, unknown_reasons(contract, others))
    return F.when(variant.isNull(), _built(unread)).otherwise(misfit)


def _reasons(errors: tuple[Check, ...]) -> Column:
    """Gate, then shape, then values: what a later step would only repeat of an earlier one is not told."""
    unexplained = Check(~F.col("_clean") & _corrupt().isNotNull(), Reason.MALFORMED, None, Criticality.ERROR)
    values = _built(replace(check, fails=check.fails & _is_news(check.field)) for check in (*errors, unexplained))
    return (
        F.when(F.col("_clean") & ~F.array_contains("_errors", True), F.expr(NONE))
        .when(F.col("_gate").isNotNull(), F.transform(F.array(F.col("_gate")), _gate_reason))
        .otherwise(F.concat(F.coalesce(F.col("_misshapen"), F.expr(NONE)), values))
    )


def _is_news(field: str | None) -> Column:
    """Whether a value of the field can tell more than the record's shape did, which names it, another field, or none.

    Of a record whose shape is wrong as a whole nothing more can be told, and of one with a field of the wrong type no
    condition over several.
    """
    misfits = F.col("_misshapen")
    if field is None:
        return F.coalesce(F.size(misfits) < 1, F.lit(True))
    # Null where a misfit names no field.
    return F.coalesce(~F.array_contains(misfits["field"], F.lit(field)), misfits.isNull())


def _gate_reason(code: Column) -> Column:
    message = F.create_map(*[F.lit(text) for member in Reason for text in (member.value, member.message)])
    return F.struct(
        code.alias("code"),
        code.alias("rule"),
        F.lit(None).cast("string").alias("field"),
        F.try_element_at(message, code).alias("message"),
    )


def _warnings(warns: tuple[Check, ...]) -> Column:
    return F.when(F.array_contains("_warns", True), _built(warns)).otherwise(F.expr(NONE))


def _asked(checks: Iterable[Check]) -> Column:
    """ARRAY<BOOLEAN>: whether each check fails, behind one that never does."""
    return F.array(F.lit(False), *[check.fails for check in checks])


def _answered(checks: Iterable[Check], asked: str) -> tuple[Check, ...]:
    """The checks again, each with its answer in the column ``asked`` instead of its condition."""
    return tuple(replace(check, fails=F.col(asked)[place]) for place, check in enumerate(checks, start=1))


def _built(checks: Iterable[Check]) -> Column:
    """The reasons of the checks that fail. Put together without a lambda, for what is in one is not compiled."""
    none = F.expr(NONE)
    built = [
        F.when(
            check.fails,
            F.array(reason(check.code, field=check.field, rule=check.rule, message=check.message, found=check.found)),
        ).otherwise(none)
        for check in checks
    ]
    return F.concat(*built) if built else none
