"""A file's lines as envelopes: every byte kept, every line at its number."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from headrace.io.sources import file_lines


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"a\nb\n", [b"a", b"b"]),
        (b"a\nb", [b"a", b"b"]),
        (b"a\r\n\nb\n", [b"a\r", b"", b"b"]),
        (b"\xff\x00\xe9\n\x80", [b"\xff\x00\xe9", b"\x80"]),
        (b"\n", [b""]),
        (b"\n\n", [b"", b""]),
        (b"", []),
        ("é\u2028x\n".encode(), ["é\u2028x".encode()]),
    ],
)
def test_lines(spark: SparkSession, tmp_path: Path, content: bytes, lines: list[bytes]) -> None:
    (tmp_path / "some file.jsonl").write_bytes(content)
    files = spark.read.format("binaryFile").load(str(tmp_path))
    rows = file_lines(files, "signal").orderBy("source.position").collect()
    assert [bytes(row["value"]) for row in rows] == lines
    assert [row["record_id"] for row in rows] == [f"signal/some file.jsonl#{n}" for n in range(1, len(lines) + 1)]
    assert [row["source"]["position"] for row in rows] == list(range(1, len(lines) + 1))
