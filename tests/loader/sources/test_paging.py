"""Pages cut from whatever pieces a reader sends: every row once, in order, ties kept together."""

from itertools import pairwise

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.loader.sources.paging import repage


def _key(row: object) -> object:
    return row.column(0)[0].as_py()  # type: ignore[attr-defined]


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 5), max_size=7), max_size=8),
    st.integers(1, 6),
    st.booleans(),
)
def test_every_row_comes_once_and_keys_are_cut_only_where_they_fill_a_page(
    pieces: list[list[int]], size: int, by_key: bool
) -> None:
    wanted = sorted(value for piece in pieces for value in piece)
    cuts, place = [], 0
    for piece in pieces:
        cuts.append(wanted[place : place + len(piece)])
        place += len(piece)
    batches = [pa.record_batch({"n": pa.array(cut, pa.int64())}) for cut in cuts]

    pages = list(repage(iter(batches), size, _key if by_key else None))

    values = [page.column(0).to_pylist() for page, _ in pages]
    assert [value for page in values for value in page] == wanted
    assert all(0 < len(page) <= size for page in values)
    if not by_key:
        assert all(len(page) == size for page in values[:-1])
        return
    for (page, behind), (_, tied) in zip(pairwise(values), pages, strict=False):
        assert tied == (page[-1] == behind[0])
        assert not tied or len(set(page)) == 1
