"""Cut what a reader sends into pages, whatever the pieces it sends them in."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from bot.loader.sources.ties import before_tie


def repage(
    batches: Iterator[Any], size: int, key: Callable[[Any], Any] | None = None
) -> Iterator[tuple[Any, bool]]:
    """Cut record batches into batches of `size` rows; the last one holds the rest.

    Args:
        batches: record batches of one schema.
        size: rows per page.
        key: returns the key of a record batch of one row; pages then end where the key changes,
            and hold fewer rows for it. A key that fills a whole page is cut all the same.

    Yields:
        The page, and whether the row behind it has the key of its last row.
    """
    pending = _Pending()
    for batch in batches:
        pending.add(batch)
        while pending.rows > size:
            count = size if key is None else before_tie(pending, size, key)
            tied = key is not None and key(pending[count - 1]) == key(pending[count])
            yield pending.take(count), tied
    if pending.rows:
        yield pending.take(pending.rows), False


class _Pending(Sequence[Any]):
    """Rows that wait for their page; they are copied once, where a page has several pieces."""

    def __init__(self) -> None:
        self._pieces: deque[Any] = deque()
        self.rows = 0

    def add(self, batch: Any) -> None:
        """Put a record batch behind the others."""
        if batch.num_rows:
            self._pieces.append(batch)
            self.rows += batch.num_rows

    def take(self, count: int) -> Any:
        """Cut the first `count` rows off, as one record batch."""
        taken, wanted = [], count
        while wanted:
            piece = self._pieces.popleft()
            taken.append(piece.slice(0, wanted))
            if piece.num_rows > wanted:
                self._pieces.appendleft(piece.slice(wanted))
            wanted -= taken[-1].num_rows
        self.rows -= count
        return one_batch(pa.Table.from_batches(taken))

    def __getitem__(self, index: Any) -> Any:
        for piece in self._pieces:
            if index < piece.num_rows:
                return piece.slice(index, 1)
            index -= piece.num_rows
        raise IndexError(index)

    def __len__(self) -> int:
        return self.rows


def one_batch(table: Any) -> Any:
    """Return the rows of a table as one record batch, copying only where it has several pieces."""
    batches = table.to_batches()
    if len(batches) == 1:
        return batches[0]
    return table.combine_chunks().to_batches()[0] if batches else _empty(table.schema)


def _empty(schema: Any) -> Any:
    return pa.RecordBatch.from_pylist([], schema=schema)
