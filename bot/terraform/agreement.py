"""Agreement: a second parser has to see the same literal at the same place."""

import json
from functools import lru_cache
from typing import Any

from bot.terraform.document import Document, Language
from bot.terraform.syntax import Kind, Literal

_TOKENS = {
    Kind.STRING: {"string"},
    Kind.NUMBER: {"int_lit", "float_lit"},
    Kind.BOOL: {"identifier", "literal"},
}


def agrees(literal: Literal) -> bool:
    """Tell whether the other parser has a literal that spans exactly these bytes.

    HCL is read by python-hcl2, JSON by the standard library, YAML by ruamel.yaml's own loader;
    for the last two the text of the span is what they have to read as the same value.
    """
    if literal.document.language is Language.HCL:
        text, offset = _characters(literal.document)
        start = len(literal.document.data[offset : literal.start].decode())
        end = start + len(literal.text)
        return (start, end, text[start:end]) in _spans(literal.document)
    if literal.document.language is Language.YAML:
        from ruamel.yaml import YAML

        return bool(YAML(typ="safe", pure=True).load(literal.text) == literal.value)
    return bool(json.loads(literal.text) == literal.value)


def _characters(document: Document) -> tuple[str, int]:
    offset = document.body_start
    return document.data[offset:].decode("utf-8"), offset


@lru_cache(maxsize=32)
def _spans(document: Document) -> frozenset[tuple[int, int, str]]:
    import hcl2
    from lark import Token, Tree
    from lark.exceptions import LarkError

    text, _offset = _characters(document)
    try:
        # A heredoc that ends the file swallows the newline that the grammar wants.
        tree = hcl2.parses_to_tree(text if text.endswith("\n") else text + "\n")
    except (LarkError, RecursionError):
        return frozenset()
    found = set()
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Tree):
            waiting += node.children
            if not node.meta.empty and len(node.children) >= 1:
                start, end = node.meta.start_pos, node.meta.end_pos
                found.add((start, end, text[start:end]))
        elif isinstance(node, Token) and node.start_pos is not None:
            end = node.start_pos + len(node)
            found.add((node.start_pos, end, text[node.start_pos : end]))
    return frozenset(found)
