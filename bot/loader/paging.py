"""A page on its way into the sink: what is left of it, and which record is which."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from bot.loader.rows import Page, Reject, Rows


class PageWork:
    """The rows of a page that are still to be written, cut off from the front.

    Rows are counted without the rejects of the page, records with them: the position of a
    record is its place in the page as it was read, whatever was set apart or skipped.

    Args:
        page: what the source sent.
        skip_records: records at its front that an earlier process already dealt with.
    """

    def __init__(self, page: Page, skip_records: int = 0) -> None:
        self._page = page
        # The number of rows in front of each reject.
        self._rows_before = [reject.index - nth for nth, reject in enumerate(page.rejects)]
        self.records = page.rows.num_rows + len(page.rejects)
        skipped = min(skip_records, self.records)
        indices = [reject.index for reject in page.rejects]
        self._first_reject = bisect_left(indices, skipped)
        self._row = skipped - self._first_reject
        self._done_at_start = skipped

    @property
    def left_rows(self) -> int:
        """Count the rows that are still to be written."""
        return self._page.rows.num_rows - self._row

    def front(self, rows: int) -> Rows:
        """Return the next rows without taking them; fewer at the end of the page."""
        return self._page.rows.slice(self._row, min(rows, self.left_rows))

    def advance(self, rows: int) -> None:
        """Take rows off the front."""
        self._row += rows

    def position(self, index: int) -> int:
        """Return the record position of the row at `index` from the front."""
        row = self._row + index
        return row + bisect_right(self._rows_before, row)

    def records_after(self, rows: int) -> int:
        """Count the records that are dealt with once `rows` more are; the whole page at its end."""
        if rows >= self.left_rows:
            return self.records
        return max(self.position(rows), self._done_at_start)

    def rejects_before(self, records: int) -> Sequence[Reject]:
        """Return the rejects among the first `records`, without those skipped at the start."""
        stop = bisect_left([reject.index for reject in self._page.rejects], records)
        return self._page.rejects[self._first_reject : stop]
