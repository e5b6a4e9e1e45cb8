"""Rows that share a key: a page must not end between them, or they have no place to go on from."""

from collections.abc import Callable, Sequence
from typing import Any


def before_tie(rows: Sequence[Any], size: int, key: Callable[[Any], Any]) -> int:
    """Return how many of the first `size` rows lie before the key that row `size` shares.

    All of them when the whole page has one key.
    """
    boundary, count = key(rows[size]), size
    while count and key(rows[count - 1]) == boundary:
        count -= 1
    return count or size
