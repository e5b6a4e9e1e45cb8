"""JSON files to expressions with byte offsets (the standard library keeps no positions)."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bot.terraform.document import Document, Language
from bot.terraform.expressions import number
from bot.terraform.hcl import parse_template
from bot.terraform.syntax import Entry, Expression, Kind, Literal, Object, Tuple

_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING = re.compile(rb'"(?:[^"\\\x00-\x1f]|\\.)*"')
_NUMBER = re.compile(rb"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_DEPTH = 200
T = TypeVar("T")


class JsonSyntaxError(ValueError):
    """The text is not JSON; `offset` is where."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"not JSON at byte {offset}")
        self.offset = offset


def parse(document: Document) -> Expression:
    """Parse a JSON document; in `.tf.json` files strings with `${` become templates.

    Raises:
        JsonSyntaxError: when it is not JSON.
    """
    try:
        json.loads(document.data[document.body_start :])
    except (ValueError, RecursionError) as error:
        raise JsonSyntaxError(getattr(error, "pos", 0) + document.body_start) from error
    scanner = _Scanner(document, document.body_start)
    return scanner.value(0)


@dataclass(slots=True)
class _Scanner:
    document: Document
    at: int

    def value(self, depth: int) -> Expression:
        self._skip()
        data, start = self.document.data, self.at
        head = data[start : start + 1]
        if depth > _DEPTH:
            raise JsonSyntaxError(start)
        if head == b"{":
            entries = self._items(b"}", lambda: self._entry(depth))
            return Object(self.document, start, self.at, lambda: entries)
        if head == b"[":
            items = self._items(b"]", lambda: self.value(depth + 1))
            return Tuple(self.document, start, self.at, lambda: items)
        if head == b'"':
            return self._string(template=self.document.language is Language.HCL_JSON)
        for word, kind, meaning in _WORDS:
            if data.startswith(word, start):
                self.at += len(word)
                return Literal(self.document, start, self.at, kind, meaning)
        match = _NUMBER.match(data, start)
        if match is None:
            raise JsonSyntaxError(start)
        self.at = match.end()
        return Literal(self.document, start, self.at, Kind.NUMBER, number(match[0].decode("ascii")))

    def _items(self, closing: bytes, read: Callable[[], T]) -> list[T]:
        found: list[T] = []
        self.at += 1
        self._skip()
        while self.document.data[self.at : self.at + 1] != closing:
            found.append(read())
            self._skip()
            if self.document.data[self.at : self.at + 1] == b",":
                self.at += 1
                self._skip()
        self.at += 1
        return found

    def _entry(self, depth: int) -> Entry:
        key = self._string(template=False)
        self._skip()
        self.at += 1
        return Entry(key, self.value(depth + 1))

    def _string(self, *, template: bool) -> Expression:
        start = self.at
        match = _STRING.match(self.document.data, start)
        if match is None:
            raise JsonSyntaxError(start)
        self.at = match.end()
        text = json.loads(match[0])
        if template and ("${" in text or "%{" in text):
            return parse_template(self.document, start, self.at, text)
        return Literal(self.document, start, self.at, Kind.STRING, text, '"')

    def _skip(self) -> None:
        match = _SPACE.match(self.document.data, self.at)
        assert match is not None
        self.at = match.end()


_WORDS = ((b"true", Kind.BOOL, True), (b"false", Kind.BOOL, False), (b"null", Kind.NULL, None))
