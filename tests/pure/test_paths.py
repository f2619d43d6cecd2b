"""Every file and folder that the documents name is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# A path is written from the repository's root, or from the package's.
BASES = (ROOT, ROOT / "pipelines" / "headrace")
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")

_PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*/?")
_FILE = re.compile(r"[\w*]+\.(?:java|md|py|sh|sha256|toml|txt|xml|ya?ml)")
_MADE = re.compile(r"^`([\w./]+)`:\n\n```", re.MULTILINE)
# What make and headrace write, and a time zone.
NOT_HERE = {".venv/bin", "Etc/UTC", "environment.txt"}


def paths(text: str) -> Iterator[str]:
    """The paths in a document, save those of files that it tells its reader to write."""
    made = set(_MADE.findall(text))
    for span in re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        if _PATH.fullmatch(span) and ("/" in span.rstrip("/") or _FILE.fullmatch(span)) and span not in made | NOT_HERE:
            yield span


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_exists(document: str) -> None:
    named = sorted(set(paths((ROOT / document).read_text(encoding="utf-8"))))
    assert named
    assert [path for path in named if not any(any(base.glob(path.rstrip("/"))) for base in BASES)] == []
