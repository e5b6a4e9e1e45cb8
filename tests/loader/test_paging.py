"""Which record is which: positions hold whatever is set apart, skipped, or cut off."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.loader.paging import PageWork
from bot.loader.rows import Page, Reject, records_of


def page_of(kept: list[bool]) -> Page:
    good = [n for n, keep in enumerate(kept) if keep]
    rejects = tuple(Reject(n, {"n": n}, "k", "m") for n, keep in enumerate(kept) if not keep)
    return Page(pa.RecordBatch.from_pydict({"n": pa.array(good, pa.int64())}), None, rejects)


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=40), st.integers(0, 45), st.integers(1, 9))
def test_every_record_behind_the_skipped_ones_is_seen_once_at_its_place(
    kept: list[bool], skip: int, size: int
) -> None:
    work = PageWork(page_of(kept), skip)
    seen: list[int] = []
    dealt_with = min(skip, len(kept))
    while work.left_rows:
        rows = work.front(size)
        values = [record["n"] for record in records_of(rows, range(rows.num_rows))]
        assert [work.position(index) for index in range(rows.num_rows)] == values
        after = work.records_after(rows.num_rows)
        assert dealt_with <= after <= len(kept)
        assert all(n < after for n in values)
        dealt_with = after
        seen += values
        work.advance(rows.num_rows)
    assert work.records_after(0) == len(kept)
    rejects = [reject.index for reject in work.rejects_before(len(kept))]
    assert sorted([*seen, *rejects]) == list(range(min(skip, len(kept)), len(kept)))


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(1, 9), st.integers(0, 30))
def test_going_on_from_any_cut_gives_exactly_the_rest(
    kept: list[bool], size: int, cuts: int
) -> None:
    page = page_of(kept)
    first, done = PageWork(page), 0
    for _ in range(cuts):
        if not first.left_rows:
            break
        rows = first.front(size).num_rows
        done = first.records_after(rows)
        first.advance(rows)
    second = PageWork(page, done)
    assert second.left_rows == first.left_rows
    before = {reject.index for reject in first.rejects_before(done)}
    behind = {reject.index for reject in second.rejects_before(len(kept))}
    assert before | behind == {reject.index for reject in page.rejects}
    assert not before & behind
