"""The frontier of a mine: which stretches of time are still to be read, and by whom.

Reading is split where it pays: a reader without work takes over the far part of the stretch that
has most left, as far as the density seen so far tells. Pieces are kept short, so that the
frontier behind which everything is read (`reached`) keeps moving and a kill costs little.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

LONGEST_PIECE_PAGES: Final = 20
SHORTEST_PIECE_PAGES: Final = 2

_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where to read on: everything created before `second` is read.

    Of those created in it, `rows` are; `tail` has the ids of these, as far as they could be
    read.
    """

    second: datetime
    rows: int = 0
    tail: tuple[int, ...] = ()


@dataclass(slots=True, eq=False)
class Stretch:
    """A stretch of time, both ends inclusive; `cursor` None is "from the oldest there is"."""

    cursor: Cursor | None
    end: datetime
    busy: bool = False


class Frontier:
    """Stretches in order of time. Not thread-safe: its owner holds a lock around each call.

    With `is_open`, `end` is only the present as far as it is known: what came after it is read
    too, and not counted on.
    """

    def __init__(
        self, start: datetime | None, end: datetime, page_size: int, *, is_open: bool = False
    ) -> None:
        self._stretches = [Stretch(None if start is None else Cursor(start), end)]
        self._end = end
        self._is_open = is_open
        self._page_size = page_size
        self._rows = 0
        self._covered = timedelta(0)

    @property
    def reached(self) -> datetime | None:
        """Return up to when nothing is missing, None before the first page of all there is."""
        if not self._stretches:
            return self._end
        cursor = self._stretches[0].cursor
        return None if cursor is None else min(cursor.second, self._end)

    @property
    def is_done(self) -> bool:
        """Tell whether every stretch was read."""
        return not self._stretches

    def take(self) -> Stretch | None:
        """Hand out a stretch to read one page of; None when there is nothing to do just now."""
        found = next((one for one in self._stretches if not one.busy), None) or self._split()
        if found is not None:
            found.busy = True
        return found

    def advance(self, stretch: Stretch, cursor: Cursor, rows: int) -> None:
        """Note that a stretch was read up to `cursor`, with `rows` on the way."""
        stretch.busy = False
        if stretch.cursor is not None:
            self._covered += cursor.second - stretch.cursor.second
            self._rows += rows
        stretch.cursor = cursor
        bound = self.bound(stretch)
        if bound is not None and cursor.second > bound:
            self._stretches.remove(stretch)

    def bound(self, stretch: Stretch) -> datetime | None:
        """Return up to when a stretch is to be read, None for "as far as there is any"."""
        return None if self._is_open and stretch is self._stretches[-1] else stretch.end

    def finish(self, stretch: Stretch) -> None:
        """Note that a stretch was read to its end."""
        self._stretches.remove(stretch)

    def _split(self) -> Stretch | None:
        """Cut off the far part of the stretch with most left, if that is worth a reader."""
        if self._rows == 0 or self._covered <= timedelta(0):
            return None
        page_span = self._covered * (self._page_size / self._rows)
        left = [(one.end - one.cursor.second, one) for one in self._stretches if one.cursor]
        span, longest = max(left, key=lambda pair: pair[0], default=(timedelta(0), None))
        if longest is None or span < 2 * SHORTEST_PIECE_PAGES * page_span:
            return None
        near = min(span / 2, LONGEST_PIECE_PAGES * page_span) // _SECOND * _SECOND
        cut = longest.end - span + max(near, _SECOND)
        if cut >= longest.end:
            return None
        far = Stretch(Cursor(cut), longest.end)
        longest.end = cut
        self._stretches.insert(self._stretches.index(longest) + 1, far)
        return far
