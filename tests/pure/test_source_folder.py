"""What is seen of a source's folder without Spark: what is read, what cannot be, what is passed over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headrace.config import FileSource
from headrace.io.source_folder import look_into


def test_what_can_be_read_and_what_cannot(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a:b.jsonl", ".part", "_tmp", "c._COPYING_"):
        (tmp_path / name).write_text("{}\n")
    (tmp_path / "large.jsonl").write_text("x" * 11)
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "nowhere")
    (tmp_path / "staging").mkdir()
    os.mkfifo(tmp_path / "pipe")
    folder = look_into(FileSource(kind="files", path=str(tmp_path), max_file_bytes=10))
    assert folder is not None
    assert folder.sizes == {"a:b.jsonl": 3, "b.jsonl": 3}
    assert folder.unreadable == {
        "large.jsonl": "has 11 bytes, more than max_file_bytes (10): split it, or raise that",
        "link.jsonl": "is a link to nothing: mend or remove it",
        "pipe": "is no plain file: remove it",
    }
    assert (folder.subfolders, folder.hidden) == (("staging",), (".part", "_tmp", "c._COPYING_"))
    assert folder.note == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_this_user_may_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").touch(mode=0)
    folder = look_into(FileSource(kind="files", path=str(tmp_path)))
    assert folder is not None
    assert folder.unreadable == {"a.jsonl": "may not be read by this user: change its owner or mode"}


def test_a_folder_without_a_file_of_its_own_says_what_it_has(tmp_path: Path) -> None:
    source = FileSource(kind="files", path=str(tmp_path))
    empty = look_into(source)
    (tmp_path / "2026-01-01").mkdir()
    (tmp_path / "2026-01-02").mkdir()
    (tmp_path / ".part").touch()
    folder = look_into(source)
    assert empty is not None
    assert folder is not None
    assert empty.note == ""
    assert folder.note == f"{tmp_path} has no file of its own, but 2 sub-folders and 1 hidden name: not read"


def test_a_folder_elsewhere_is_not_looked_into_and_one_that_is_not_there_is_no_folder(tmp_path: Path) -> None:
    assert look_into(FileSource(kind="files", path="s3a://bucket/landing")) is None
    with pytest.raises(FileNotFoundError):
        look_into(FileSource(kind="files", path=str(tmp_path / "landing")))
