"""Records mended on their way back, and what is no patch."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from headrace.contracts.judge import judge
from headrace.contracts.model import Contract, Field, Kind
from headrace.contracts.patch import patched, read_patch
from headrace.documents import read
from headrace.errors import ConfigError

CONTRACT = Contract(
    id="test",
    version="1",
    event_time="t",
    fields=(
        Field(name="t", kind=Kind.TIMESTAMP),
        Field(name="a", kind=Kind.INTEGER),
        Field(name="c", kind=Kind.NUMBER),
        Field(name="d", kind=Kind.DECIMAL, precision=6, scale=2),
        Field(name="f", kind=Kind.BOOLEAN),
        Field(name="e", kind=Kind.STRING, allowed=("X", 'q"\\')),
        Field(name="ms", kind=Kind.TIMESTAMP, format="epoch_millis"),
        Field(name="o", kind=Kind.OBJECT, members=(Field(name="p", kind=Kind.INTEGER),)),
    ),
)


@pytest.mark.parametrize(
    ("payload", "patch", "value"),
    [
        (b'{"a":"5"}', {"a": "a"}, b'{"a":5}'),
        (b'{"ms":"1388534400000"}', {"ms": "ms"}, b'{"ms":1388534400000}'),
        (b'{"t":"1388534400000"}', {"t": "t"}, b'{"t":"1388534400000"}'),
        (b'{"a":"5 "}', {"a": "trim(a)"}, b'{"a":5}'),
        (b'{"d":12.50e0,"z":1e400,"e":"\\u00e9","a":"5"}', {"a": "a"}, b'{"d":12.50e0,"z":1e400,"e":"\\u00e9","a":5}'),
        (b'{"a":"many"}', {"a": "a"}, b'{"a":"many"}'),
        (b'{"a":"many"}', {"a": "try_cast(a AS BIGINT)"}, b'{"a":null}'),
        (b'{"a":"5.7"}', {"a": "a"}, b'{"a":5.7}'),
        (b'{"d":"1234567890123456789012.5"}', {"d": "d"}, b'{"d":1234567890123456789012.5}'),
        (b'{"c":"1e3"}', {"c": "CAST(c AS DOUBLE) * 1e9"}, b'{"c":1.0E12}'),
        (b'{"c":"NaN"}', {"c": "c"}, b'{"c":"NaN"}'),
        (b'{"c":"n/a","new":{"q":[1,null]}}', {"c": "nullif(c, 'n/a')"}, b'{"new":{"q":[1,null]},"c":null}'),
        (b'{"c":"1.5"}', {"c": "c"}, b'{"c":1.5}'),
        (b'{"d":1.239}', {"d": "CAST(d AS DECIMAL(6,2))"}, b'{"d":1.24}'),
        (b'{"f":"true"}', {"f": "f"}, b'{"f":true}'),
        (b'{"e":" x "}', {"e": "upper(trim(e))"}, b'{"e":"X"}'),
        (b"{}", {"e": "'q\"\\\\\\\\'"}, b'{"e":"q\\"\\\\\\\\"}'),
        (b'{"a":1}', {"e": "coalesce(e, a)"}, b'{"a":1,"e":"1"}'),
        (b'{"o":{"p":5,"q":"x"}}', {"o": "o"}, b'{"o":{"p":5,"q":"x"}}'),
        (b'{"a":1}', {"o": "coalesce(o, '{\"p\":5}')"}, b'{"a":1,"o":{"p":5}}'),
        (b'{"o":1}', {"o": "'}'"}, b'{"o":"}"}'),
        (b'{"a":1,"a":2}', {"a": "a"}, b'{"a":1,"a":2}'),
        (b"no json", {"a": "a"}, b"no json"),
        (b'{"a":"5"} xyz', {"a": "a"}, b'{"a":"5"} xyz'),
        (b'{"a":"5","e":"\xff"}', {"a": "a"}, b'{"a":"5","e":"\xff"}'),
        (b"[1]", {"a": "a"}, b"[1]"),
        (None, {"a": "a"}, None),
    ],
)
def test_patches(spark: SparkSession, payload: bytes | None, patch: dict[str, str], value: bytes | None) -> None:
    frame = spark.createDataFrame([(payload, "kept")], "value BINARY, key STRING")
    row = patched(frame, CONTRACT, patch).first()
    assert row is not None
    assert (row["value"] if row["value"] is None else bytes(row["value"]), row["key"]) == (value, "kept")


def test_what_a_patch_did_not_mend_is_no_null_afterwards(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(b'{"t":"2013-01-01T00:00:00Z","a":"many","o":1}',)], "value BINARY")
    said = F.expr("transform(reasons, r -> concat(r.code, ':', r.field))").alias("said")
    row = judge(patched(frame, CONTRACT, {"a": "a", "o": "'}'"}), CONTRACT).select(said).first()
    assert row is not None
    assert row["said"] == ["wrong_type:a", "wrong_type:o"]


def test_a_patched_record_is_judged_like_any_other(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(b'{"t":"2013-01-01T00:00:00Z","a":"7","e":"x"}',)], "value BINARY")
    row = judge(patched(frame, CONTRACT, {"a": "a", "e": "upper(e)"}), CONTRACT).first()
    assert row is not None
    assert (row["reasons"], row["a"], row["e"]) == ([], 7, "X")


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("fields: {b: upper(e)}", ["patch.yml:1: fields.b: is no field of test"]),
        ("field: {e: upper(e)}", ["patch.yml:1: field: is not known; did you mean 'fields'?"]),
        ('fields: {e: "reflect(e, e)"}', ["patch.yml:1: fields.e: function reflect is not allowed"]),
        ("fields: {}", ["patch.yml:1: fields: must map at least one field to an expression"]),
    ],
)
def test_no_patch(tmp_path: Path, text: str, mistakes: list[str]) -> None:
    file = tmp_path / "patch.yml"
    file.write_text(text + "\n")
    with pytest.raises(ConfigError) as caught:
        read_patch(read(file, tmp_path), CONTRACT)
    assert list(caught.value.mistakes)[:1] == mistakes
