"""Text that others wrote, made harmless in a body: names, reasons, values.

Forges render Markdown and then look for @names, #numbers and links in what came out of it, so that
two things are needed: a backslash before what Markdown reads, and a zero-width space inside of what
the forge reads afterwards.
"""

import re
import unicodedata
from typing import Final

NAME_LENGTH: Final = 80
SENTENCE_LENGTH: Final = 1_000

_ELLIPSIS: Final = "…"
_INLINE: Final = re.compile(r"[\\`*\[\]<>|~&$]|(?<![^\W_])_|_(?![^\W_])")
_BLOCK: Final = re.compile(r"^(?:[#+=-]|\d{1,9}(?=[.)]))")
_LINK: Final = re.compile(r"(?<=[a-z]):(?=//)|(?<=\bwww)\.(?=\w)", re.IGNORECASE)
_REFERENCE: Final = re.compile(r"@|#(?=\w)|\bGH-(?=\d)|:(?=[a-z+][a-z0-9_+-]*:)", re.IGNORECASE)


def plain(text: object, limit: int = NAME_LENGTH) -> str:
    """Keep a text on one line and printable: no controls, no marks that turn its direction."""
    normal = unicodedata.normalize("NFC", str(text))
    if not normal.isprintable():
        normal = "".join(c if c.isprintable() else " " for c in normal)
    shown = " ".join(normal.split())
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + _ELLIPSIS


def md(text: object, limit: int = SENTENCE_LENGTH) -> str:
    """Return a text that shows as it is written wherever Markdown is read, and mentions nobody."""
    shown = _INLINE.sub(r"\\\g<0>", plain(text, limit))
    shown = _BLOCK.sub(_escape_start, shown)
    shown = _LINK.sub(r"\\\g<0>", shown)
    return _REFERENCE.sub("\\g<0>\u200b", shown)


def code(text: object, limit: int = NAME_LENGTH) -> str:
    """Return a text as a code span, which nothing is read in."""
    # A comment's ends are looked for in the raw text: the metadata block is one.
    shown = plain(text, limit).replace("<!--", "<\u200b!--").replace("-->", "--\u200b>") or " "
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def cell(text: object, limit: int = NAME_LENGTH) -> str:
    """Return a code span for a table, where a pipe would end the cell even so."""
    return code(text, limit).replace("|", "\\|")


def _escape_start(match: re.Match[str]) -> str:
    """Escape what would begin a heading, a list or a rule at the start of a line."""
    start = match.group()
    return f"{start}\u200b" if start.isdigit() else f"\\{start}"
