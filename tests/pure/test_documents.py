"""YAML with positions: what is read, what is refused, and that every mistake says where."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, SecretStr

from headrace.config import Duration, Section, Settings
from headrace.documents import Node, check, join, lay_over, read, resolve
from headrace.errors import ConfigError


def document(folder: Path, text: str, name: str = "a.yml") -> Node:
    (folder / name).write_text(text)
    return read(folder / name, folder)


def mistakes(folder: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        document(folder, text)
    return caught.value.mistakes


class Engine(Section):
    kind: Literal["steam", "water"]
    password: SecretStr | None = None
    wheels: int = Field(default=1, ge=1)


class Mill(Section):
    name: str
    pause: Duration | None = None
    engine: Engine | None = None
    engines: tuple[Engine, ...] = ()
    sizes: dict[str, int | bool] = Field(default={})
    slope: float = 0.5


def wrong(node: Node) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        check(node, Mill)
    return caught.value.mistakes


# --- reading -----------------------------------------------------------------------------------------------------


def test_yaml_1_2(tmp_path: Path) -> None:
    text = (
        "yes: no\nagain: on\noctal: 010\nhex: 0x10\nclock: 1:30\nday: 2026-01-31\nnothing: ~\ntruth: true\nhalf: 0.5\n"
    )

    assert document(tmp_path, text).plain() == {
        "yes": "no",
        "again": "on",
        "octal": 10,
        "hex": 16,
        "clock": "1:30",
        "day": "2026-01-31",
        "nothing": None,
        "truth": True,
        "half": 0.5,
    }


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n"])
def test_no_content_is_an_empty_mapping(tmp_path: Path, text: str) -> None:
    assert document(tmp_path, text).plain() == {}


def test_a_value_knows_its_line_and_path(tmp_path: Path) -> None:
    root = document(tmp_path, "one: 1\nlist:\n  - a\n  - key: b\n")

    assert root.at("list", 1, "key").line == 4
    assert root.at("list", 1, "key").mistake("is odd") == "a.yml:4: list[1].key: is odd"
    assert root.at("list", 7).mistake("is short") == "a.yml:2: list: is short"


@pytest.mark.parametrize(
    ("text", "plain", "number", "whole"),
    [
        ("60", 60, Decimal(60), 60),
        ("60.5", 60.5, Decimal("60.5"), None),
        ("1e3", 1000.0, Decimal(1000), 1000),
        ("-1.0", -1.0, Decimal(-1), -1),
        ("0.1234567890123456789", 0.12345678901234568, Decimal("0.1234567890123456789"), None),
        ("12345678901234567890.0", 1.2345678901234567e19, Decimal(12345678901234567890), 12345678901234567890),
        ("1_000.5", 1000.5, Decimal("1000.5"), None),
        ("1e-99999999999999999999", 0.0, None, None),
        ("1e400", float("inf"), None, None),
        ("-.inf", float("-inf"), None, None),
        ("true", True, None, None),
        ("'60.5'", "60.5", None, None),
        ("null", None, None, None),
    ],
)
def test_a_number_is_a_plain_value_whose_node_knows_its_digits(
    tmp_path: Path, text: str, plain: object, number: Decimal | None, whole: int | None
) -> None:
    node = document(tmp_path, f"a: {text}\n").at("a")
    value = node.plain()
    assert (value, type(value)) == (plain, type(plain))
    assert (node.number, node.whole) == (number, whole)


def test_an_alias_stands_for_its_value(tmp_path: Path) -> None:
    assert document(tmp_path, "a: &x [1, 2]\nb: *x\n").plain() == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        pytest.param("a: 1\nb: 2\na: 3\n", "a.yml:3: a: is given twice, first in line 1: remove one", id="twice"),
        pytest.param("- a\n- b\n", "a.yml:1: must be a mapping of keys to values", id="list"),
        pytest.param("\njust text\n", "a.yml:2: must be a mapping of keys to values", id="text"),
        pytest.param("a: 1\n2: b\n", "a.yml:2: has a key that is no text: put it in quotes", id="number as key"),
        pytest.param("? [a]\n: b\n", "a.yml:1: has a key that is no text: put it in quotes", id="list as key"),
        pytest.param("x: &x {b: 1}\n<<: *x\n", "a.yml:2: has a key that is no text: put it in quotes", id="merge"),
        pytest.param("a: 1\n---\nb: 1\n", "a.yml:2: is no YAML: but found another document", id="two documents"),
        pytest.param("a: [1\n", "a.yml:2: is no YAML: expected ',' or ']', but got '<stream end>'", id="syntax"),
        pytest.param("a: *b\n", "a.yml:1: is no YAML: found undefined alias 'b'", id="unknown alias"),
        pytest.param(
            "a: !!python/object:os.system x\n",
            "a.yml:1: a: has the tag tag:yaml.org,2002:python/object:os.system: "
            "only plain text, numbers, true, false and null are read",
            id="tag",
        ),
        pytest.param(
            "a: &a [*a]\n",
            "a.yml:1: is too large or nested too deeply once its aliases are followed",
            id="alias of itself",
        ),
    ],
)
def test_refused(tmp_path: Path, text: str, mistake: str) -> None:
    assert mistakes(tmp_path, text) == (mistake,)


def test_aliases_cannot_grow_beyond_measure(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]\n" for n in range(1, 12))

    (mistake,) = mistakes(tmp_path, bomb)

    assert "once its aliases are followed" in mistake


@pytest.mark.parametrize("text", ["a: " + "[" * 5_000, "a: " + "[" * 200 + "]" * 200])
def test_depth_is_bounded(tmp_path: Path, text: str) -> None:
    (mistake,) = mistakes(tmp_path, text)
    assert "nested too deeply" in mistake


def test_size_is_bounded(tmp_path: Path) -> None:
    (mistake,) = mistakes(tmp_path, "a: " + "x" * 1024 * 1024)
    assert mistake == "a.yml:1: is larger than 1 MiB: no configuration is; is it data?"


def test_bytes_that_are_no_text_are_refused_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_bytes(b"a: 1\nb: \xff\n")

    with pytest.raises(ConfigError, match=r"a\.yml:2: is not UTF-8"):
        read(tmp_path / "a.yml", tmp_path)


def test_a_missing_file_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"a\.yml:1: cannot be read: No such file"):
        read(tmp_path / "a.yml", tmp_path)


# --- laying together ---------------------------------------------------------------------------------------------


def test_join_refuses_what_two_files_give(tmp_path: Path) -> None:
    one = document(tmp_path, "a: 1\nmap: {x: 1}\n", "one.yml")
    two = document(tmp_path, "b: 2\nmap:\n  y: 1\n  x: 1\n", "two.yml")

    with pytest.raises(ConfigError) as caught:
        join([one, two])

    assert caught.value.mistakes == ("two.yml:4: map.x: is also given in one.yml:2: keep it in one file",)


def test_join_keeps_both_sides_of_a_mapping(tmp_path: Path) -> None:
    one = document(tmp_path, "map: {x: 1}\n", "one.yml")
    two = document(tmp_path, "map: {y: 2}\n", "two.yml")

    assert join([one, two]).plain() == {"map": {"x": 1, "y": 2}}


def test_an_overlay_changes_single_keys_and_replaces_lists(tmp_path: Path) -> None:
    base = document(tmp_path, "a: {b: 1, c: 2}\nlist: [1, 2]\n", "base.yml")
    overlay = document(tmp_path, "a: {c: 3}\nlist: [9]\n", "overlay.yml")

    laid = lay_over(base, overlay)

    assert laid.plain() == {"a": {"b": 1, "c": 3}, "list": [9]}
    assert laid.at("a", "b").file == "base.yml"
    assert laid.at("a", "c").file == "overlay.yml"


def test_another_kind_replaces_the_mapping_whole(tmp_path: Path) -> None:
    base = document(tmp_path, "source: {kind: files, path: a}\n", "base.yml")
    overlay = document(tmp_path, "source: {kind: kafka, topic: b}\n", "overlay.yml")

    assert lay_over(base, overlay).plain() == {"source": {"kind": "kafka", "topic": "b"}}


# --- the environment ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${HOME_OF_IT}/x", "/srv/x"),
        ("${UNSET:-var}/x", "var/x"),
        ("${EMPTY:-var}/x", "var/x"),
        ("${EMPTY}x", "x"),
        ("${UNSET:-}x", "x"),
        ("${HOME_OF_IT}${HOME_OF_IT}", "/srv/srv"),
        ("$HOME_OF_IT", "$HOME_OF_IT"),
        ("${LOOP}", "${LOOP}"),
    ],
)
def test_references(tmp_path: Path, text: str, value: str) -> None:
    environ = {"HOME_OF_IT": "/srv", "EMPTY": "", "LOOP": "${LOOP}"}

    assert resolve(document(tmp_path, f'a: ["{text}"]\n'), environ).plain() == {"a": [value]}


def test_all_missing_variables_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(document(tmp_path, "a: ${ONE}\nb: ${TWO}\nc: ${TWO-x}\n"), {"THREE": "s3cret"})

    assert caught.value.mistakes == (
        "a.yml:1: a: environment variable ONE is not set: set it, or write ${ONE:-default}",
        "a.yml:2: b: environment variable TWO is not set: set it, or write ${TWO:-default}",
        "a.yml:3: c: has a reference that cannot be read: write ${NAME} or ${NAME:-default}",
    )


# --- checking ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nam: x\nname: y\n", ["a.yml:1: nam: is not known; did you mean 'name'?"]),
        ("Name: x\nname: y\n", ["a.yml:1: Name: is not known; did you mean 'name'?"]),
        ("engine: {}\n", ["a.yml:1: name: is missing", "a.yml:1: engine.kind: is missing"]),
        ("name: 1\n", ["a.yml:1: name: must be text"]),
        ("name: [x]\n", ["a.yml:1: name: must be text"]),
        ("name: x\nengine: y\n", ["a.yml:2: engine: must be a mapping of keys to values"]),
        ("name: x\nengines: {}\n", ["a.yml:2: engines: must be a list"]),
        (
            "name: x\nengine:\n  kind: waiter\n",
            ["a.yml:3: engine.kind: must be one of steam, water; did you mean 'water'?"],
        ),
        (
            "name: x\nengines:\n  - {kind: steam}\n  - {kind: steam, wheels: 0, weels: 1}\n",
            [
                "a.yml:4: engines[1].weels: is not known; did you mean 'wheels'?",
                "a.yml:4: engines[1].wheels: must be at least 1",
            ],
        ),
        ("name: x\nsizes: {a: {}}\n", ["a.yml:2: sizes.a: must be a whole number or must be true or false"]),
        ("name: x\nslope: .nan\n", ["a.yml:2: slope: must be a finite number"]),
        ("name: x\nslope: 1e400\n", ["a.yml:2: slope: must be a finite number"]),
        ("name: x\nslope: null\n", ["a.yml:2: slope: must be a number"]),
        (
            "name: x\npause: soon\n",
            ["a.yml:2: pause: 'soon' is no duration: write a number and a unit, as in '30 minutes'"],
        ),
    ],
)
def test_every_mistake_is_one_line(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert list(wrong(document(tmp_path, text))) == expected


def test_no_message_shows_a_secret(tmp_path: Path) -> None:
    text = "name: x\npause: ${KEY}\nengine: {kind: '${KEY}', password: [hunter2], wheels: '${KEY}'}\n"

    lines = "\n".join(wrong(resolve(document(tmp_path, text), {"KEY": "s3cret"})))

    assert len(lines.splitlines()) == 4
    assert "s3cret" not in lines
    assert "hunter2" not in lines
    assert "a.yml:2: pause: ${KEY} is no duration" in lines


def test_a_source_of_some_kind_has_the_path_the_file_has(tmp_path: Path) -> None:
    text = """
project: x
storage: {root: a}
registry: {tracking_uri: b}
signals:
  files:
    contract: c
    source: {kind: files, pth: d}
  kafka:
    contract: c
    source: {kind: kafka, bootstrap: 'e:1', topic: f, options: {group.id: g}}
  none:
    contract: c
    source: {path: d}
"""
    with pytest.raises(ConfigError) as caught:
        check(document(tmp_path, text), Settings)

    assert caught.value.mistakes == (
        "a.yml:8: signals.files.source.pth: is not known; did you mean 'path'?",
        "a.yml:8: signals.files.source.path: is missing",
        (
            "a.yml:11: signals.kafka.source: "
            "group.id is not yours to set: two queries of one group take each other's records"
        ),
        "a.yml:14: signals.none.source.kind: is missing",
    )
