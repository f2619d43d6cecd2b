"""Every way to write the value of every option, from the file to a record on each side of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest
from pyspark.sql import SparkSession
from tests.frames.test_judge_nested import judged
from tests.option_cases import CASES, contract_text

from headrace.contracts.odcs import read_contract
from headrace.documents import read

TAKEN = [case for case in CASES if case.records]


@dataclass(frozen=True)
class Judged:
    """What was said of the records. Record n had of each field its value n.

    same: by case the one that reads to the same field, and stands for it.
    said: of each record the reasons, as code and field.
    """

    same: Sequence[int]
    said: Sequence[Sequence[str]]


@pytest.fixture(scope="module")
def found(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    file = tmp_path_factory.mktemp("options") / "options.odcs.yaml"
    file.write_text(contract_text(TAKEN))
    contract = read_contract(read(file))
    first: dict[str, int] = {}
    for place, field in enumerate(contract.fields[1:]):
        first.setdefault(repr(replace(field, name="")), place)
    same = [first[repr(replace(field, name=""))] for field in contract.fields[1:]]
    fields = (contract.fields[0], *[contract.fields[place + 1] for place in sorted(set(same))])
    payloads = [_payload(number, set(same)) for number in range(max(len(case.records or ()) for case in TAKEN))]
    with _not_compiled(spark):
        rows = judged(spark, payloads, replace(contract, fields=fields))
    return Judged(same, [row["said"] for row in rows])


@contextmanager
def _not_compiled(spark: SparkSession) -> Iterator[None]:
    """A job has hundreds of checks for a few records, and compiling them takes most of the time."""
    keys = ("spark.sql.codegen.wholeStage", "spark.sql.codegen.factoryMode")
    for key, value in zip(keys, ("false", "NO_CODEGEN"), strict=True):
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key in keys:
            spark.conf.unset(key)


def _payload(number: int, places: set[int]) -> str:
    records = {place: TAKEN[place].records or () for place in sorted(places)}
    values = [f'"c{place}":{values[number][0]}' for place, values in records.items() if number < len(values)]
    return f'{{"at":"2026-01-31T00:00:00Z",{",".join(values)}}}'


@pytest.mark.parametrize("place", range(len(TAKEN)), ids=lambda place: str(TAKEN[place]))
def test_values_on_each_side(found: Judged, place: int) -> None:
    case, name = TAKEN[place], f"c{found.same[place]}"
    assert case.records == TAKEN[found.same[place]].records
    for number, (value, good) in enumerate(case.records or ()):
        mine = [one for one in found.said[number] if one.split(":")[1].split(".")[0] == name]
        assert mine == ([] if good else [f"{case.code}:{name}{case.at}"]), value
