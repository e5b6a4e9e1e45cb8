"""Splice: replace the bytes of literals, and of nothing else."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.terraform.document import Document, Language
from bot.terraform.strings import quote_hcl, quote_json, quote_yaml
from bot.terraform.syntax import Kind, Literal

NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?")
_HIDDEN = r"passw|secret|token|credential|private_?key|api_?key"
_SECRET_LINE = re.compile(_HIDDEN, re.IGNORECASE)
_SECRET_VALUE = re.compile(rf'(\w*(?:{_HIDDEN})\w*"?\s*[=:]\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE)
_CONTEXT = 3


@dataclass(frozen=True, slots=True)
class Replacement:
    """New text for one literal of one document."""

    literal: Literal
    text: str

    @property
    def document(self) -> Document:
        """Return the document that the literal is in."""
        return self.literal.document


def encode(literal: Literal, value: str) -> str | None:
    """Write a value in the place of a literal, quoted as it is; None when its type cannot hold it."""
    language = literal.document.language
    if literal.kind is Kind.NUMBER:
        return value if NUMBER.fullmatch(value) else None
    if literal.kind is Kind.BOOL:
        return value if value in {"true", "false"} else None
    if language is Language.HCL:
        return quote_hcl(value)
    if language is Language.YAML:
        return quote_yaml(value, literal.style)
    return quote_json(value, template=language is Language.HCL_JSON)


def spliced(document: Document, replacements: Sequence[Replacement]) -> bytes:
    """Return the content of a document with some literals replaced.

    Raises:
        ValueError: when two of them overlap.
    """
    data = document.data
    behind = len(data)
    for one in sorted(replacements, key=lambda one: one.literal.start, reverse=True):
        if one.literal.end > behind:
            raise ValueError(f"two edits overlap in {document.name}")
        behind = one.literal.start
        data = data[: one.literal.start] + one.text.encode() + data[one.literal.end :]
    return data


def unified(document: Document, after: bytes) -> str:
    """Return a unified diff.

    Lines around the change that look secret are left out; a secret on the changed line itself is
    hidden, which is the one case in which the diff cannot be applied.
    """
    if after == document.data:
        return ""
    old, new = _lines(document.data), _lines(after)
    names = (f"a/{document.name}", f"b/{document.name}")
    rows: list[str] = []
    for context in range(_CONTEXT, -1, -1):
        rows = list(difflib.unified_diff(old, new, *names, n=context, lineterm="\n"))
        if not any(row.startswith(" ") and _SECRET_LINE.search(row) for row in rows):
            break
    return "".join(
        row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n"
        for row in (_SECRET_VALUE.sub(r'\1"(hidden)"', row) for row in rows)
    )


def trailing_comment(literal: Literal) -> str | None:
    """Return the comment behind a literal on its line: it may describe the old value."""
    document = literal.document
    end = document.data.find(b"\n", literal.end)
    rest = document.text(literal.end, len(document.data) if end < 0 else end).rstrip("\r")
    marks = ("#",) if document.language is Language.YAML else ("#", "//", "/*")
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', lambda match: " " * len(match[0]), rest)
    places = [outside.find(mark) for mark in marks if mark in outside]
    return rest[min(places) :].strip() if places else None


def _lines(data: bytes) -> list[str]:
    pieces = data.decode("utf-8", "replace").split("\n")
    lines = [piece + "\n" for piece in pieces[:-1]]
    return [*lines, pieces[-1]] if pieces[-1] else lines
