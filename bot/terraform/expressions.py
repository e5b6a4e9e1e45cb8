"""Expressions of HCL: from the nodes of tree-sitter to the classes of `bot.terraform.syntax`."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from bot.terraform.document import Document
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
from bot.terraform.tree import offset_of, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

_POSTFIX = {"get_attr", "index", "splat"}
_BRACKETS = {"object_start", "object_end", "tuple_start", "tuple_end", ",", "comment"}


def _span(document: Document, first: "Node", last: "Node") -> tuple[Document, int, int]:
    return document, offset_of(document, first.start_byte), offset_of(document, last.end_byte)


def convert(document: Document, node: "Node") -> Expression:
    """Convert one expression node."""
    if node.type == "expression":
        return _sequence(document, [c for c in node.children if c.type != "comment"])
    return _primary(document, node)


def _sequence(document: Document, nodes: Sequence["Node"]) -> Expression:
    """Convert an operand and the `.a`, `[b]` that follow it."""
    if not nodes:
        raise AssertionError("the grammar has no empty expression")
    if nodes[0].type == "(" and len(nodes) >= 3:  # noqa: PLR2004  "(", inside, ")"
        result = convert(document, nodes[1])
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
        return Attribute(*span, base, text_of(node.named_children[-1]))
    if node.type == "index":
        inner = node.named_children[0]
        if inner.type == "legacy_index":
            digits = text_of(inner).lstrip(".")
            place = _span(document, inner, inner)
            return Index(*span, base, Literal(*place, Kind.NUMBER, int(digits)))
        key = next((c for c in inner.named_children if c.type == "expression"), None)
        if key is not None:
            return Index(*span, base, convert(document, key))
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
    text = text_of(inner)
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
    return Name(*span, text_of(node))


def _template(document: Document, node: "Node", span: _Span) -> Expression:
    inner = node.named_children[0]
    if inner.type == "heredoc_template":
        return Heredoc(*span)
    parts: list[str | Expression] = []
    for child in inner.named_children:
        if child.type == "template_literal":
            parts.append(unescape(text_of(child)) or "")
        elif child.type == "template_interpolation":
            found = next((c for c in child.named_children if c.type == "expression"), None)
            if found is None:
                return Opaque(*span, "template")
            parts.append(convert(document, found))
        elif child.type == "template_directive":
            return Opaque(*span, "template directive")
    return Template(*span, tuple(parts))


def _object(document: Document, node: "Node", span: _Span) -> Expression:
    def load() -> list[Entry]:
        entries = []
        for child in node.named_children:
            if child.type == "object_elem":
                sides = [c for c in child.named_children if c.type == "expression"]
                entries.append(Entry(_object_key(document, sides[0]), convert(document, sides[1])))
        return entries

    return Object(*span, load)


def _object_key(document: Document, node: "Node") -> Expression:
    key = convert(document, node)
    if isinstance(key, Name) and node.children[0].type != "(":
        # `name = …` is text; `(name) = …` is a reference.
        return Literal(key.document, key.start, key.end, Kind.STRING, key.name)
    return key


def _tuple(document: Document, node: "Node", span: _Span) -> Expression:
    def load() -> list[Expression]:
        return [convert(document, c) for c in node.named_children if c.type == "expression"]

    return Tuple(*span, load)


def _call(document: Document, node: "Node", span: _Span) -> Expression:
    name = "".join(text_of(c) for c in node.children if c.type in {"identifier", "::"})
    arguments = next((c for c in node.named_children if c.type == "function_arguments"), None)
    inside = [] if arguments is None else arguments.named_children
    found = tuple(convert(document, c) for c in inside if c.type == "expression")
    return Call(*span, name, found, expanded=any(c.type == "ellipsis" for c in inside))


def _conditional(document: Document, node: "Node", span: _Span) -> Expression:
    parts = [convert(document, c) for c in node.named_children if c.type == "expression"]
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
    names = tuple(text_of(c) for c in intro.named_children if c.type == "identifier")
    collection = next(c for c in intro.named_children if c.type == "expression")
    values = [convert(document, c) for c in parts if c.type == "expression"]
    condition = next((c for c in parts if c.type == "for_cond"), None)
    test = None
    if condition is not None:
        test = convert(
            document, next(c for c in condition.named_children if c.type == "expression")
        )
    is_object = inner.type == "for_object_expr"
    return For(
        *span,
        names,
        convert(document, collection),
        values[0] if is_object else None,
        values[-1],
        test,
        any(c.type == "ellipsis" for c in parts),
    )


def _significant(node: "Node") -> Iterator["Node"]:
    return (child for child in node.named_children if child.type not in _BRACKETS)


_CONVERTERS: dict[str, Callable[[Document, "Node", _Span], Expression]] = {
    "expression": lambda document, node, _span: convert(document, node),
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
