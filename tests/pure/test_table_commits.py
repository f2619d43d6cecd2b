"""The log of a table as the JSON it is: what each version added, and which is the newest."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import CommitProperties, write_deltalake

from headrace.errors import InfrastructureError
from headrace.io.table_commits import commits_after, latest_version, read_commit


def commit(table: Path, *names: str, metadata: str | None = None) -> None:
    rows = pa.table({"n": pa.array(range(len(names)), pa.int64()), "name": pa.array(names, pa.string())})
    noted = CommitProperties(custom_metadata={"userMetadata": metadata}) if metadata else None
    write_deltalake(table, rows, mode="append", partition_by=["name"], commit_properties=noted)


def test_a_version_says_who_wrote_it_and_which_files(tmp_path: Path) -> None:
    table = tmp_path / "data 100% (1)"
    commit(table, "Zürich 100%", "a/b=c", metadata="first")
    commit(table, "d")
    first, second = commits_after(table, -1)
    assert (first.version, first.metadata, first.rows, first.replaces) == (0, "first", 2, False)
    assert {file.partition["name"] for file in first.files} == {"Zürich 100%", "a/b=c"}
    assert all(file.path.is_file() for file in (*first.files, *second.files)), "as the file system names them"
    assert (second.version, second.metadata, len(second.files)) == (1, None, 1)
    assert [one.version for one in commits_after(table, 0)] == [1]
    assert list(commits_after(table, 1)) == []


def test_the_newest_version_is_found_whoever_wrote_it(tmp_path: Path) -> None:
    table = tmp_path / "t"
    assert latest_version(table) == -1
    for number in range(3):
        commit(table, "a")
        assert latest_version(table) == number
    shutil.rmtree(table)
    assert latest_version(table) == -1
    commit(table, "a")
    assert latest_version(table) == 0, "a table made anew begins anew"


def test_a_version_that_the_log_lacks_is_told(tmp_path: Path) -> None:
    table = tmp_path / "t"
    for _ in range(3):
        commit(table, "a")
    (table / "_delta_log" / f"{1:020}.json").unlink()
    assert read_commit(table, 1) is None
    with pytest.raises(InfrastructureError, match=r"lacks version 1, though later ones are there"):
        list(commits_after(table, 0))
