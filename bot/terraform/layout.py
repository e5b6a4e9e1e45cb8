"""Layout: would `terraform fmt` want more changes after an edit than before it?

A new value moves nothing but the comments behind it: `terraform fmt` aligns the trailing comments
of lines that follow each other (`formatCells` in hashicorp/hcl, hclwrite/format.go). A comment that
was aligned and is not any more would turn a clean file into one that fails `fmt -check`.
"""

import re

from bot.terraform.document import Document, Language
from bot.terraform.syntax import Literal

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_COMMENT = re.compile(r"(?P<code>.*?\S)(?P<gap>\s+)(?P<comment>(?:#|//).*)")


def loosens(literal: Literal, text: str) -> bool:
    """Tell whether putting `text` in the place of a literal breaks an alignment of comments."""
    document = literal.document
    if document.language is not Language.HCL or len(text) == len(literal.text):
        return False
    line = literal.line
    rows = _neighbours(document, line)
    if len(rows) < 2:  # noqa: PLR2004  alone, a comment stays one space behind the code
        return False
    if not _aligned(list(rows.values())):
        return False
    code, gap = rows[line]
    rows[line] = (code + len(text) - len(literal.text), gap)
    return not _aligned(list(rows.values()))


def _aligned(rows: list[tuple[int, int]]) -> bool:
    widest = max(code for code, _gap in rows)
    return all(code + gap == widest + 1 for code, gap in rows)


def _neighbours(document: Document, line: int) -> dict[int, tuple[int, int]]:
    """Return width of code and of the gap for each commented line of the run around `line`."""
    found = {}
    for step in (-1, 1):
        at = line if step < 0 else line + 1
        while 1 <= at <= document.line_count + 1:
            row = _row(document.line_text(at))
            if row is None:
                break
            found[at] = row
            at += step
    return found


def _row(text: str) -> tuple[int, int] | None:
    hidden = _STRING.sub(lambda match: '"' + "x" * (len(match[0]) - 2) + '"', text)
    match = _COMMENT.match(hidden.strip())
    return None if match is None else (len(match["code"]), len(match["gap"]))
