"""Find bad rows by halves, for systems that do not say which row they refused."""

from collections.abc import Callable, Iterator, Sequence

ErrorOf = Callable[[Sequence[int]], Exception | None]
"""Tries some rows in a transaction that it rolls back; returns what was refused."""


def bad_rows(rows: int, error_of: ErrorOf) -> list[tuple[int, Exception]]:
    """Return each row that cannot go in after the good ones before it, with its error, in order.

    Each range is first tried by itself, which is quick and finds every row that is bad by itself.
    Rows that are bad only beside others (a key twice in one slice) are then looked for among the
    rest by trying each range behind all good rows before it.
    """
    found = list(_bad_among(range(rows), error_of, behind=False))
    bad = {index for index, _ in found}
    rest = [index for index in range(rows) if index not in bad]
    if rest and error_of(rest) is not None:
        found += _bad_among(rest, error_of, behind=True)
    return sorted(found, key=lambda pair: pair[0])


def _bad_among(
    rows: Sequence[int], error_of: ErrorOf, *, behind: bool
) -> Iterator[tuple[int, Exception]]:
    good: list[int] = []
    ranges = [(0, len(rows))]
    while ranges:
        first, last = ranges.pop()
        if first == last:
            continue
        part = rows[first:last]
        error = error_of([*good, *part])
        if error is None:
            good += part if behind else []
        elif last - first == 1:
            yield rows[first], error
        else:
            middle = (first + last) // 2
            ranges += [(middle, last), (first, middle)]
