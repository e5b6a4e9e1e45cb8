"""Redaction: keep secrets that we have resolved out of every text that leaves the process."""

import json
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

REDACTED: Final = "***"
_SHORTEST: Final = 4
"""Shorter values ("1", "no") are no secrets, and hiding them would garble every message."""

_URL_PASSWORD = re.compile(
    r"(?P<head>\b[a-z][a-z0-9+.-]*://[^\s:/?#@]*:)[^\s]*(?P<tail>@)", re.IGNORECASE
)
_BEARER = re.compile(r"(?P<head>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)


_TOLD: Final[set[str]] = set()


def told() -> frozenset[str]:
    """Return every secret that any redactor of this process was told: a crash knows no settings."""
    return frozenset(_TOLD)


def _spellings(value: str) -> set[str]:
    """Return a value as it is, and as exceptions (`repr`), JSON and addresses write it."""
    quoted = json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]
    # A lone surrogate, which no address can hold, is what `errors` is for.
    addressed = (
        quote(value, safe, errors="replace").replace("%20", space)
        for safe in ("", "/")
        for space in ("%20", "+")
    )
    return {value, repr(value)[1:-1], *quoted, *addressed}


class Redactor:
    """Replace known secret values, passwords in URLs and authorization headers by `***`.

    Values are replaced longest first, so that a secret that contains another leaves no rest.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: list[str] = []
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Remember more values to hide; those under four characters are let through."""
        long = [value for value in secrets if len(value) >= _SHORTEST]
        _TOLD.update(long)
        known = {spelling for value in long for spelling in _spellings(value)}
        self._secrets = sorted(known | set(self._secrets), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return `text` with every known secret hidden."""
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        text = _URL_PASSWORD.sub(rf"\g<head>{REDACTED}\g<tail>", text)
        return _BEARER.sub(rf"\g<head>{REDACTED}", text)
