"""One YAML 1.2 file as a node. What YAML has beyond plain data (tags, merge keys, keys that are no text) is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from headrace.documents.node import Mistakes, Node, Scalar, Step
from headrace.errors import ConfigError

__all__ = ["read"]

LARGEST_FILE = 1024 * 1024
MOST_NODES = 100_000
DEEPEST = 50

_TAG = "tag:yaml.org,2002:"
# YAML 1.2 has no type for times: they stay the text that was written, and whoever wants a time reads it.
_TEXT = {f"{_TAG}str", f"{_TAG}timestamp"}
_OTHERS = {f"{_TAG}{name}" for name in ("int", "float", "bool", "null")}


def read(path: Path, base: Path | None = None) -> Node:
    """The file's root, always a mapping; a file without content is an empty one.

    base: the folder from which messages name the file; left out, they name it as ``path`` does.
    Raises ``ConfigError`` with every mistake found: a file that cannot be read or is over 1 MiB, wrong YAML, a key
    given twice, a tag, aliases that grow beyond measure, a root that is no mapping.
    """
    file = str(path.relative_to(base) if base else path)
    root = _composed(_text(path, file), file)
    if root is None:
        return Node({}, file, 1)
    if not isinstance(root, MappingNode):
        raise ConfigError([f"{file}:{_line(root)}: must be a mapping of keys to values"])
    building = _Building(file)
    node = building.node(root, _line(root), ())
    building.mistakes.done()
    return node


def _text(path: Path, file: str) -> str:
    try:
        with path.open("rb") as stream:
            raw = stream.read(LARGEST_FILE + 1)
        if len(raw) > LARGEST_FILE:
            raise ConfigError([f"{file}:1: is larger than 1 MiB: no configuration is; is it data?"])
        return raw.decode("utf-8")
    except OSError as error:
        raise ConfigError([f"{file}:1: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError([f"{file}:{line}: is not UTF-8: save it as UTF-8 text"]) from error


def _composed(text: str, file: str) -> Any:
    try:
        return YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ConfigError([f"{file}:{mark.line + 1 if mark else 1}: is no YAML: {error.problem}"]) from error
    except YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        raise ConfigError([f"{file}:{line}: is no YAML: {str(error).splitlines()[0]}"]) from error
    except (RecursionError, ValueError) as error:
        raise ConfigError([f"{file}:1: is no YAML that can be read: nested too deeply, or a wrong version"]) from error


@dataclass(slots=True)
class _Building:
    """Walks the composed tree once; the count of nodes bounds what aliases can make of a small file."""

    file: str
    mistakes: Mistakes = field(default_factory=Mistakes)
    count: int = 0

    def node(self, source: Any, line: int, path: tuple[Step, ...]) -> Node:
        self.count += 1
        if self.count > MOST_NODES or len(path) > DEEPEST:
            raise ConfigError([f"{self.file}:{line}: is too large or nested too deeply once its aliases are followed"])
        if isinstance(source, MappingNode):
            return Node(self._mapping(source, path), self.file, line, path)
        if isinstance(source, SequenceNode):
            return Node(self._sequence(source, path), self.file, line, path)
        value = self._scalar(source, Node(None, self.file, line, path))
        digits = str(source.value) if isinstance(value, float) else ""
        return Node(value, self.file, line, path, digits=digits)

    def _mapping(self, source: Any, path: tuple[Step, ...]) -> Mapping[str, Node]:
        self._plain_tag(source, "map", Node(None, self.file, _line(source), path))
        children: dict[str, Node] = {}
        for key, value in source.value:
            here = Node(None, self.file, _line(key), path)
            if not isinstance(key, ScalarNode) or key.tag not in _TEXT:
                self.mistakes.add(here, "has a key that is no text: put it in quotes")
            elif key.value in children:
                first = children[key.value].line
                self.mistakes.add(here, f"is given twice, first in line {first}: remove one", key.value)
            else:
                children[key.value] = self.node(value, _line(key), (*path, key.value))
        return children

    def _sequence(self, source: Any, path: tuple[Step, ...]) -> tuple[Node, ...]:
        self._plain_tag(source, "seq", Node(None, self.file, _line(source), path))
        return tuple(self.node(item, _line(item), (*path, index)) for index, item in enumerate(source.value))

    def _scalar(self, source: Any, here: Node) -> Scalar:
        if source.tag in _TEXT:
            return str(source.value)
        if source.tag in _OTHERS:
            return self._typed(source, here)
        self.mistakes.add(here, f"has the tag {source.tag}: only plain text, numbers, true, false and null are read")
        return None

    def _typed(self, source: Any, here: Node) -> Scalar:
        try:
            value: Scalar = YAML(typ="safe", pure=True).constructor.construct_object(source)
        except (YAMLError, ValueError):
            self.mistakes.add(here, "is no value of the type it looks like: put it in quotes")
            return None
        return value

    def _plain_tag(self, source: Any, kind: str, here: Node) -> None:
        if source.tag != _TAG + kind:
            self.mistakes.add(here, f"has the tag {source.tag}: write plain data, without tags")


def _line(source: Any) -> int:
    return int(source.start_mark.line) + 1
