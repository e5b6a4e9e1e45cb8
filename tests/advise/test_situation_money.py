"""A month of money from some weeks of syncs."""

import numpy as np
import pytest

from bot.advise.situation_money import NOTHING, month

DAY = 86_400


def test_a_month_of_equal_days_is_thirty_of_them_and_still_uncertain() -> None:
    """Levels step between months, which equal days do not show: a fifth, as a standard deviation."""
    created = np.arange(42, dtype=np.int64) * DAY
    low, middle, high, highest = month(created, np.full(42, 10.0), 42)
    assert middle == pytest.approx(300)
    assert (low, high, highest) == pytest.approx((300 * 0.671, 300 * 1.168, 300 * 1.329), rel=1e-3)


def test_no_syncs_are_no_money() -> None:
    assert month(np.array([], dtype=np.int64), np.array([]), 42) == NOTHING
