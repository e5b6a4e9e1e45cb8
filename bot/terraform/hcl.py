"""HCL files to blocks and expressions, by tree-sitter.

Its tree has byte offsets and survives broken files, at a fifteenth of the price of python-hcl2,
which checks every span once more before anything is written (`bot.terraform.agreement`).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Protocol

from bot.terraform.document import Document, Language
from bot.terraform.strings import unescape
from bot.terraform.syntax import (
    Attribute,
    Call,
    Conditional,
    Entry,
    Expression,
    For,
    Heredoc,
    Index,
    Kind,
    Literal,
    Name,
    Object,
    Opaque,
    Operation,
    Template,
    Tuple,
)

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_POSTFIX = {"get_attr", "index", "splat"}
_BRACKETS = {"object_start", "object_end", "tuple_start", "tuple_end", ",", "comment"}


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
                    name = _text(parts[0])
                    start = _offset(self._document, node.start_byte)
                    found[name] = Argument(name, _convert(self._document, parts[1]), start)
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
    root = _tree(document)
    body = next((node for node in root.children if node.type == "body"), None)
    broken = None
    if root.has_error:
        offset = _first_error(root)
        broken = document.line(_offset(document, offset))
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


def calls_outside_templates(document: Document, name: bytes) -> list[int]:
    """Return the offsets of the calls of a function, those in interpolations left out."""
    found = []
    for offset, above in _occurrences(document, name):
        if above[0] == "function_call" and "template_interpolation" not in above:
            found.append(offset)
    return found


def references(document: Document, name: bytes) -> list[tuple[int, bool]]:
    """Return where `a.b` is referred to, and whether something is decided by it there."""
    return [
        (offset, not _DECISIONS.isdisjoint(above))
        for offset, above in _occurrences(document, name)
        if above[0] == "variable_expr"
    ]


_DECISIONS = {"conditional", "operation", "for_cond", "index", "function_call"}


def _occurrences(document: Document, name: bytes) -> Iterator[tuple[int, list[str]]]:
    """Find a name in the code; gives the types of the nodes around it, innermost first."""
    places = [match.start() for match in re.finditer(rb"\b%s\b" % re.escape(name), document.data)]
    if not places:
        return
    root = _tree(document)
    first = name.partition(b".")[0]
    for place in places:
        at = place - document.body_start
        node = root.descendant_for_byte_range(at, at + len(first))
        if node is not None and node.type == "identifier" and node.text == first:
            above = []
            parent = node.parent
            while parent is not None:
                above.append(parent.type)
                parent = parent.parent
            yield place, above


def statement_around(document: Document, offset: int) -> tuple[int, int]:
    """Return the span of the block or argument of the file's own level that holds an offset."""
    at = offset - document.body_start
    node = _tree(document).descendant_for_byte_range(at, at)
    while node is not None and (above := node.parent) is not None:
        if above.type == "body" and above.parent is not None and above.parent.type == "config_file":
            return _offset(document, node.start_byte), _offset(document, node.end_byte)
        node = above
    return document.body_start, len(document.data)


def _tree(document: Document) -> "Node":
    """Parse a document once; the tree lives as long as the document."""
    if document.tree is None:
        document.tree = _parser().parse(document.data[document.body_start :]).root_node
    node: Node = document.tree
    return node


@cache
def _parser() -> "Parser":
    import tree_sitter_hcl
    from tree_sitter import Language as Grammar
    from tree_sitter import Parser

    return Parser(Grammar(tree_sitter_hcl.language()))


def _first_error(node: "Node") -> int:
    while True:
        child = next((c for c in node.children if c.has_error or c.is_missing), None)
        if child is None or node.is_error:
            return node.start_byte
        node = child


def _offset(document: Document, offset: int) -> int:
    return offset + document.body_start


def _text(node: "Node") -> str:
    return "" if node.text is None else node.text.decode("utf-8", "replace")


