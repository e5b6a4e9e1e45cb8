from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from bot.airbyte.paging import walk


def pages_of(
    lists: Callable[[int], list[int]], limit: int
) -> tuple[Callable[[int], list[int]], list[int]]:
    """Serve a list that may be another one at each request."""
    asked: list[int] = []

    def fetch(offset: int) -> list[int]:
        asked.append(offset)
        return lists(len(asked) - 1)[offset : offset + limit]

    return fetch, asked


@given(st.integers(0, 60), st.integers(2, 9))
def test_a_list_that_holds_still_is_read_once_each_in_order(count: int, limit: int) -> None:
    fetch, asked = pages_of(lambda _: list(range(count)), limit)
    found = walk(fetch, int, limit)
    assert found.steady
    assert found.rows == tuple(range(count))
    assert len(asked) <= count // (limit - 1) + 1


@given(st.integers(10, 60), st.integers(2, 9), st.integers(1, 8), st.integers(1, 10))
def test_a_list_pruned_at_its_head_loses_no_row_that_is_left(
    count: int, limit: int, when: int, pruned: int
) -> None:
    fetch, _ = pages_of(lambda n: list(range(count))[pruned if n >= when else 0 :], limit)
    found = walk(fetch, int, limit)
    assert found.steady
    assert set(range(pruned, count)) <= set(found.rows)
    assert len(found.rows) == len(set(found.rows))


def test_a_list_whose_order_flaps_is_read_as_a_union_and_said_to_be_unsteady() -> None:
    fetch, _ = pages_of(lambda n: list(range(9)) if n % 2 else list(range(8, -1, -1)), 4)
    found = walk(fetch, int, 4)
    assert not found.steady
    assert len(found.rows) == len(set(found.rows))
