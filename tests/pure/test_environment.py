"""What is installed, as a training takes it down."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.io.environment import installed


def test_what_a_distribution_carries_within_itself_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """setuptools puts its own folder of others on the path once it is imported."""
    before = installed()
    for folder, name in (("setuptools/_vendor", "carried"), ("site", "added")):
        facts = tmp_path / folder / f"{name}-1.0.dist-info" / "METADATA"
        facts.parent.mkdir(parents=True)
        facts.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        monkeypatch.syspath_prepend(tmp_path / folder)
    assert installed() == dict(sorted({**before, "added": "1.0"}.items(), key=lambda part: (part[0] != "python", part)))