def _block(document: Document, node: "Node") -> Block:
    labels = []
    kind = ""
    body = None
    for child in node.named_children:
        if child.type == "body":
            body = child
        elif child.type == "identifier":
            if kind:
                labels.append(_text(child))
            else:
                kind = _text(child)
        elif child.type == "string_lit":
            labels.append(_text(child)[1:-1])
    return Block(
        document,
        _offset(document, node.start_byte),
        _offset(document, node.end_byte),
        kind,
        tuple(labels),
        _TreeBody(document, body),
    )


def _span(document: Document, first: "Node", last: "Node") -> tuple[Document, int, int]:
    return document, _offset(document, first.start_byte), _offset(document, last.end_byte)


def _convert(document: Document, node: "Node") -> Expression:
    """Convert one expression node."""
    if node.type == "expression":
        return _sequence(document, [c for c in node.children if c.type != "comment"])
    return _primary(document, node)


def _sequence(document: Document, nodes: Sequence["Node"]) -> Expression:
    """Convert an operand and the `.a`, `[b]` that follow it."""
    if not nodes:
        raise AssertionError("the grammar has no empty expression")
    if nodes[0].type == "(" and len(nodes) >= 3:  # noqa: PLR2004  "(", inside, ")"
        result = _convert(document, nodes[1])
        rest = nodes[3:]
    else:
        result = _primary(document, nodes[0])
        rest = nodes[1:]
    for node in rest:
        if node.type in _POSTFIX:
            result = _postfix(document, result, nodes[0], node)
        else:
            return Opaque(*_span(document, nodes[0], nodes[-1]), "expression")
    return result


def _postfix(document: Document, base: Expression, first: "Node", node: "Node") -> Expression:
    span = _span(document, first, node)
    if node.type == "get_attr":
        return Attribute(*span, base, _text(node.named_children[-1]))
    if node.type == "index":
        inner = node.named_children[0]
        if inner.type == "legacy_index":
            digits = _text(inner).lstrip(".")
            place = _span(document, inner, inner)
            return Index(*span, base, Literal(*place, Kind.NUMBER, int(digits)))
        key = next((c for c in inner.named_children if c.type == "expression"), None)
        if key is not None:
            return Index(*span, base, _convert(document, key))
    return Opaque(*span, "splat")


def _primary(document: Document, node: "Node") -> Expression:
    span = _span(document, node, node)
    converter = _CONVERTERS.get(node.type)
    if node.has_error or converter is None:
        return Opaque(*span, node.type.replace("_", " "))
    return converter(document, node, span)


_Span = tuple[Document, int, int]


def _literal(_: Document, node: "Node", span: _Span) -> Expression:
    inner = node.named_children[0]
    text = _text(inner)
    match inner.type:
        case "string_lit":
            value = unescape(text[1:-1])
            if value is None:
                return Opaque(*span, "string with an unknown escape")
            return Literal(*span, Kind.STRING, value, '"')
        case "numeric_lit":
            return Literal(*span, Kind.NUMBER, number(text))
        case "bool_lit":
            return Literal(*span, Kind.BOOL, text == "true")
        case "null_lit":
            return Literal(*span, Kind.NULL, None)
    return Opaque(*span, inner.type)


