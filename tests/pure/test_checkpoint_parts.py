"""What is missing or damaged in a checkpoint's folder, by the files that lie in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from headrace.io.checkpoint_parts import Damage, Part, damage, parts_of

WHOLE: Mapping[str, str] = {
    "metadata": '{"id":"q"}',
    "sources/0/8": "v1\n{}",
    "sources/0/9.compact": "v1\n{}",
    "offsets/8": 'v1\n{"batchTimestampMs":1}\n{"logOffset":8}',
    "offsets/9": 'v1\n{"batchTimestampMs":2}\n{"logOffset":9}',
    "commits/8": "v1\n{}",
    "commits/9": "v1\n{}",
    "state/0/0/1.delta": "x",
}


def found(folder: Path, files: Mapping[str, str], *, stateful: bool = True) -> Damage | None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return damage(parts_of(folder), stateful=stateful)


def without(*names: str) -> dict[str, str]:
    return {name: text for name, text in WHOLE.items() if not name.startswith(names)}


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(WHOLE, id="whole"),
        pytest.param({}, id="none yet"),
        pytest.param({"metadata": '{"id":"q"}'}, id="begun"),
        pytest.param(without("commits/9"), id="a batch that was cut off"),
        pytest.param(without("commits", "state"), id="no batch has ended, as Spark sees it"),
        pytest.param({**WHOLE, "commits/9": "", "commits/10": "v1\n{}", "offsets/10": WHOLE["offsets/9"]}, id="older"),
    ],
)
def test_nothing_is_wrong(tmp_path: Path, files: Mapping[str, str]) -> None:
    assert found(tmp_path, files) is None


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (without("metadata"), Damage(Part.METADATA, "it has no metadata")),
        ({**WHOLE, "metadata": ""}, Damage(Part.METADATA, "its metadata cannot be read")),
        (without("offsets"), Damage(Part.OFFSETS, "it has no offsets/9, though batch 9 has ended")),
        (without("offsets/9"), Damage(Part.OFFSETS, "it has no offsets/9, though batch 9 has ended")),
        ({**WHOLE, "offsets/9": ""}, Damage(Part.OFFSETS, "offsets/9 is empty")),
        ({**without("commits/9"), "offsets/9": ""}, Damage(Part.OFFSETS, "offsets/9 is empty", "offsets/9")),
        ({**WHOLE, "commits/9": ""}, Damage(Part.COMMITS, "commits/9 is empty", "commits/9")),
        (
            without("sources"),
            Damage(Part.SOURCES, "it has no sources/0/9, which names the files that were read"),
        ),
        (
            without("sources/0/9"),
            Damage(Part.SOURCES, "it has no sources/0/9, which names the files that were read"),
        ),
        ({**WHOLE, "sources/0/9.compact": ""}, Damage(Part.SOURCES, "sources/0/9 is empty")),
        ({**WHOLE, "sources/0/10": ""}, Damage(Part.SOURCES, "sources/0/10 is empty", "sources/0/10")),
        (without("state"), Damage(Part.STATE, "its state is gone")),
    ],
)
def test_what_is_wrong(tmp_path: Path, files: Mapping[str, str], expected: Damage) -> None:
    assert found(tmp_path, files) == expected


def test_a_query_without_state_lacks_none(tmp_path: Path) -> None:
    assert found(tmp_path, without("state"), stateful=False) is None
