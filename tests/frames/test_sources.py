"""A file's lines as envelopes: every byte kept, every line at its number."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from headrace.config import FileSource
from headrace.io.sources import file_envelopes, file_lines, files_there


def packed(content: bytes) -> bytes:
    """The same bytes at any time."""
    return gzip.compress(content, mtime=0)


DAMAGED = packed(b'{"a":1}\n{"a":2}\n')[:-6]
TOO_LARGE = packed(b"{}\n" * 334)


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


PATTERNS, OTHERS = ("data [1]", "{a,b}", "st*r", "wh?t", "a\\b"), ("100%20", "a#b", "a b", "é", "`", "'\"", "x,y;z")


@pytest.mark.parametrize("folders", [PATTERNS + OTHERS, (*OTHERS, "a:b")], ids=["patterns", "a colon"])
def test_names_that_are_patterns_or_uris_are_read_as_names(
    spark: SparkSession, tmp_path: Path, folders: tuple[str, ...]
) -> None:
    """Folders and files alike; a folder beside it that the name would match as a pattern is none of it."""
    (tmp_path / "data 1").mkdir()
    (tmp_path / "data 1" / "other.jsonl").write_text("other\n")
    folder, names = tmp_path.joinpath(*folders), sorted((*PATTERNS, *OTHERS, "a:b"))
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text(f"{name}\n")
    source = FileSource(kind="files", path=str(folder), max_files=100)
    there = file_lines(files_there(spark, source), source, "s").select("record_id", "value").collect()
    assert sorted((row["record_id"], bytes(row["value"]).decode()) for row in there) == [
        (f"s/{name}#1", name) for name in names
    ]
    assert streamed(spark, source, tmp_path / "checkpoint") == [f"s/{name}#1" for name in names]


def test_a_file_that_cannot_be_read_holds_up_no_other_and_comes_in_once_it_can(
    spark: SparkSession, tmp_path: Path
) -> None:
    folder = tmp_path / "landing"
    (folder / "staging").mkdir(parents=True)
    (folder / "staging" / "large.jsonl").write_bytes(b"x" * 200)
    (folder / "_a=1.jsonl").write_bytes(b"hidden\n")
    (folder / "a:b.jsonl").write_bytes(b"colon\n")
    (folder / "large.jsonl").write_bytes(b"x" * 200)
    (folder / "link.jsonl").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "pipe.jsonl")
    source = FileSource(kind="files", path=str(folder), max_file_bytes=100)
    assert streamed(spark, source, tmp_path / "checkpoint") == ["s/a:b.jsonl#1"]
    (folder / "large.jsonl").write_bytes(b"small\n")
    (tmp_path / "nowhere").write_bytes(b"linked\n")
    assert streamed(spark, source, tmp_path / "checkpoint") == ["s/large.jsonl#1", "s/link.jsonl#1"]


def streamed(spark: SparkSession, source: FileSource, checkpoint: Path) -> list[str]:
    """The ids of the records that the stream takes in now."""
    taken = list[str]()

    def take(batch: DataFrame, _: int) -> None:
        taken.extend(row["record_id"] for row in batch.select("record_id").collect())

    stream = file_envelopes(spark, source, "s").writeStream.foreachBatch(take)
    stream.option("checkpointLocation", str(checkpoint)).trigger(availableNow=True).start().awaitTermination()
    return sorted(taken)


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
        (packed(b"a\r\n\nb"), [b"a\r", b"", b"b"]),
        (packed(b""), []),
        (packed(b"a\n") + packed(b"b\n"), [b"a", b"b"]),
        (DAMAGED, [DAMAGED]),
        (TOO_LARGE, [TOO_LARGE]),
        ('{"a":1}\n{"a":2}\n'.encode("utf-16"), ['{"a":1}\n{"a":2}\n'.encode("utf-16")]),
        ('{"a":1}\n{"a":2}\n'.encode("utf-16-be"), ['{"a":1}\n{"a":2}\n'.encode("utf-16-be")]),
        (b"\xff\xfe{\x00\n{}\n", [b"\xff\xfe{\x00", b"{}"]),
        (b"\xef\xbb\xbf{}\n", [b"\xef\xbb\xbf{}"]),
    ],
)
def test_lines(spark: SparkSession, tmp_path: Path, content: bytes, lines: list[bytes]) -> None:
    (tmp_path / "some file.jsonl").write_bytes(content)
    source = FileSource(kind="files", path=str(tmp_path), max_file_bytes=1_000)
    rows = file_lines(files_there(spark, source), source, "signal").orderBy("source.position").collect()
    assert [bytes(row["value"]) for row in rows] == lines
    assert [row["record_id"] for row in rows] == [f"signal/some file.jsonl#{n}" for n in range(1, len(lines) + 1)]
    assert [row["source"]["position"] for row in rows] == list(range(1, len(lines) + 1))