def number(text: str) -> int | float:
    """Read a number as JSON and HCL write it."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def _wrapped(document: Document, node: "Node", _span: _Span) -> Expression:
    return _primary(document, node.named_children[0])


def _name(_: Document, node: "Node", span: _Span) -> Expression:
    return Name(*span, _text(node))


def _template(document: Document, node: "Node", span: _Span) -> Expression:
    inner = node.named_children[0]
    if inner.type == "heredoc_template":
        return Heredoc(*span)
    parts: list[str | Expression] = []
    for child in inner.named_children:
        if child.type == "template_literal":
            parts.append(unescape(_text(child)) or "")
        elif child.type == "template_interpolation":
            found = next((c for c in child.named_children if c.type == "expression"), None)
            if found is None:
                return Opaque(*span, "template")
            parts.append(_convert(document, found))
        elif child.type == "template_directive":
            return Opaque(*span, "template directive")
    return Template(*span, tuple(parts))


def _object(document: Document, node: "Node", span: _Span) -> Expression:
    def load() -> list[Entry]:
        entries = []
        for child in node.named_children:
            if child.type == "object_elem":
                sides = [c for c in child.named_children if c.type == "expression"]
                entries.append(Entry(_object_key(document, sides[0]), _convert(document, sides[1])))
        return entries

    return Object(*span, load)


def _object_key(document: Document, node: "Node") -> Expression:
    key = _convert(document, node)
    if isinstance(key, Name) and node.children[0].type != "(":
        # `name = …` is text; `(name) = …` is a reference.
        return Literal(key.document, key.start, key.end, Kind.STRING, key.name)
    return key


def _tuple(document: Document, node: "Node", span: _Span) -> Expression:
    def load() -> list[Expression]:
        return [_convert(document, c) for c in node.named_children if c.type == "expression"]

    return Tuple(*span, load)


def _call(document: Document, node: "Node", span: _Span) -> Expression:
    name = "".join(_text(c) for c in node.children if c.type in {"identifier", "::"})
    arguments = next((c for c in node.named_children if c.type == "function_arguments"), None)
    inside = [] if arguments is None else arguments.named_children
    found = tuple(_convert(document, c) for c in inside if c.type == "expression")
    return Call(*span, name, found, expanded=any(c.type == "ellipsis" for c in inside))


def _conditional(document: Document, node: "Node", span: _Span) -> Expression:
    parts = [_convert(document, c) for c in node.named_children if c.type == "expression"]
    if len(parts) != 3:  # noqa: PLR2004  condition, yes, no
        return Opaque(*span, "conditional")
    return Conditional(*span, parts[0], parts[1], parts[2])


def _operation(document: Document, node: "Node", span: _Span) -> Expression:
    inner = node.named_children[0]
    children = [c for c in inner.children if c.type != "comment"]
    if inner.type == "unary_operation":
        operand = _sequence(document, children[1:])
        sign = children[0].type
        if sign == "-" and isinstance(operand, Literal) and operand.kind is Kind.NUMBER:
            assert isinstance(operand.value, int | float)
            return Literal(*span, Kind.NUMBER, -operand.value)
        return Operation(*span, sign, (operand,))
    at = next((i for i, c in enumerate(children) if i and c.type in _OPERATORS), None)
    if at is None:
        return Opaque(*span, "operation")
    sides = (_sequence(document, children[:at]), _sequence(document, children[at + 1 :]))
    return Operation(*span, children[at].type, sides)


_OPERATORS = {"+", "-", "*", "/", "%", "==", "!=", "<", ">", "<=", ">=", "&&", "||"}


def _for(document: Document, node: "Node", span: _Span) -> Expression:
    inner = node.named_children[0]
    parts = list(_significant(inner))
    intro = parts[0]
    names = tuple(_text(c) for c in intro.named_children if c.type == "identifier")
    collection = next(c for c in intro.named_children if c.type == "expression")
    values = [_convert(document, c) for c in parts if c.type == "expression"]
    condition = next((c for c in parts if c.type == "for_cond"), None)
    test = None
    if condition is not None:
        test = _convert(
            document, next(c for c in condition.named_children if c.type == "expression")
        )
    is_object = inner.type == "for_object_expr"
    return For(
        *span,
        names,
        _convert(document, collection),
        values[0] if is_object else None,
        values[-1],
        test,
        any(c.type == "ellipsis" for c in parts),
    )


def _significant(node: "Node") -> Iterator["Node"]:
    return (child for child in node.named_children if child.type not in _BRACKETS)


_CONVERTERS: dict[str, Callable[[Document, "Node", _Span], Expression]] = {
    "expression": lambda document, node, _span: _convert(document, node),
    "literal_value": _literal,
    "collection_value": _wrapped,
    "object": _object,
    "tuple": _tuple,
    "variable_expr": _name,
    "template_expr": _template,
    "function_call": _call,
    "conditional": _conditional,
    "operation": _operation,
    "for_expr": _for,
}
