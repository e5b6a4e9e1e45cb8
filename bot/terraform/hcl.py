"""HCL files: their blocks and arguments."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from bot.terraform.document import Document, Language
from bot.terraform.expressions import convert
from bot.terraform.syntax import Expression, Opaque, Template
from bot.terraform.tree import first_error, offset_of, text_of, tree_of

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True, slots=True)
class Argument:
    """One `name = value` of a block."""

    name: str
    value: Expression
    start: int


@dataclass(eq=False)
class Block:
    """A block: its type, its labels, and what it holds."""

    document: Document
    start: int
    end: int
    type: str
    labels: tuple[str, ...]
    _body: "Body"

    @property
    def line(self) -> int:
        """Return the line it starts on."""
        return self.document.line(self.start)

    @property
    def text(self) -> str:
        """Return it as written."""
        return self.document.text(self.start, self.end)

    @property
    def arguments(self) -> dict[str, Argument]:
        """Return its arguments by name."""
        return self._body.arguments

    @property
    def blocks(self) -> tuple["Block", ...]:
        """Return the blocks inside it."""
        return self._body.blocks

    def value(self, name: str) -> Expression | None:
        """Return the expression of one argument, or None when it is not there."""
        argument = self.arguments.get(name)
        return None if argument is None else argument.value


class Body(Protocol):
    """What a block holds."""

    @property
    def arguments(self) -> dict[str, Argument]:
        """Return the arguments by name."""

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Return the blocks inside it, in the order of the file."""


class _TreeBody:
    """What a block or a file holds, read from the tree when it is asked for."""

    def __init__(self, document: Document, node: "Node | None") -> None:
        self._document = document
        self._node = node

    @cached_property
    def _children(self) -> list["Node"]:
        return [] if self._node is None else self._node.named_children

    @cached_property
    def arguments(self) -> dict[str, Argument]:
        """Return the arguments by name."""
        found = {}
        for node in self._children:
            if node.type == "attribute":
                parts = [part for part in node.named_children if part.type != "comment"]
                if len(parts) == 2:  # noqa: PLR2004  a name and a value
                    name = text_of(parts[0])
                    start = offset_of(self._document, node.start_byte)
                    found[name] = Argument(name, convert(self._document, parts[1]), start)
        return found

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Return the blocks, in the order of the file."""
        return tuple(
            _block(self._document, node) for node in self._children if node.type == "block"
        )


@dataclass(frozen=True, slots=True)
class File:
    """A parsed file; `broken_line` is the first line that cannot be read, if there is one."""

    document: Document
    body: Body
    broken_line: int | None = None


def parse(document: Document) -> File:
    """Parse an HCL file (`.tf`, `.tfvars`); broken places are reported, not raised."""
    root = tree_of(document)
    body = next((node for node in root.children if node.type == "body"), None)
    broken = None
    if root.has_error:
        offset = first_error(root)
        broken = document.line(offset_of(document, offset))
    return File(document, _TreeBody(document, body), broken)


def parse_template(document: Document, start: int, end: int, text: str) -> Expression:
    """Parse the text of a JSON string that Terraform reads as a template.

    `start` and `end` are where the string stands in `document`; what is inside is embedded.
    """
    wrapped = b'x = "' + text.replace("\n", "\\n").encode() + b'"\n'
    line = document.line(start)
    inside = Document(document.path, document.name, wrapped, Language.HCL, embedded=line)
    file = parse(inside)
    argument = file.body.arguments.get("x")
    if file.broken_line is None and argument and isinstance(argument.value, Template):
        return Template(document, start, end, argument.value.parts)
    return Opaque(document, start, end, "template that cannot be read")


def _block(document: Document, node: "Node") -> Block:
    labels = []
    kind = ""
    body = None
    for child in node.named_children:
        if child.type == "body":
            body = child
        elif child.type == "identifier":
            if kind:
                labels.append(text_of(child))
            else:
                kind = text_of(child)
        elif child.type == "string_lit":
            labels.append(text_of(child)[1:-1])
    return Block(
        document,
        offset_of(document, node.start_byte),
        offset_of(document, node.end_byte),
        kind,
        tuple(labels),
        _TreeBody(document, body),
    )
