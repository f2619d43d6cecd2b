"""The judge: envelopes in, the same rows out with typed fields, reasons and warnings. One parse, one pass.

Every record keeps exactly one row. ``reasons`` is empty where the record is accepted. No record can make the query
fail, and none is repaired: what was sent as another type is ``wrong_type``, and cast only where the contract says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache, reduce
from operator import or_
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from headrace.contracts.checks import Check, value_checks
from headrace.contracts.former import asked_again, settled
from headrace.contracts.model import Contract, Criticality, Field, Unknown
from headrace.contracts.plain import is_plain
from headrace.contracts.reasons import NONE, Reason, reason
from headrace.contracts.shape import as_variant, shape_checks, shape_is_clean
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

    Kept, for it takes longer to put together than a small batch takes to be judged.
    """
    value, plain = F.col("envelope.value"), F.col("_plain")
    text = F.when(F.col("_gate").isNull(), value.cast("string"))
    plainly = F.coalesce(is_plain(contract, F.col("_text"), F.col("_json")), F.lit(False))
    whole = shape_is_clean(contract, F.col("_variant")) & _corrupt().isNull()
    checks = tuple(_value_checks(contract))
    errors = tuple(check for check in checks if check.criticality is Criticality.ERROR)
    warns = tuple(check for check in checks if check.criticality is Criticality.WARN)
    others = F.when(~F.col("_clean"), unknown_members(contract, F.col("_variant")))
    accepted = F.col("_clean") & ~F.col("_fails")
    return (
        (F.struct("*").alias("envelope"),),
        ("*", _gate(contract, value).alias("_gate")),
        ("*", text.alias("_text")),
        ("*", _parse(contract).alias("_json")),
        ("*", plainly.alias("_plain")),
        ("*", F.when(~plain, as_variant(F.col("_text"))).alias("_variant")),
        (
            "*",
            (plain | whole).alias("_clean"),
            *[typed(field, _sent(field)).alias(field.name) for field in contract.fields],
        ),
        ("*", _any(errors).alias("_fails"), others.alias("others")),
        (
            "envelope",
            *contract.names,
            F.col(contract.event_time).alias("event_time"),
            F.when(accepted, F.expr(NONE)).otherwise(_reasons(contract, errors)).alias("reasons"),
            _raised(warns).alias("warnings"),
            "others",
            F.lit(contract.version).alias("contract_version"),
        ),
    )


def _gate(contract: Contract, value: Column) -> Column:
    """Why a record is not worth parsing, else null."""
    return (
        F.when(value.isNull(), Reason.TOMBSTONE.value)
        .when(F.length(value) > contract.max_bytes, Reason.TOO_LARGE.value)
        .when(~F.is_valid_utf8(value.cast("string")), Reason.INVALID_UTF8.value)
        .when(~value.cast("string").rlike(r"\S"), Reason.EMPTY.value)
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


def _reasons(contract: Contract, errors: tuple[Check, ...]) -> Column:
    """Gate, then shape, then values: what a later step would only repeat of an earlier one is not asked."""
    corrupt = _corrupt().isNotNull()
    misshapen = _raised(shape_checks(contract, F.col("_text"), F.col("_variant"), corrupt))
    if contract.unknown is Unknown.REJECT:
        misshapen = F.concat(misshapen, unknown_reasons(contract, F.col("others")))
    gate = F.transform(F.array(F.col("_gate")), _gate_reason)
    return (
        F.when(F.col("_gate").isNotNull(), gate)
        .when(F.col("_clean"), _built(errors))
        .otherwise(F.when(F.size(misshapen) > 0, misshapen).otherwise(_built((*errors, _unexplained(corrupt)))))
    )


def _unexplained(corrupt: Column) -> Check:
    return Check(corrupt, Reason.MALFORMED, None, Criticality.ERROR)


def _gate_reason(code: Column) -> Column:
    message = F.create_map(*[F.lit(text) for member in Reason for text in (member.value, member.message)])
    return F.struct(
        code.alias("code"),
        code.alias("rule"),
        F.lit(None).cast("string").alias("field"),
        F.try_element_at(message, code).alias("message"),
    )


def _raised(checks: Iterable[Check]) -> Column:
    """The reasons of the checks that fail, built only where one does."""
    checks = tuple(checks)
    return F.when(_any(checks), _built(checks)).otherwise(F.expr(NONE)) if checks else F.expr(NONE)


def _any(checks: Iterable[Check]) -> Column:
    return reduce(or_, (check.fails for check in checks), F.lit(False))


def _built(checks: Iterable[Check]) -> Column:
    built = [
        F.when(
            check.fails,
            reason(check.code, field=check.field, rule=check.rule, message=check.message, found=check.found),
        )
        for check in checks
    ]
    return F.filter(F.array(*built), lambda one: one.isNotNull()) if built else F.expr(NONE)
