"""Every way to write the value of every option: read as what it says, or refused by file, line and key."""

from __future__ import annotations

import copy
import pickle
import re
from collections import defaultdict
from pathlib import Path

import pytest
from tests.option_cases import CASES, HEAD, contract_text

from headrace.contracts.model import Contract
from headrace.contracts.odcs import read_contract
from headrace.documents import read
from headrace.errors import ConfigError

FILE = "options.odcs.yaml"
FIRST = HEAD.count("\n") + 1
"""The line of the first case."""


def contract(folder: Path, text: str) -> Contract:
    (folder / FILE).write_text(text)
    return read_contract(read(folder / FILE, folder))


def test_there_are_cases_on_either_side() -> None:
    taken = [case for case in CASES if case.records is not None]
    assert len(CASES) > 2_000
    assert len(taken) > 400
    assert sum(len({good for _, good in case.records or ()}) == 2 for case in taken) > 300


@pytest.mark.parametrize("type_", sorted({case.type for case in CASES}))
def test_what_cannot_be_held_is_refused_by_file_line_and_key(tmp_path: Path, type_: str) -> None:
    cases = [case for case in CASES if case.records is None and case.type == type_]
    with pytest.raises(ConfigError) as caught:
        contract(tmp_path, contract_text(cases))
    said = defaultdict(list)
    for mistake in caught.value.mistakes:
        found = re.match(rf"{re.escape(FILE)}:(\d+): schema\[0\]\.properties\[(\d+)\]\.(.*?): .", mistake)
        assert found, mistake
        assert int(found[2]) == int(found[1]) - FIRST + 1
        said[int(found[1]) - FIRST].append(found[3])
    for place, case in enumerate(cases):
        assert said[place], f"{case} is taken"
        assert all(key.startswith(case.key) for key in said[place]), (case, said[place])


def test_what_can_be_held_is_read_as_plain_values(tmp_path: Path) -> None:
    cases = [case for case in CASES if case.records is not None]
    found = contract(tmp_path, contract_text(cases))
    again = (copy.deepcopy(found), pickle.loads(pickle.dumps(found)))
    assert again == (found, found)
    assert {each.fingerprint for each in again} == {found.fingerprint}
