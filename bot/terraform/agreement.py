"""Agreement: a second parser has to see the same literal at the same place.

tree-sitter finds, because it is fast; python-hcl2 confirms, because it is another grammar by other
people. What only one of them sees is not edited.
"""

import json
from functools import lru_cache
from typing import Any

from bot.terraform import tree
from bot.terraform.document import Document, Language
from bot.terraform.syntax import Literal

_SINGLE = {"string", "int_lit", "float_lit", "unary_op", "identifier"}
Span = tuple[int, int]


def agrees(literal: Literal) -> bool:
    """Tell whether the other parser has a literal that spans exactly these bytes.

    HCL is read by python-hcl2: the block, or the variable's value, that the literal is in. For JSON
    and YAML the standard library and the safe loader of ruamel.yaml have to read the bytes of the
    span as the same value.
    """
    document = literal.document
    if document.language is Language.HCL:
        span = tree.statement_around(document, literal.start)
        begin = len(document.data[span[0] : literal.start].decode())
        return (begin, begin + len(literal.text)) in _spans(document, span)
    if document.language is Language.YAML:
        from ruamel.yaml import YAML

        return bool(YAML(typ="safe", pure=True).load(literal.text) == literal.value)
    return bool(json.loads(literal.text) == literal.value)


@lru_cache(maxsize=64)
def _spans(document: Document, span: Span) -> frozenset[Span]:
    import hcl2
    from lark import Tree
    from lark.exceptions import LarkError

    text = document.data[span[0] : span[1]].decode("utf-8")
    try:
        # A heredoc at the end swallows the newline that the grammar wants.
        parsed = hcl2.parses_to_tree(text + "\n")
    except (LarkError, RecursionError):
        return frozenset()
    found = set()
    waiting: list[Any] = [parsed]
    while waiting:
        node = waiting.pop()
        waiting += (child for child in node.children if isinstance(child, Tree))
        if node.data in _SINGLE and not node.meta.empty:
            found.add((node.meta.start_pos, node.meta.end_pos))
    return frozenset(found)
