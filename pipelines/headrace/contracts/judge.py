"""The judge: envelopes in, the same rows out with typed fields, reasons and warnings. Read once, in one pass.

Every record keeps exactly one row. ``reasons`` is empty where the record is accepted. No record can make the query
fail, and none is repaired: what was sent as another type is ``wrong_type``, and cast only where the contract says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache, reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from headrace.contracts.checks import Check, value_checks
from headrace.contracts.former import asked_again, settled
from headrace.contracts.model import Contract, Criticality, Field, Unknown
from headrace.contracts.reading import provide, read
from headrace.contracts.reason_columns import NONE, reason
from headrace.contracts.reasons import Reason
from headrace.contracts.types import typed
from headrace.contracts.unknown import unknown_reasons

__all__ = ["judge"]


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
    provide(envelopes.sparkSession, contract)
    return reduce(lambda rows, columns: rows.select(*columns), _steps(contract), envelopes)


@lru_cache(maxsize=64)
def _steps(contract: Contract) -> tuple[tuple[Column | str, ...], ...]:
    """What is selected, step after step; each reads what the ones before it made, by name.

    Kept, for it takes longer to put together than a small batch takes to be judged.
    """
    checks = tuple(_value_checks(contract))
    errors = tuple(check for check in checks if check.criticality is Criticality.ERROR)
    warns = tuple(check for check in checks if check.criticality is Criticality.WARN)
    return (
        (F.struct("*").alias("envelope"),),
        ("*", read(contract, F.col("envelope.value")).alias("_read")),
        ("*", *[typed(field, _sent(field)).alias(field.name) for field in contract.fields]),
        ("*", _asked(errors).alias("_errors"), _asked(warns).alias("_warns")),
        (
            "envelope",
            *contract.names,
            F.col(contract.event_time).alias("event_time"),
            _reasons(contract, _answered(errors, "_errors")).alias("reasons"),
            _warnings(_answered(warns, "_warns")).alias("warnings"),
            F.col("_read.others").alias("others"),
            F.lit(contract.version).alias("contract_version"),
        ),
    )


def _sent(field: Field) -> Column:
    return F.col("_read.sent").getField(field.name)


def _value_checks(contract: Contract) -> Iterator[Check]:
    for field in contract.fields:
        yield from value_checks(field, _sent(field), F.col(field.name))
    for rule in contract.rules:
        holds = F.coalesce(F.expr(rule.expression), F.lit(False))
        message = rule.description or Reason.RULE.message
        yield Check(~holds, Reason.RULE, None, rule.criticality, rule.name, message)


def _reasons(contract: Contract, errors: tuple[Check, ...]) -> Column:
    """Bytes, then shape, then values: what a later step would only repeat of an earlier one is not told."""
    misfits, others = F.col("_read.reasons"), F.col("_read.others")
    unknown = contract.unknown is Unknown.REJECT
    clean = misfits.isNull() & ~F.array_contains("_errors", True)
    told = [F.coalesce(misfits, F.expr(NONE))]
    if unknown:
        clean &= others.isNull()
        told.append(unknown_reasons(contract, others))
    values = _built(replace(check, fails=check.fails & _is_news(check.field)) for check in errors)
    return F.when(clean, F.expr(NONE)).when(F.col("_read.sent").isNull(), misfits).otherwise(F.concat(*told, values))


def _is_news(field: str | None) -> Column:
    """Whether a value of the field can tell more than the record's shape did, which names it, another field, or none.

    Of a record whose shape is wrong as a whole nothing more can be told, and of one with a field of the wrong type no
    condition over several.
    """
    misfits = F.col("_read.reasons")
    if field is None:
        return F.coalesce(F.size(misfits) < 1, F.lit(True))
    # Null where a misfit names no field.
    return F.coalesce(~F.array_contains(misfits["field"], F.lit(field)), misfits.isNull())


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
