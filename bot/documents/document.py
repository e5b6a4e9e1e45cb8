"""Documents: YAML (and so JSON) read into plain values, with the position of every one of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.domain.errors import ConfigError

Scalar = str | int | float | bool | None
Data = Scalar | list["Data"] | dict[str, "Data"]
Path_ = tuple[str | int, ...]

MAX_DOCUMENT_BYTES: Final = 4 * 1024 * 1024
MAX_DOCUMENT_VALUES: Final = 200_000
"""Aliases may multiply a small file into a huge value; past this it is refused."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Document:
    """What one file says.

    `data` holds plain values; `positions` maps the path of a value to where it is written, and
    `keys` the path of a mapping's entry to where its key is written.
    """

    name: str
    data: Data
    positions: dict[Path_, Position]
    keys: dict[Path_, Position]

    def position(self, path: Path_) -> Position:
        """Return where the value at `path` is written, or its nearest enclosing value."""
        for length in range(len(path), -1, -1):
            found = self.positions.get(path[:length])
            if found is not None:
                return found
        return Position(1, 1)

    def where(self, path: Path_) -> str:
        """Return `file:line:column` of the value at `path`."""
        position = self.position(path)
        return f"{self.name}:{position.line}:{position.column}"


def read_document(path: Path) -> Document:
    """Read one file from disk.

    Raises:
        ConfigError: it is missing, unreadable, too large, not UTF-8, or not valid YAML.
    """
    try:
        size = path.stat().st_size
        if size > MAX_DOCUMENT_BYTES:
            raise ConfigError(
                f"{path}: {size:,} bytes is too large for a file that people write",
                f"The limit is {MAX_DOCUMENT_BYTES:,} bytes: split the file.",
            )
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    return parse_document(text, str(path))


def parse_document(text: str, name: str) -> Document:
    """Parse YAML 1.2 text; `name` is what messages call it.

    Raises:
        ConfigError: not valid YAML, more than one document, a key that is repeated or is no
            string, or aliases that blow the document up.
    """
    yaml = YAML(typ="safe", pure=True)
    reader = _Reader(yaml, name)
    try:
        node = yaml.compose(text)
        data = reader.read(node, ()) if node is not None else None
    except MarkedYAMLError as error:
        raise _syntax_error(error, text, name) from None
    except (YAMLError, ValueError) as error:
        raise ConfigError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ConfigError(f"{name}: it is nested too deeply for a file that people write") from None
    return Document(name, data, reader.positions, reader.keys)


class _Reader:
    """Turn composed nodes into plain values, noting positions on the way."""

    def __init__(self, yaml: YAML, name: str) -> None:
        self._yaml = yaml
        self._name = name
        self._values = 0
        self._open: set[int] = set()
        self.positions: dict[Path_, Position] = {}
        self.keys: dict[Path_, Position] = {}

    def read(self, node: Node, path: Path_) -> Data:
        position = _position(node)
        self._count(position)
        self.positions[path] = position
        if isinstance(node, ScalarNode):
            return self._scalar(node, position)
        if id(node) in self._open:
            raise ConfigError(f"{self._at(position)}: this alias contains itself")
        self._open.add(id(node))
        try:
            if isinstance(node, SequenceNode):
                return [self.read(item, (*path, i)) for i, item in enumerate(node.value)]
            assert isinstance(node, MappingNode)
            return self._mapping(node, path)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: MappingNode, path: Path_) -> dict[str, Data]:
        result: dict[str, Data] = {}
        merged: dict[str, Data] = {}
        # What is merged in comes first, so that its places do not hide those of the mapping's own.
        for key_node, value_node in sorted(node.value, key=lambda pair: not _is_merge(pair[0])):
            position = _position(key_node)
            if not isinstance(key_node, ScalarNode):
                raise ConfigError(f"{self._at(position)}: a key has to be plain text")
            if _is_merge(key_node):
                merged |= self._merge(value_node, path)
                self.positions[path] = _position(node)
                continue
            key = str(key_node.value)
            if key in result:
                first = self.keys[(*path, key)]
                raise ConfigError(
                    f"{self._at(position)}: the key {key!r} is written twice",
                    f"The first one is at line {first.line}: keep one of them.",
                )
            self.keys[(*path, key)] = position
            result[key] = self.read(value_node, (*path, key))
        return merged | result

    def _merge(self, node: Node, path: Path_) -> dict[str, Data]:
        nodes = node.value if isinstance(node, SequenceNode) else [node]
        result: dict[str, Data] = {}
        for one in reversed(nodes):
            value = self.read(one, path)
            if not isinstance(value, dict):
                raise ConfigError(f"{self._at(_position(one))}: '<<' can only merge mappings")
            result |= value
        return result

    def _scalar(self, node: ScalarNode, position: Position) -> Scalar:
        if node.tag == "tag:yaml.org,2002:timestamp":
            return str(node.value)
        try:
            value = self._yaml.constructor.construct_object(node)
        except (YAMLError, ValueError, LookupError):
            raise ConfigError(f"{self._at(position)}: {node.value!r} cannot be read") from None
        if value is None or isinstance(value, str | int | float | bool):
            return value
        raise ConfigError(f"{self._at(position)}: values of the type {node.tag} are not allowed")

    def _count(self, position: Position) -> None:
        self._values += 1
        if self._values > MAX_DOCUMENT_VALUES:
            raise ConfigError(
                f"{self._at(position)}: more than {MAX_DOCUMENT_VALUES:,} values",
                "Aliases may be multiplying them: write the values out, or split the file.",
            )

    def _at(self, position: Position) -> str:
        return f"{self._name}:{position.line}:{position.column}"


def _is_merge(key: Node) -> bool:
    return key.tag == "tag:yaml.org,2002:merge" or key.value == "<<"


def _position(node: Node) -> Position:
    mark = node.start_mark
    return Position(mark.line + 1, mark.column + 1)


def _syntax_error(error: MarkedYAMLError, text: str, name: str) -> ConfigError:
    mark: StringMark | None = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    lines = text.splitlines()
    hint = ""
    if line < len(lines) and "\t" in lines[line][: max(column, 1)]:
        hint = "YAML does not allow tabs for indentation: use spaces."
    problem = " ".join(str(error.problem or error.context or "cannot be read").split())
    return ConfigError(f"{name}:{line + 1}:{column + 1}: not valid YAML: {problem}", hint)
