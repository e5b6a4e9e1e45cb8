"""Markdown of what other people have named: nothing in a name may become markup or a mention."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~@&-])")
_LINK: Final = re.compile(r"(?<=[a-z]):(?=//)|(?<=\bwww)\.(?=\w)", re.IGNORECASE)


def escape(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    # The backslash keeps an address from becoming a link, the zero-width space keeps GitHub from
    # notifying a person or linking an issue.
    line = _LINK.sub(r"\\\g<0>", _SPECIAL.sub(r"\\\1", line))
    return line.replace(r"\@", "\\@\u200b").replace(r"\#", "\\#\u200b")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are escaped here."""
    lines = [list(headings), ["---"] * len(headings), *(list(map(escape, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def cut(text: str, limit_bytes: int, note: str) -> str:
    """Shorten text to a number of UTF-8 bytes, at the end of a line, and say so in `note`."""
    if len(text.encode()) <= limit_bytes:
        return text
    room = limit_bytes - len(note.encode()) - 2
    kept = text.encode()[:room].decode(errors="ignore")
    return f"{kept[: kept.rfind(chr(10))]}\n\n{note}"
