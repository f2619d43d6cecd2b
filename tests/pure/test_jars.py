from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from headrace.errors import InfrastructureError, UsageError
from headrace.io import java
from headrace.io.jars import built_reader, cache_folder, fetch, for_spark, reader
from headrace.io.jars.lock import Lock


@pytest.fixture
def conf_dir(tmp_path: Path) -> Path:
    """A user's own lock of two jars, which are in the cache ``tmp_path/cache`` already."""
    own = tmp_path / "conf" / "jars"
    own.mkdir(parents=True)
    (own / "ivy.xml").write_text("<ivy-module/>")
    digests = [f"{hashlib.sha256(name.encode()).hexdigest()}  connectors/{name}.jar" for name in ("b", "a")]
    (own / "digests.sha256").write_text("\n".join(digests))
    folder = tmp_path / "cache" / "jars" / Lock.read(own.parent).name / "connectors"
    folder.mkdir(parents=True)
    for name in ("a", "b"):
        (folder / f"{name}.jar").write_text(name)
    return own.parent


def refuse(message: str) -> None:
    raise AssertionError(f"a complete cache fetches nothing, but: {message}")


def fetched(conf_dir: Path) -> tuple[Path, ...]:
    return fetch("connectors", conf_dir=conf_dir, cache=conf_dir.parent / "cache", say=refuse)


def test_a_complete_cache_is_used_as_it_is(conf_dir: Path) -> None:
    assert [jar.name for jar in fetched(conf_dir)] == ["a.jar", "b.jar"]


def test_an_altered_a_missing_and_a_strange_jar_are_each_named(conf_dir: Path) -> None:
    folder = fetched(conf_dir)[0].parent
    (folder / "a.jar").write_text("altered")
    (folder / "b.jar").rename(folder / "c.jar")

    with pytest.raises(InfrastructureError) as told:
        fetched(conf_dir)

    expected, got = hashlib.sha256(b"a").hexdigest(), hashlib.sha256(b"altered").hexdigest()
    assert f"a.jar: expected {expected}, got {got}" in str(told.value)
    assert "b.jar: missing" in str(told.value)
    assert f"{hashlib.sha256(b'b').hexdigest()}  connectors/c.jar" in str(told.value)


def test_an_ivy_file_without_digests_is_refused(conf_dir: Path) -> None:
    (conf_dir / "jars" / "digests.sha256").unlink()
    with pytest.raises(InfrastructureError, match=r"digests\.sha256 is missing"):
        fetched(conf_dir)


def test_the_packaged_lock_has_both_sets() -> None:
    lock = Lock.read(None)
    assert lock.count("connectors") == 12
    assert lock.count("broker") == 93
    assert lock.count("compiler") == 1


def test_the_reader_is_made_once_and_whole(tmp_path: Path) -> None:
    """The compiler comes from the cache the other tests fill, so that this one needs no network."""
    shared, mine = cache_folder(os.environ) / "jars", tmp_path / "jars"
    fetch("compiler", conf_dir=None, cache=shared.parent, say=print)
    mine.mkdir()
    (mine / Lock.read(None).name).symlink_to(shared / Lock.read(None).name)

    jar = built_reader(tmp_path, refuse)

    with zipfile.ZipFile(jar) as classes:
        assert "headrace/ReadRecord.class" in classes.namelist()
    made = jar.stat().st_mtime_ns
    assert built_reader(tmp_path, refuse) == jar
    assert jar.stat().st_mtime_ns == made
    assert [one.name for one in jar.parent.parent.iterdir() if one.is_dir()] == [jar.parent.name]


def test_sources_that_cannot_be_compiled_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (compiler,) = fetch("compiler", conf_dir=None, cache=cache_folder(os.environ), say=print)
    monkeypatch.setattr(reader, "_sources", lambda: {"Wrong.java": b"class Wrong { int x = true; }"})

    with pytest.raises(InfrastructureError, match="cannot convert from boolean to int"):
        reader.build(compiler, java.find(os.environ).path, tmp_path / "made")
    assert list(tmp_path.iterdir()) == []


def test_the_cache_is_where_the_variable_says(tmp_path: Path) -> None:
    assert cache_folder({"HEADRACE_CACHE": str(tmp_path)}) == tmp_path


@pytest.mark.parametrize(
    ("name", "sign"), [("data [1]", "["), ("a,b", ","), ("a#b", "#"), ("a%20b", "%20"), ("{x}", "{"), ("st*r", "*")]
)
def test_a_cache_that_spark_could_not_name_is_refused(tmp_path: Path, name: str, sign: str) -> None:
    with pytest.raises(UsageError) as refused:
        for_spark(conf_dir=None, cache=tmp_path / name, say=print)
    assert str(refused.value).endswith(
        f"has {sign!r} in its path, and Spark would not find them: set HEADRACE_CACHE to another folder"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("told", "version"), [("17.0.15", 17), ("21", 21), ("1.8.0_401", None), ("11.0.2", None)])
def test_java_is_found_and_an_old_one_refused(tmp_path: Path, told: str, version: int | None) -> None:
    launcher = tmp_path / "bin" / "java"
    launcher.parent.mkdir()
    launcher.write_text(f"#!/bin/sh\necho 'openjdk version \"{told}\" 2025-04-15' >&2\n")
    launcher.chmod(0o755)
    environ = {"JAVA_HOME": str(tmp_path), "PATH": "/nowhere"}

    if version:
        assert java.find(environ) == java.Java(launcher, version)
    else:
        with pytest.raises(InfrastructureError, match="too old"):
            java.find(environ)


def test_no_java_at_all_is_one_line_with_a_remedy() -> None:
    with pytest.raises(InfrastructureError, match=r"^No Java: .* set JAVA_HOME to its folder\.$"):
        java.find({"PATH": "/nowhere"})
