"""Paging: walk a list by offsets that we compute ourselves, and notice when it moves meanwhile.

Airbyte's `next` links name the wrong host and drop the filters, so they are never followed.
Offsets skip rows when rows before them disappear (pruning, deletions), and repeat rows where
the order has ties. So each page starts on the last row of the page before it: when that row is
not there, or when a row was seen twice, the list moved and the walk begins again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

MOST_WALKS: Final = 4

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Walk(Generic[Row]):
    """The rows of a list, each once; `steady` is False when the list never held still."""

    rows: tuple[Row, ...]
    steady: bool


def walk(
    fetch: Callable[[int], Sequence[Row]], identity: Callable[[Row], object], limit: int
) -> Walk[Row]:
    """Read a whole list.

    Args:
        fetch: returns the rows at an offset, at most `limit` of them; fewer means the end.
        identity: tells rows apart.
        limit: rows per page, at least 2.
    """
    seen: dict[object, Row] = {}
    for _ in range(MOST_WALKS):
        rows, steady = _once(fetch, identity, limit)
        seen.update((identity(row), row) for row in rows)
        if steady and len({identity(row) for row in rows}) == len(rows):
            # What an earlier, disturbed walk has seen beyond this one is gone by now.
            return Walk(tuple(rows), steady=True)
    return Walk(tuple(seen.values()), steady=False)


def _once(
    fetch: Callable[[int], Sequence[Row]], identity: Callable[[Row], object], limit: int
) -> tuple[list[Row], bool]:
    rows: list[Row] = []
    steady = True
    while True:
        page = fetch(max(len(rows) - 1, 0))
        joined = not rows or (bool(page) and identity(page[0]) == identity(rows[-1]))
        steady &= joined
        rows.extend(page[1:] if rows and joined else page)
        if len(page) < limit:
            return rows, steady
