"""Cut what a reader sends into pages, whatever the pieces it sends them in."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa


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
    pending: list[Any] = []
    waiting = 0
    for batch in batches:
        pending.append(batch)
        waiting += batch.num_rows
        if waiting <= size:
            continue
        rest = one_batch(pa.Table.from_batches(pending))
        while waiting > size:
            count = size if key is None else before_tie(_RowList(rest), size, key)
            tied = key is not None and key(rest.slice(count - 1, 1)) == key(rest.slice(count, 1))
            yield rest.slice(0, count), tied
            rest, waiting = rest.slice(count), waiting - count
        pending = [rest]
    if waiting:
        yield one_batch(pa.Table.from_batches(pending)), False


def before_tie(rows: Sequence[Any], size: int, key: Callable[[Any], Any]) -> int:
    """Return how many of the first `size` rows lie before the key that row `size` shares.

    All of them when the whole page has one key.
    """
    boundary, count = key(rows[size]), size
    while count and key(rows[count - 1]) == boundary:
        count -= 1
    return count or size


class _RowList(Sequence[Any]):
    """The rows of a record batch, one by one."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch

    def __getitem__(self, index: Any) -> Any:
        return self._batch.slice(index, 1)

    def __len__(self) -> int:
        rows: int = self._batch.num_rows
        return rows


def one_batch(table: Any) -> Any:
    """Return the rows of a table as one record batch, copying only where it has several pieces."""
    batches = table.to_batches()
    if len(batches) == 1:
        return batches[0]
    return table.combine_chunks().to_batches()[0] if batches else _empty(table.schema)


def _empty(schema: Any) -> Any:
    return pa.RecordBatch.from_pylist([], schema=schema)
