"""Trees: HCL files as tree-sitter parses them.

Its tree has byte offsets and survives broken files, at a fifteenth of the price of python-hcl2,
which checks every span once more before anything is written (`bot.terraform.agreement`).
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from bot.terraform.document import Document

if TYPE_CHECKING:
    from tree_sitter import Node, Parser


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
    root = tree_of(document)
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
    node = tree_of(document).descendant_for_byte_range(at, at)
    while node is not None and (above := node.parent) is not None:
        if above.type == "body" and above.parent is not None and above.parent.type == "config_file":
            return offset_of(document, node.start_byte), offset_of(document, node.end_byte)
        node = above
    return document.body_start, len(document.data)


def tree_of(document: Document) -> "Node":
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


def first_error(node: "Node") -> int:
    """Return the byte where the first thing stands that cannot be read."""
    while True:
        child = next((c for c in node.children if c.has_error or c.is_missing), None)
        if child is None or node.is_error:
            return node.start_byte
        node = child


def offset_of(document: Document, offset: int) -> int:
    """Turn an offset of the tree into one of the file: the byte order mark is not parsed."""
    return offset + document.body_start


def text_of(node: "Node") -> str:
    """Return the text of a node."""
    return "" if node.text is None else node.text.decode("utf-8", "replace")
