"""Documents: files of a root as bytes, exactly as they are on disk."""

import bisect
import hashlib
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from bot.domain.errors import TerraformError

BOM = b"\xef\xbb\xbf"


class Language(StrEnum):
    """How a document is read."""

    HCL = "hcl"
    HCL_JSON = "hcl_json"
    JSON = "json"
    YAML = "yaml"


class Document:
    """One file of a root.

    `path` is absolute and keeps symbolic links, `name` is how people call it: relative to the
    root, with `/`. `embedded` is given for HCL that was cut out of a string of a JSON file, and is
    the line of that string: it can be followed, but its offsets are not those of the file, so
    nothing in it can be edited.
    """

    def __init__(
        self, path: Path, name: str, data: bytes, language: Language, *, embedded: int | None = None
    ) -> None:
        self.path = path
        self.name = name
        self.data = data
        self.language = language
        self.embedded = embedded
        self.tree: Any = None

    @cached_property
    def digest(self) -> str:
        """Return a fingerprint, to notice that the file has changed since it was read."""
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def body_start(self) -> int:
        """Return the byte offset behind the byte order mark, if there is one."""
        return len(BOM) if self.data.startswith(BOM) else 0

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        found = self.data.find(b"\n")
        while found >= 0:
            starts.append(found + 1)
            found = self.data.find(b"\n", found + 1)
        return starts

    def line(self, offset: int) -> int:
        """Return the line of a byte offset, counted from 1."""
        if self.embedded is not None:
            return self.embedded
        return bisect.bisect_right(self._line_starts, offset)

    def line_text(self, line: int) -> str:
        """Return one line (from 1) without its ending."""
        starts = self._line_starts
        end = starts[line] if line < len(starts) else len(self.data)
        return self.data[starts[line - 1] : end].decode("utf-8", "replace").rstrip("\r\n")

    @cached_property
    def line_count(self) -> int:
        """Return the number of line endings."""
        return self.data.count(b"\n")

    def text(self, start: int, end: int) -> str:
        """Return the text between two byte offsets."""
        return self.data[start:end].decode("utf-8", "replace")

    @cached_property
    def is_utf8(self) -> bool:
        """Tell whether every byte of it is valid UTF-8."""
        try:
            self.data.decode("utf-8")
        except UnicodeDecodeError:
            return False
        return True


def read_document(path: Path, name: str, language: Language) -> Document:
    """Read a file once.

    Raises:
        TerraformError: when it cannot be read.
    """
    try:
        return Document(path, name, path.read_bytes(), language)
    except OSError as error:
        raise TerraformError(f"cannot read {name}: {error.strerror or error}") from error
