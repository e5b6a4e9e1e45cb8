"""YAML files to expressions with byte offsets, by ruamel.yaml."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from bot.terraform.document import Document
from bot.terraform.syntax import (
    Entry,
    Expression,
    Heredoc,
    Kind,
    Literal,
    Object,
    Opaque,
    Scalar,
    Tuple,
)

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node

_KINDS = {"int": Kind.NUMBER, "float": Kind.NUMBER, "bool": Kind.BOOL, "null": Kind.NULL}
_MERGE = "tag:yaml.org,2002:merge"


class YamlSyntaxError(ValueError):
    """The text is not YAML that Terraform reads; `offset` is where."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"not YAML at byte {offset}")
        self.offset = offset


def parse(document: Document) -> Expression:
    """Parse a YAML document of one part.

    Raises:
        YamlSyntaxError: when it is not YAML, or not UTF-8, or has several parts.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        text = document.data[document.body_start :].decode("utf-8")
        node = YAML(typ="rt", pure=True).compose(text)
    except (UnicodeDecodeError, YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise YamlSyntaxError(getattr(mark, "index", 0)) from error
    converter = _Converter(document, text)
    if node is None:
        return Literal(document, 0, 0, Kind.NULL, None)
    return converter.convert(node)


class _Converter:
    def __init__(self, document: Document, text: str) -> None:
        self._document = document
        self._text = text

    @cached_property
    def _is_ascii(self) -> bool:
        return self._text.isascii()

    def _offset(self, index: int) -> int:
        before = index if self._is_ascii else len(self._text[:index].encode())
        return before + self._document.body_start

    def convert(self, node: "Node") -> Expression:
        """Convert one node; an alias is the node that its anchor names."""
        span = (
            self._document,
            self._offset(node.start_mark.index),
            self._offset(node.end_mark.index),
        )
        kind = type(node).__name__
        if kind == "MappingNode":
            return Object(*span, lambda: self._entries(node))
        if kind == "SequenceNode":
            return Tuple(*span, lambda: [self.convert(item) for item in node.value])
        return self._scalar(node, span)

    def _entries(self, node: Any) -> list[Entry]:
        own: list[Entry] = []
        inherited: list[Entry] = []
        for key, value in node.value:
            if str(key.tag) == _MERGE:
                sources = value.value if type(value).__name__ == "SequenceNode" else [value]
                for source in sources:
                    inherited += self._entries(source)
            else:
                own.append(Entry(self.convert(key), self.convert(value)))
        names = {getattr(entry.key, "value", None) for entry in own}
        for entry in inherited:
            name = getattr(entry.key, "value", None)
            if name not in names:
                own.append(entry)
                names.add(name)
        return own

    def _scalar(self, node: Any, span: tuple[Document, int, int]) -> Expression:
        if node.style in {"|", ">"}:
            return Heredoc(*span)
        tag = str(node.tag).removeprefix("tag:yaml.org,2002:")
        kind = _KINDS.get(tag, Kind.STRING)
        written = self._document.data[span[1] : span[2]]
        if kind is Kind.STRING and tag != "str":
            return Opaque(*span, f"value of type {tag}")
        if b"\n" in written or written.startswith((b"!", b"&")):
            return Opaque(*span, "value over several lines, or with a tag or an anchor")
        value = _meaning(kind, node.value)
        if kind is not Kind.NULL and value is None:
            return Opaque(*span, "number in a notation that trimtab does not write")
        return Literal(*span, kind, value, node.style or "")


def _meaning(kind: Kind, text: str) -> Scalar:
    if kind is Kind.STRING:
        return text
    if kind is Kind.BOOL:
        return text.lower() == "true"
    if kind is Kind.NUMBER:
        try:
            return int(text)
        except ValueError:
            pass
        try:
            return float(text)
        except ValueError:
            return None
    return None
