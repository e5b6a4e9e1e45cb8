"""Digests: short names for content."""

import hashlib


def digest(*parts: str) -> str:
    """Return the SHA-256 of texts in order, as `sha256:` and 64 hexadecimal digits.

    Each part is preceded by its length, so that no two lists of texts share a digest.
    """
    hashed = hashlib.sha256()
    for part in parts:
        content = part.encode()
        hashed.update(b"%d:" % len(content))
        hashed.update(content)
    return f"sha256:{hashed.hexdigest()}"
