import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.forecast.order import grouped_quantiles, median

numbers = st.floats(-1e6, 1e6, width=32)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.one_of(numbers, st.just(float("nan"))), min_size=3, max_size=3)))
def test_the_median_ignores_what_is_not_there(rows: list[list[float]]) -> None:
    values = np.asarray(rows, np.float32).reshape(-1, 3)
    for row, found in zip(values, median(values), strict=True):
        present = row[~np.isnan(row)]
        if len(present):
            assert found == np.float32(np.median(present))
        else:
            assert np.isnan(found)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), numbers)))
def test_grouped_quantiles_are_those_of_each_group_alone(pairs: list[tuple[int, float]]) -> None:
    group = np.asarray([pair[0] for pair in pairs], np.int64)
    values = np.asarray([pair[1] for pair in pairs], np.float32)
    found, counts = grouped_quantiles(group, values, 5, (0.05, 0.5, 0.95))
    for index in range(5):
        own = np.sort(values[group == index])
        assert counts[index] == len(own)
        if not len(own):
            assert np.isnan(found[index]).all()
            continue
        assert found[index, 1] == np.float32(np.median(own))
        ends = (own[0], own[-1])
        assert ends[0] <= found[index, 0] <= found[index, 1] <= found[index, 2] <= ends[1]


def test_the_upper_quantile_counts_the_one_that_is_still_to_come() -> None:
    values = np.arange(1, 20, dtype=np.float32)
    found, _ = grouped_quantiles(np.zeros(19, np.int64), values, 1, (0.95,))
    assert found[0, 0] == 19  # rank 0.95 × 20: the largest of nineteen
