"""What the doctor says of places, without a server or a JVM."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests import flights

from headrace.cli.doctor import Examined, examine
from headrace.config import Storage


def test_a_folder_of_another_machine_is_not_taken_for_one_that_can_be_written(tmp_path: Path) -> None:
    project = flights.project(tmp_path)
    storage = Storage(root=str(tmp_path / "tables"), checkpoints="/Volumes/main/headrace/checkpoints")
    there = replace(project, settings=project.settings.model_copy(update={"storage": storage}))
    found = {one.what: one for one in examine(there, Path("conf")) if one.what in ("tables", "checkpoints")}
    assert found == {
        "tables": Examined("tables", True, f"{tmp_path}/tables can be written"),
        "checkpoints": Examined(
            "checkpoints",
            False,
            "/Volumes/main/headrace/checkpoints: this machine has no /Volumes; make it, or ask on the machine headrace "
            "runs on",
        ),
    }
