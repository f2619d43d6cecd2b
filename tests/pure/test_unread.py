"""Files that cannot be read are logged once, when they are first seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests import flights

from headrace.errors import SourceMissing
from headrace.flows.unread import UnreadFiles, unread_files


def test_each_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    project, folder = flights.project(tmp_path), tmp_path / "landing" / "weather"
    unread = UnreadFiles(project, ["weather", "arrivals"])
    unread.look(0.0)
    (folder / "staging").mkdir(parents=True)
    unread.look(59.0)
    assert caplog.messages == []
    unread.look(60.0)
    assert caplog.messages == [
        f"ingest.weather leaves out: {folder} has no file of its own, but 1 sub-folder: not read",
    ]
    (folder / "a.jsonl").symlink_to(tmp_path / "nowhere")
    unread.look(120.0)
    unread.look(180.0)
    line = f"{folder}/a.jsonl is a link to nothing: mend or remove it"
    assert caplog.messages[1:] == [f"ingest.weather leaves out: {line}"]
    assert unread_files(project, "weather") == [line]
    (tmp_path / "nowhere").write_text("{}\n")
    assert unread_files(project, "weather") == []


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing) as missing:
        unread_files(flights.project(tmp_path), "weather")
    assert str(missing.value).startswith(
        f"the source of weather is not there: no folder {tmp_path}/landing/weather. Make it, or correct source.path"
    )
