"""A file's lines as envelopes: every byte kept, every line at its number."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from headrace.config import FileSource
from headrace.io.sources import file_envelopes, file_lines, files_there


def test_what_lies_in_sub_folders_is_none_of_the_folders(spark: SparkSession, tmp_path: Path) -> None:
    """One named as a partition of Hive's would have made Spark pass over the folder's own files."""
    folder, checkpoint = tmp_path / "landing é 1%", str(tmp_path / "checkpoint")
    for name in ("a.jsonl", "day=1/a.jsonl", "staging/b.jsonl", "day=1/deeper/c.jsonl"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{name}\n")
    source = FileSource(kind="files", path=f"{folder}/")
    assert [row["path"].rpartition("/")[2] for row in files_there(spark, source).collect()] == ["a.jsonl"]
    taken = list[str]()

    def take(batch: DataFrame, _: int) -> None:
        taken.extend(bytes(row["value"]).decode() for row in batch.select("value").collect())

    for _ in range(2):
        stream = file_envelopes(spark, source, "signal").writeStream.foreachBatch(take)
        stream.option("checkpointLocation", checkpoint).trigger(availableNow=True).start().awaitTermination()
        (folder / "b.jsonl").write_text("second\n")
    assert taken == ["a.jsonl", "second"]


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
